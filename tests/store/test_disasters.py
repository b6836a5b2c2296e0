"""Power cuts, full disks and damaged files: real processes, disks and bytes."""

import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from chargerd.store.database import Store, StoreFailed
from chargerd.store.opening import PAGE_BYTES
from chargerd.store.repair import open_or_replace
from tests.mounts import on_a_small_disk
from tests.store.samples import HISTORY, REMEMBERED, T0, queued

WRITE_FOR_EVER = """
import sys
from itertools import count
from pathlib import Path
from chargerd.store.database import Store
from tests.store.samples import queued

store = Store(Path(sys.argv[1]))
for number in count(int(sys.argv[2])):
    store.commit((queued(2 * number), queued(2 * number + 1)))
    print(number, flush=True)
"""

FILL_THE_DISK = """
import sys
from pathlib import Path
from chargerd.store.database import Store, StoreFailed
from tests.store.samples import T0, queued

path = Path(sys.argv[1]) / "chargerd.db"
reserve, filler = path.with_suffix(".reserve"), path.with_name("filler")
number, failed = 0, None

def fill():
    with filler.open("ab", buffering=0) as file:
        for size in (65536, 4096):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass

def write():
    global number
    store.commit([queued(number + 1)])
    number += 1

store = Store(path)
write()
assert reserve.exists()
fill()
while reserve.exists():
    write()
print(f"gave up the reserve at {number > 1}")
write()
print("wrote on")
fill()
try:
    while True:
        write()
except StoreFailed as error:
    print(str(error).partition(": ")[2])
try:
    Store(path.with_name("other.db"))
except StoreFailed as error:
    print(str(error).rpartition("; ")[2])
assert [e.id for e in store.load(0, 10_000)] == list(range(1, number + 1))
filler.unlink()
write()
print(f"reserve is back: {reserve.exists()}")
store.close()
assert Store(path).restore(T0).waiting == number
"""


def test_a_killed_process_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "chargerd.db"
    dice, number = random.Random(7), 1
    for _ in range(4):
        after = dice.randrange(1, 40)
        with subprocess.Popen(
            [sys.executable, "-c", WRITE_FOR_EVER, path, str(number)],
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdout is not None
            said = [next(writer.stdout) for _ in range(after)]
            writer.send_signal(signal.SIGKILL)
            said += writer.stdout
        acknowledged = int(said[-1])

        store = Store(path)
        kept = [entry.id for entry in store.load(0, 10_000)]
        store.close()

        # each batch of two wholly or not at all; the last one may be unheard of
        assert kept[: 2 * acknowledged] == list(range(2, 2 * acknowledged + 2))
        assert len(kept) - 2 * acknowledged in (0, 2)
        number = kept[-1] // 2 + 1


def test_a_full_disk_costs_the_reserve_and_then_refuses(tmp_path: Path) -> None:
    small = on_a_small_disk(tmp_path, "2m")
    ran = subprocess.run(
        [*small, sys.executable, "-c", FILL_THE_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == [
        "gave up the reserve at True",
        "wrote on",
        "database or disk is full; free space on this disk",
        "free space on this disk",
        "reserve is back: True",
    ]


def damage(path: Path, words: bytes) -> None:
    """Overwrite the page of a file that holds ``words``."""
    content = path.read_bytes()
    start = content.index(words) // PAGE_BYTES * PAGE_BYTES
    with path.open("r+b") as file:
        file.seek(start)
        file.write(random.Random(1).randbytes(PAGE_BYTES))


def test_a_damaged_page_is_survived_and_the_rest_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "chargerd.db"
    store = Store(path)
    store.commit(HISTORY)
    store.close()
    damage(path, b"HeartbeatInterval")
    with pytest.raises(StoreFailed):
        Store(path)

    store, told = open_or_replace(path, T0)

    aside = tmp_path / "chargerd.damaged-20260302T080000Z"
    assert told is not None
    assert f"it is kept as {aside}; saved " in told
    assert aside.exists()
    snapshot = store.restore(T0)
    assert snapshot.values == {}
    assert snapshot.entries == REMEMBERED.entries
    assert snapshot.interrupted == REMEMBERED.interrupted
    store.commit((queued(7),))
    store.close()


def test_what_is_only_in_the_log_of_a_damaged_file_is_saved_too(
    tmp_path: Path,
) -> None:
    path = tmp_path / "chargerd.db"
    store = Store(path)
    store.commit(HISTORY[:2])
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.commit((queued(1),))
    # as a power cut leaves them: the log beside the file, and no index of the log
    left = tmp_path / "left.db"
    left.write_bytes(path.read_bytes())
    log = Path(f"{left}-wal")
    log.write_bytes(Path(f"{path}-wal").read_bytes())
    store.close()
    assert log.stat().st_size > 0
    damage(left, b"HeartbeatInterval")

    store, told = open_or_replace(left, T0)

    assert told is not None
    assert [entry.id for entry in store.load(0, 10)] == [1]
    store.close()


@pytest.mark.parametrize(
    "content", [b"no database at all, but some text" * 99, bytes(5000)]
)
def test_a_file_that_is_no_database_is_set_aside(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "chargerd.db"
    path.write_bytes(content)
    store, told = open_or_replace(path, T0)
    assert told is not None
    assert "saved 0 rows" in told
    assert path.with_name("chargerd.damaged-20260302T080000Z").read_bytes() == content
    store.close()


def test_any_single_page_may_be_damaged_and_the_store_opens(tmp_path: Path) -> None:
    path = tmp_path / "chargerd.db"
    store = Store(path)
    store.commit(HISTORY)
    store.close()
    whole = path.read_bytes()
    noise = random.Random(3)
    noticed = 0
    for start in range(0, len(whole), 1024):
        path.write_bytes(whole)
        with path.open("r+b") as file:
            file.seek(start)
            file.write(noise.randbytes(PAGE_BYTES))
        store, told = open_or_replace(path, T0)
        noticed += told is not None
        store.commit((queued(1000),))
        assert store.restore(T0).entries[-1].id == 1000
        store.close()
    assert noticed > len(whole) // 1024 // 2


def test_a_whole_store_is_not_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "chargerd.db"
    store, told = open_or_replace(path, T0)
    store.close()
    assert told is None
    assert {file.name for file in tmp_path.iterdir()} == {
        "chargerd.db",
        "chargerd.reserve",
    }


def test_the_store_of_a_newer_chargerd_is_not_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "chargerd.db"
    Store(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
        db.execute("PRAGMA application_id = 99")
    with pytest.raises(StoreFailed, match="newer chargerd"):
        open_or_replace(path, T0)
    assert not list(tmp_path.glob("*damaged*"))


def test_a_disk_that_cannot_be_written_to_is_no_damage() -> None:
    with pytest.raises(StoreFailed, match="make the directory writable"):
        open_or_replace(Path("/proc/chargerd.db"), T0)
