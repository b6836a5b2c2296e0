"""Quantities, times and identifiers as people read them."""

from datetime import datetime, timedelta

NOTHING = "–"


def power(power_w: float | None) -> str:
    """Return "87.4 kW"; small powers in watt."""
    if power_w is None:
        return NOTHING
    return f"{power_w / 1000:.1f} kW" if abs(power_w) >= 1000 else f"{power_w:.0f} W"


def energy(energy_wh: float | None) -> str:
    """Return "21.40 kWh"."""
    return NOTHING if energy_wh is None else f"{energy_wh / 1000:.2f} kWh"


def register(energy_wh: int | None) -> str:
    """Return a meter's register in whole Wh, in groups of three digits."""
    return NOTHING if energy_wh is None else f"{energy_wh:,} Wh".replace(",", " ")


def number(value: float | None, unit: str, digits: int = 0) -> str:
    """Return a value with its unit."""
    return NOTHING if value is None else f"{value:.{digits}f} {unit}"


def duration(seconds: float | None) -> str:
    """Return the two greatest parts: "18m 02s", "2h 14m", "12d 3h"."""
    if seconds is None:
        return NOTHING
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    minutes, seconds = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m {seconds:02}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h {minutes:02}m"
    return f"{hours // 24}d {hours % 24}h"


def moment(text: str) -> datetime:
    """Read a time of the daemon's."""
    return datetime.fromisoformat(text)


def between(start: str | None, end: str | None) -> str:
    """Return how long it is from one time to the other."""
    if start is None or end is None:
        return NOTHING
    return duration((moment(end) - moment(start)) / timedelta(seconds=1))


def clock(text: str | None) -> str:
    """Return the time of the day, in the terminal's time zone."""
    return NOTHING if text is None else f"{moment(text).astimezone():%H:%M:%S}"


def date(text: str | None) -> str:
    """Return day and time, in the terminal's time zone."""
    return NOTHING if text is None else f"{moment(text).astimezone():%b %d %H:%M}"


def day(text: str | None) -> str:
    """Return a date that may be years away, in the terminal's time zone."""
    return NOTHING if text is None else f"{moment(text).astimezone():%F %H:%M}"


def short(identifier: str | None) -> str:
    """Return the beginning of a session's id, enough to tell it from others."""
    return NOTHING if identifier is None else identifier[:8]


def count(amount: int, word: str) -> str:
    """Return "1 message", "2 messages"."""
    return f"{amount} {word}" if amount == 1 else f"{amount} {word}s"


def shown(amount: int, total: int) -> str:
    """Return ", 20 shown" if there are more."""
    return f", {amount} shown" if amount < total else ""
