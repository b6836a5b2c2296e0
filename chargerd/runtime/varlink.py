"""Reads Varlink interface descriptions and holds parameters against them.

The grammar is that of https://varlink.org/Interface-Definition. A comment that
stands right above a type, method or error is its documentation.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final


class DescriptionError(ValueError):
    """A description that breaks the grammar; the text says in which line."""


class MismatchError(ValueError):
    """A value that does not fit its description.

    ``field`` is the field of the outermost struct that is to blame.
    """

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class Scalar:
    """One of ``bool``, ``int``, ``float``, ``string`` and ``object``."""

    name: str


@dataclass(frozen=True, slots=True)
class Named:
    """A type that the interface defines under this name."""

    name: str


@dataclass(frozen=True, slots=True)
class Maybe:
    """A type whose value may be null or left out."""

    inner: "Type"


@dataclass(frozen=True, slots=True)
class Array:
    """Any number of values of one type."""

    inner: "Type"


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Values of one type under any names."""

    inner: "Type"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Struct:
    """Named fields, each of its own type."""

    fields: Mapping[str, "Type"]


Type = Scalar | Named | Maybe | Array | Dictionary | Choice | Struct


@dataclass(frozen=True, slots=True)
class Method:
    """What a method takes and what it answers."""

    takes: Struct
    gives: Struct


@dataclass(frozen=True, slots=True)
class Description:
    """One interface."""

    name: str
    types: Mapping[str, Type]
    methods: Mapping[str, Method]
    errors: Mapping[str, Struct]
    comments: Mapping[str, str]
    """What stands above each member, by its name; the interface's under ""."""

    def check(self, wanted: Type, value: Any, field: str = "") -> None:
        """Raise ``MismatchError`` unless ``value``, read from JSON, fits."""
        match wanted:
            case Scalar(name):
                fits = _SCALARS[name](value)
                _require(fits, field, f"{value!r} is no {name}")
            case Choice(words):
                listed = ", ".join(words)
                _require(value in words, field, f"{value!r} is none of {listed}")
            case Named(name):
                self.check(self.types[name], value, field)
            case Maybe(inner) if value is not None:
                self.check(inner, value, field)
            case Array() | Dictionary():
                self._check_each(wanted, value, field)
            case Struct(fields):
                self._check_fields(fields, value, field)

    def _check_each(self, wanted: Array | Dictionary, value: Any, field: str) -> None:
        container = list if isinstance(wanted, Array) else dict
        fits = isinstance(value, container)
        _require(fits, field, f"{value!r} is no {container.__name__}")
        for item in value if isinstance(value, list) else value.values():
            self.check(wanted.inner, item, field)

    def _check_fields(self, fields: Mapping[str, Type], value: Any, field: str) -> None:
        _require(isinstance(value, dict), field, f"{value!r} is no object")
        known = ", ".join(fields) or "none"
        for name in value:
            _require(name in fields, field or name, f"unknown; known: {known}")
        for name, wanted in fields.items():
            there = name in value or isinstance(wanted, Maybe)
            _require(there, field or name, f"{name} is missing")
            self.check(wanted, value.get(name), field or name)


def shipped(name: str) -> str:
    """Return the text of the description that chargerd ships for an interface."""
    return (resources.files("chargerd") / f"{name}.varlink").read_text("utf-8")


def parse(text: str) -> Description:
    """Read a description, or raise ``DescriptionError``."""
    return _Parser(text).description()


def _require(fits: bool, field: str, text: str) -> None:
    if not fits:
        raise MismatchError(field, f"{field}: {text}")


def _is_text(value: Any) -> bool:
    """Tell a string that can be stored; JSON lets half a surrogate pair through."""
    return isinstance(value, str) and not _SURROGATE.search(value)


_SURROGATE = re.compile("[\ud800-\udfff]")
_SCALARS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool)
    ),
    "string": _is_text,
    "object": lambda _value: True,
}

_TOKEN = re.compile(
    r"(?P<space>[ \t\r]+)|(?P<line>\n)|(?P<comment>\#[^\n]*)"
    r"|(?P<word>[A-Za-z][A-Za-z0-9_.-]*)|(?P<sign>->|\[\]|\[string\]|[?(),:])"
)


