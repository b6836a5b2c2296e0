"""What can happen to the certificates and keys of the station."""

from dataclasses import dataclass
from enum import StrEnum

from ocpp.v16.enums import CertificateUse

from chargerd.ocpp16.link_news import LinkTrusted
from chargerd.ocpp16.own_certificates import Own
from chargerd.ocpp16.pki.values import Certificate, KeyPair
from chargerd.ocpp16.security import SecurityEventType


class Origin(StrEnum):
    """Who wants a new certificate for the station."""

    CSMS = "csms"
    HERE = "chargerctl"
    HAND = "hand"  # the same, but people sign it, and the CSMS is not asked
    RENEWAL = "renewal"  # the station, for the one it has will end


@dataclass(frozen=True, slots=True)
class Root:
    """A certificate that may vouch for others, and for whom."""

    use: CertificateUse
    certificate: Certificate
    issuer: Certificate
    """Who signed it, as far as it was known when it came; or else itself."""
    in_file: bool = False
    """The station file names it: OCPP cannot take it away."""

    @property
    def name(self) -> str:
        """Under which it lies in its drawer."""
        return f"{self.use} {self.certificate.fingerprint}"


@dataclass(frozen=True, slots=True)
class SigningWanted:
    """The station shall ask for a certificate, with a new key."""

    origin: Origin


@dataclass(frozen=True, slots=True)
class KeyMade:
    """The key pair is there that was to be made."""

    key: KeyPair


@dataclass(frozen=True, slots=True)
class SigningAnswered:
    """The CSMS has said whether it will have the certificate made."""

    fingerprint: str
    """Of the key; so everywhere."""
    accepted: bool


@dataclass(frozen=True, slots=True)
class SigningUnanswered:
    """The CSMS did not answer, or with an error, although the link was there."""

    fingerprint: str


@dataclass(frozen=True, slots=True)
class OwnInstalled:
    """A certificate of the station was judged and is good."""

    own: Own


@dataclass(frozen=True, slots=True)
class RootInstalled:
    """A root was judged and is good."""

    root: Root


@dataclass(frozen=True, slots=True)
class RootDeleted:
    """A root shall not be believed any more."""

    root: Root


@dataclass(frozen=True, slots=True)
class CertificateRefused:
    """A certificate was refused, and security people want to know."""

    type: SecurityEventType
    detail: str


KeyringEvent = (
    SigningWanted
    | KeyMade
    | SigningAnswered
    | SigningUnanswered
    | OwnInstalled
    | RootInstalled
    | RootDeleted
    | CertificateRefused
    | LinkTrusted
)
