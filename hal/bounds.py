"""What a driver's ``Config`` refuses, in the words of a station file's mistakes."""

from collections.abc import Collection


def check(field: str, value: float, low: float, high: float) -> None:
    """Refuse a number out of its bounds."""
    if not low <= value <= high:
        raise ValueError(
            f"{field}: {value} is out of bounds; write {low:g} to {high:g}"
        )


def check_word(field: str, value: str, known: Collection[str]) -> None:
    """Refuse a word that means nothing here."""
    if value not in known:
        words = " or ".join(f'"{word}"' for word in known)
        raise ValueError(f'{field}: "{value}" is unknown; write {words}')