class _Parser:
    """Goes through the tokens of one text, keeping the comment last read."""

    def __init__(self, text: str) -> None:
        self._line = 1
        self._comment: list[str] = []
        self._tokens = self._scan(text)
        self._next = next(self._tokens)

    def description(self) -> Description:
        self._expect("interface")
        comments = {"": self._pop_comment()}
        name = self._take()
        members: dict[str, dict[str, Any]] = {"type": {}, "method": {}, "error": {}}
        while self._next:
            kind = self._take()
            if kind not in members:
                raise self._wrong(f"{kind!r} is none of type, method, error")
            comment = self._pop_comment()
            member = self._take()
            if any(member in taken for taken in members.values()):
                raise self._wrong(f"{member!r} stands here a second time")
            comments[member] = comment
            members[kind][member] = self._method() if kind == "method" else self._type()
        return self._checked(name, members, comments)

    def _checked(
        self, name: str, members: dict[str, dict[str, Any]], comments: dict[str, str]
    ) -> Description:
        types, methods, errors = members.values()
        structs = [*types.values(), *errors.values()]
        structs += [part for one in methods.values() for part in (one.takes, one.gives)]
        for named in _names(Struct({str(i): one for i, one in enumerate(structs)})):
            if named not in types:
                raise DescriptionError(
                    f"{name}: type {named!r} is used but not defined"
                )
        return Description(name, types, methods, errors, comments)

    def _method(self) -> Method:
        takes = self._struct()
        self._expect("->")
        return Method(takes, self._struct())

    def _type(self) -> Type:
        match self._next:
            case "(":
                return self._struct_or_choice()
            case "?":
                self._take()
                return Maybe(self._type())
            case "[]":
                self._take()
                return Array(self._type())
            case "[string]":
                self._take()
                return Dictionary(self._type())
        word = self._take()
        return Scalar(word) if word in _SCALARS else Named(word)

    def _struct(self) -> Struct:
        found = self._struct_or_choice()
        if isinstance(found, Choice):
            raise self._wrong("a list of words where fields with types belong")
        return found

    def _struct_or_choice(self) -> Struct | Choice:
        self._expect("(")
        fields: dict[str, Type] = {}
        words: list[str] = []
        while self._next != ")":
            if fields or words:
                self._expect(",")
            name = self._take()
            if self._next == ":":
                self._take()
                fields[name] = self._type()
            else:
                words.append(name)
        self._comment.clear()  # of the fields; the next member's is not read yet
        self._expect(")")
        if fields and words:
            raise self._wrong(f"{words[0]!r} has no type")
        return Choice(tuple(words)) if words else Struct(fields)

    def _take(self) -> str:
        token, self._next = self._next, next(self._tokens)
        return token

    def _expect(self, token: str) -> None:
        if self._next != token:
            raise self._wrong(f"{self._next!r} where {token!r} belongs")
        self._take()

    def _pop_comment(self) -> str:
        comment, self._comment = "\n".join(self._comment), []
        return comment

    def _wrong(self, text: str) -> DescriptionError:
        return DescriptionError(f"line {self._line}: {text}")

    def _scan(self, text: str) -> Iterator[str]:
        """Yield the tokens, then "" for ever."""
        at, blank = 0, True
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise self._wrong(f"{text[at]!r} does not belong here")
            at = found.end()
            match found.lastgroup:
                case "line":
                    self._line += 1
                    if blank:
                        self._comment.clear()
                    blank = True
                case "comment":
                    self._comment.append(found[0][1:].strip())
                    blank = False
                case "word" | "sign":
                    blank = False
                    yield found[0]
        while True:
            yield ""


def _names(wanted: Type) -> Iterator[str]:
    match wanted:
        case Named(name):
            yield name
        case Maybe(inner) | Array(inner) | Dictionary(inner):
            yield from _names(inner)
        case Struct(fields):
            for inner in fields.values():
                yield from _names(inner)
