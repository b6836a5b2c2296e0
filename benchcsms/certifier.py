"""Certificates for stations: SignCertificate, and CertificateSigned after it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from benchcsms import authority, issuer
from benchcsms.dialogue import Dialogue
from benchcsms.frames import CALLRESULT, Frame
from benchcsms.issuer import Issuer
from benchcsms.settings import Json, NotDone, Signing

_EVENT: Final = "certificate"
"""The kind of the entries that tell what became of a request."""

Call = Callable[[str, str, Json], Awaitable[object]]


class Certifier:
    """Answers the requests of stations, and sends what it issued.

    Args:
        signing: Who issues, and when.
        dialogue: Told what was issued, and what was not.
        now: When certificates begin.
        call: Sends a CALL to a station.

    Raises:
        NotDone: The authority is not there, or cannot be read.
    """

    def __init__(
        self,
        signing: Signing,
        dialogue: Dialogue,
        now: Callable[[], datetime],
        call: Call,
    ) -> None:
        folder = signing.folder
        self._root = None if folder is None else authority.root(folder)
        self._life = timedelta(days=signing.days)
        self._after_s = signing.after_s
        self._dialogue = dialogue
        self._now = now
        self._call = call
        self._sending: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Send nothing any more."""
        for task in self._sending:
            task.cancel()

    def answer(self, identity: str, asked: Json) -> Json:
        """Return the answer to a SignCertificate."""
        try:
            self._checked(asked["csr"])
        except NotDone as refused:
            self._dialogue.event(identity, _EVENT, refused=str(refused))
            return {"status": "Rejected"}
        return {"status": "Accepted"}

    def answered(self, identity: str, asked: Frame, said: Frame) -> None:
        """Begin to keep the promise, if the answer to a CALL was one."""
        if asked.action == "SignCertificate" and said.type == CALLRESULT:
            match asked.payload, said.payload:
                case {"csr": str(csr)}, {"status": "Accepted"}:
                    task = asyncio.create_task(self._keep(identity, csr))
                    self._sending.add(task)
                    task.add_done_callback(self._sending.discard)

    async def _keep(self, identity: str, csr: str) -> None:
        await asyncio.sleep(self._after_s)
        try:
            # the root issues it itself, so that the chain is one certificate
            chain = issuer.pem(self._issued(identity, csr))
            await self._call(identity, "CertificateSigned", {"certificateChain": chain})
        except NotDone as failed:
            self._dialogue.event(identity, _EVENT, failed=str(failed))

    def _issued(self, identity: str, csr: str) -> x509.Certificate:
        root, request = self._checked(csr)
        period = issuer.valid(self._now(), self._life)
        made = root.issue(
            request.subject,
            request.public_key(),
            ExtendedKeyUsageOID.CLIENT_AUTH,
            period,
        )
        subject, serial = made.subject.rfc4514_string(), f"{made.serial_number:X}"
        self._dialogue.event(identity, _EVENT, subject=subject, serial_number=serial)
        return made

    def _checked(self, csr: str) -> tuple[Issuer, x509.CertificateSigningRequest]:
        if self._root is None:
            raise NotDone("no authority to sign it; name one with --authority")
        return self._root, issuer.read_request(csr)
