"""How the CSMS is dialed, and how often."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from chargerd.core.policy import Policy
from chargerd.ocpp16.attachment_values import address
from chargerd.runtime.tls import TlsSettings


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Where the CSMS is, and who we are there."""

    url: str
    identity: str
    security_profile: int = 0
    tls: TlsSettings | None = None
    """Of security profiles 2 and 3; without it, who is believed is the system's say."""
    key: bytes | None = field(default=None, repr=False)
    """The password of security profiles 1 and 2."""
    turn: int = 0
    """Grows whenever these settings are others."""
    trial: bool = False
    """Something else is dialed soon if these settings do not work."""
    settle_s: float = 10.0
    """A link must have lived so long for the next redial to be eager again."""

    @property
    def headers(self) -> Mapping[str, str]:
        """What tells the CSMS who we are (whitepaper A00.FR.204)."""
        if self.security_profile not in (1, 2) or self.key is None:
            return {}
        pair = self.identity.encode() + b":" + self.key
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    @property
    def introduces(self) -> bool:
        """Whether the CSMS sees a certificate of ours."""
        return self.tls is not None and self.tls.own is not None

    @property
    def address(self) -> str:
        """What is dialed."""
        return address(self.url, self.identity)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often we ping, and how eagerly we redial; the keys of OCPP say it."""

    ping_interval_s: float = 60.0
    """0: never."""
    pong_within_s: float = 15.0
    """A ping that is not answered for so long means a dead link."""
    wait_least_s: float = 0.0
    wait_random_s: float = 1.0
    """So much more at the most: after a restart of the CSMS not all dial at once."""
    wait_doublings: int = 8

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """Return the pace that the operator wants."""
        return cls(
            policy.ping_interval_s,
            policy.pong_within_s,
            policy.redial_least_s,
            policy.redial_random_s,
            policy.redial_doublings,
        )
