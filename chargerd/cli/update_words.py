"""How a firmware update stands, in words for a technician."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from chargerd.cli import units
from chargerd.cli.terminal import FAULT, GOOD, OFF, WARNING, Cell, mark

Values = Mapping[str, Any]

INSTALLED: Final = "installed"

_STATES: Final[Mapping[str, tuple[str, str]]] = {
    "wanted": (OFF, "is about to begin"),
    "scheduled": (OFF, "waits for its time to be fetched"),
    "downloading": (GOOD, "the file is on its way"),
    "paused": (WARNING, "the file did not come; it is tried again"),
    "verifying": (GOOD, "the file is being checked"),
    "verified": (GOOD, "the file is in order"),
    "install scheduled": (OFF, "the file is here; it waits for its time"),
    "waiting for idle": (WARNING, "waits for transactions to end"),
    "installing": (GOOD, "is being installed"),
    "rebooting": (GOOD, "is installed; the station restarts"),
    "confirming": (GOOD, "runs, and has to prove itself"),
    "rolling back": (FAULT, "is not sound; the version before comes back"),
    INSTALLED: (GOOD, "installed"),
    "download failed": (FAULT, "failed: there is no file"),
    "signature bad": (FAULT, "failed: the file is not what its maker has signed"),
    "verification failed": (FAULT, "failed: the updater does not trust the file"),
    "installation failed": (FAULT, "failed: it is not installed"),
}
_REMEDIES: Final[Mapping[str, str]] = {
    "paused": "wait; or give it up with chargerctl update cancel",
    "waiting for idle": "let the drivers end, or end their sessions; no new one begins",
    "download failed": "nothing has changed; check the location and the uplink "
    "(chargerctl link), then begin again",
    "signature bad": "nothing has changed; ask for a file and a signature that belong "
    "together, from a maker whose root certificate is installed",
    "verification failed": "nothing has changed; ask for a file that the updater of "
    "this station trusts",
    "installation failed": "the version before runs; read journalctl -u chargerd, then "
    "begin again",
}
_ORIGINS: Final = {
    "csms": "the CSMS",
    "file": "a technician",
    "usb": "a USB stick",
}


def state(name: str) -> Cell:
    """Return a state in words; one that a newer daemon knows goes by its name."""
    return mark(*_STATES.get(name, (OFF, name)))


def progress(update: Values) -> Cell:
    """Return how an update stands, and what it waits for."""
    job = update["job"]
    tone, words = _STATES.get(job["state"], (OFF, job["state"]))
    more = _MORE.get(job["state"])
    return mark(tone, more(update, words) if more else words)


def remedy(name: str) -> str | None:
    """Return what can be done in a state."""
    return _REMEDIES.get(name)


def origin(job: Values) -> str:
    """Return who wanted an update."""
    return _ORIGINS.get(job["origin"], str(job["origin"]))


def source(job: Values) -> str:
    """Return where a file comes from, and who vouches for it."""
    place = job["location"]
    if place == "sent":
        place = "a file, with chargerctl"
    vouched = "signed" if job["signed"] else "not signed"
    asked = f", request {job['request_id']}" if "request_id" in job else ""
    return f"{place}; wanted by {origin(job)}, {vouched}{asked}"


def size(size_bytes: int | None) -> str:
    """Return how large a file is."""
    if size_bytes is None:
        return units.NOTHING
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e6 else f"{size_bytes} bytes"


def _until_fetched(update: Values, words: str) -> str:
    return f"{words}, {units.day(update['job']['retrieve_at'])}"


def _until_installed(update: Values, words: str) -> str:
    return f"{words}, {units.day(update['job'].get('install_at'))}"


def _again(update: Values, words: str) -> str:
    return f"{words} in {units.duration(update['job'].get('left_s'))}"


def _idle(update: Values, _: str) -> str:
    amount = units.count(update["transactions"], "transaction")
    left = units.duration(update["job"].get("left_s"))
    return f"waits for {amount} to end, at most {left} more"


def _percent(update: Values, words: str) -> str:
    percent = update["job"].get("percent")
    return words if percent is None else f"{words}, {percent} %"


def _version(update: Values, words: str) -> str:
    return f"{words}: {update['version']} runs"


_MORE: Final[Mapping[str, Callable[[Values, str], str]]] = {
    "scheduled": _until_fetched,
    "install scheduled": _until_installed,
    "paused": _again,
    "waiting for idle": _idle,
    "downloading": _percent,
    "installing": _percent,
    INSTALLED: _version,
}
