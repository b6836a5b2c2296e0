"""Certificates on the bench: an authority, and what the CSMS does with it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.hashes import SHA256
from ocpp.v16.enums import CertificateUse

from chargerd.ocpp16.attachment_values import Filed
from chargerd.ocpp16.jobs import Job, Redial
from chargerd.ocpp16.keyring import Keyring
from chargerd.ocpp16.keyring_events import Origin, SigningWanted
from chargerd.ocpp16.link_news import LinkTried, LinkTrusted
from chargerd.ocpp16.own_certificates import Own
from chargerd.store.database import Store
from tests.authority import Issued, root
from tests.scenarios.bench import FILED, Bench
from tests.scenarios.csms import Json

SERIAL_NUMBER: Final = "SN-0042"
CPO: Final = {"CpoName": "Example"}
CSMS: Final = CertificateUse.central_system_root_certificate
MANUFACTURER: Final = CertificateUse.manufacturer_root_certificate
ROOT: Final = root("CPO")
DAY_S: Final = 86_400.0


class KeyringBench(Bench):
    """A station that can have certificates, and a CSMS that has an authority."""

    def __init__(
        self,
        keys: dict[str, str] | None = None,
        *,
        profile: int = 0,
        file_own: str = "",
        in_hardware: bool = False,
        **more: Any,
    ) -> None:
        at = replace(FILED.attachment, profile=profile)
        super().__init__(
            keys=CPO | (keys or {}),
            filed=Filed(at, certificate=file_own, in_hardware=in_hardware),
            **{"serial_number": SERIAL_NUMBER, "file_roots": (ROOT.pem,)} | more,
        )

    def connects(self) -> None:
        """Connect, and beat once a day: these stories go on for months."""
        super().connects()
        self.sets_here("HeartbeatInterval", "86400")

    @property
    def keyring(self) -> Keyring:
        return self.charge_point.upkeep.keyring

    @property
    def own(self) -> Own | None:
        return self.keyring.own(self.clock.now())

    @property
    def csrs(self) -> list[str]:
        return [payload["csr"] for payload in self.told("SignCertificate")]

    @property
    def redials(self) -> int:
        return sum(isinstance(job, Redial) for job in self.jobs)

    @property
    def jobs(self) -> list[Job]:
        return [job for step in self.steps for job in step.jobs]

    @property
    def notes(self) -> list[str]:
        """What people read, and why something was refused."""
        told = (effect for step in self.steps for effect in step.told)
        texts = (getattr(each, "what", getattr(each, "detail", "")) for each in told)
        return [text for text in texts if isinstance(text, str)]

    def alarms(self, type_: str) -> list[str]:
        events = self.security_events
        return [event["techInfo"] for event in events if event["type"] == type_]

    def triggers(self, message: str = "SignChargePointCertificate") -> str:
        answer = self.asks("ExtendedTriggerMessage", requestedMessage=message)
        return str(answer["status"])

    def wants_here(self) -> None:
        """Let a technician want a new certificate."""
        self.happens(SigningWanted(Origin.HERE))

    def delivers(self, chain: str) -> str:
        return str(self.asks("CertificateSigned", certificateChain=chain)["status"])

    def certified(self, issuer: Issued = ROOT, **wish: Any) -> str:
        """Return the certificate that was asked for last, for half a year."""
        now = self.clock.now().utc
        life = {"not_before": now, "not_after": now + timedelta(days=180)}
        return issuer.certify(self.csrs[-1], **life | wish)

    def gets_certificate(self, **wish: Any) -> Own:
        """Go the whole way to a certificate that is in use."""
        assert self.triggers() == "Accepted"
        assert self.delivers(self.certified(**wish)) == "Accepted"
        assert self.own is not None
        return self.own

    def installs(self, pem: str, use: CertificateUse = CSMS) -> str:
        answer = self.asks("InstallCertificate", certificateType=use, certificate=pem)
        return str(answer["status"])

    def deletes(self, named: Json) -> str:
        answer = self.asks("DeleteCertificate", certificateHashData=named)
        return str(answer["status"])

    def lists(self, use: CertificateUse = CSMS) -> list[Json]:
        answer = self.asks("GetInstalledCertificateIds", certificateType=use)
        assert (answer["status"] == "Accepted") == ("certificateHashData" in answer)
        return list(answer.get("certificateHashData", ()))

    def trusts(self, *roots: Issued) -> None:
        """Let the present link rest on these."""
        self.happens(LinkTrusted(tuple(fingerprint(each) for each in roots)))

    def dials(self, *, ok: bool, layer: str = "tls-refused") -> Own | None:
        """Dial, and return what is shown at the next dial."""
        turn = self.charge_point.upkeep.attachments.turn
        self.happens(LinkTried(ok, turn, "" if ok else layer, ""))
        return self.keyring.shown(self.clock.now())

    def waits_days(self, days: float) -> None:
        """Let days pass."""
        self.waits(days * DAY_S)


def fingerprint(issued: Issued) -> str:
    return issued.certificate.fingerprint(SHA256()).hex()


def on_disk(
    folder: Path, keys: dict[str, str] | None = None, **more: Any
) -> KeyringBench:
    """Return a station with a disk."""
    return KeyringBench(keys, store=Store(folder / "store.sqlite"), **more)
