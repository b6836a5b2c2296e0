"""The present values of the configuration keys, and where each comes from."""

from collections.abc import Mapping

from chargerd.core.policy import Policy
from chargerd.ocpp16 import keys
from chargerd.ocpp16.keys import Judged, Outcome
from chargerd.ocpp16.records import KeyKept


class Configuration:
    """Layers of values: facts, station file, what was changed since, the last boot."""

    def __init__(
        self,
        facts: Mapping[str, str],
        configured: Mapping[str, str],
        kept: Mapping[str, tuple[str, str]],
    ) -> None:
        """Lay one over the other.

        Args:
            facts: Read-only keys that are facts about this station.
            configured: What the station file sets.
            kept: What was changed since: name → value and origin.
        """
        self._facts = dict(facts)
        self._configured = dict(configured)
        # What an older version took and this one would not, is back at its default.
        self._kept = {
            name: told for name, told in kept.items() if _accepted(name, told[0])
        }
        self._boot: dict[str, str] = {}
        self._elsewhere: dict[str, tuple[str, str]] = {}

    @property
    def values(self) -> dict[str, str]:
        """All keys that differ from their defaults."""
        kept = {name: value for name, (value, _) in self._kept.items()}
        elsewhere = {name: value for name, (value, _) in self._elsewhere.items()}
        return {**self._facts, **self._configured, **kept, **self._boot, **elsewhere}

    @property
    def policy(self) -> Policy:
        """What the core makes of the keys."""
        return keys.policy(self.values)

    def origin(self, name: str) -> str:
        """Return where the value of a key comes from."""
        if name in self._elsewhere:
            return self._elsewhere[name][1]
        if name in self._boot:
            return "csms"
        if name in self._kept:
            return self._kept[name][1]
        return "station file" if name in self._configured else "default"

    def change(self, judged: Judged, origin: str) -> KeyKept | None:
        """Take an accepted change; ``None`` means that it changes nothing."""
        news = (judged.value, origin)
        unchanged = (
            self._kept.get(judged.name) == news and judged.name not in self._boot
        )
        if judged.outcome is not Outcome.ACCEPTED or unchanged:
            return None
        self._boot.pop(judged.name, None)
        self._kept[judged.name] = news
        return KeyKept(judged.name, judged.value, origin)

    def learn(self, name: str, value: str, origin: str) -> bool:
        """Take the value of a key that is decided elsewhere; tell if it is news."""
        before = self._elsewhere.get(name)
        self._elsewhere[name] = (value, origin)
        return before != (value, origin)

    def booted(self, heartbeat_interval_s: int) -> None:
        """Take the interval that an accepted boot sets until the next one."""
        self._boot = {"HeartbeatInterval": str(heartbeat_interval_s)}


def _accepted(name: str, value: str) -> bool:
    return keys.judge(name, value).outcome is Outcome.ACCEPTED
