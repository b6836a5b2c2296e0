"""What the fields of a driver's ``Config`` mean, in the words below each of them."""

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any


def meanings(config: type[Any]) -> Mapping[str, str]:
    """Return what stands below each field that is described, on one line.

    A field that a class leaves undescribed means what it means in the class above. A
    class whose source is not there describes nothing.
    """
    found: dict[str, str] = {}
    for owner in reversed(config.__mro__):
        if dataclasses.is_dataclass(owner):
            found.update(_own(owner))
    return found


def _own(owner: type[Any]) -> Iterator[tuple[str, str]]:
    try:
        source = inspect.getsource(owner)
    except OSError:
        return
    (tree,) = ast.parse(textwrap.dedent(source)).body
    assert isinstance(tree, ast.ClassDef)
    for field, words in zip(tree.body, tree.body[1:], strict=False):
        match field, words:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, " ".join(text.split())
