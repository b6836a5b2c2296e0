"""The AuthorizationKeys of stations, and what the bench made of them."""

import hmac
from typing import Final

from benchcsms.settings import Json, Settings

_TAKEN: Final = ("Accepted", "RebootRequired")


class Keyring:
    """Knows by which password a station proves who it is.

    A key that was changed is expected from then on, but the former one does until the
    new one was used once: a station may lose its connection before it has written the
    key down.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys: dict[str, bytes] = {}
        """Those that were changed, and used since."""
        self._new: dict[str, bytes] = {}

    def admits(
        self, identity: str, credentials: bytes, *, anybody: bool = True
    ) -> bool:
        """Whether ``identity:password`` is right.

        Args:
            identity: Of the station.
            credentials: What it said.
            anybody: What is returned where no password is known.
        """
        new = self._new.get(identity)
        if new is not None and _is(identity, new, credentials):
            self._keys[identity] = self._new.pop(identity)
            return True
        first = self._settings.keys.get(identity, self._settings.key)
        present = self._keys.get(identity, first)
        return anybody if present is None else _is(identity, present, credentials)

    def answered(self, identity: str, action: str, asked: Json, said: Json) -> None:
        """Learn the new key from a ChangeConfiguration that a station took."""
        changed = action == "ChangeConfiguration" and said.get("status") in _TAKEN
        if not changed or not self._settings.learns_keys:
            return
        match asked:
            case {"key": str(name), "value": str(value)}:
                if name.casefold() == "authorizationkey":
                    self._new[identity] = _password(value)


def _is(identity: str, key: bytes, credentials: bytes) -> bool:
    return hmac.compare_digest(credentials, identity.encode() + b":" + key)


def _password(value: str) -> bytes:
    """Return the bytes of a key: it is hexadecimal (whitepaper, A00.FR.205)."""
    try:
        return bytes.fromhex(value)
    except ValueError:
        return value.encode()
