from collections.abc import Iterator
from pathlib import Path

import pytest

from chargerd.store.database import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "chargerd.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = Store(path)
    yield opened
    opened.close()
