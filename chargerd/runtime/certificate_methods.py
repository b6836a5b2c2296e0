"""The methods of ``org.chargerd.Station`` that concern certificates."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from chargerd import control
from chargerd.chargepoint import ChargePoint
from chargerd.clock import Clock
from chargerd.core.reasons import Objection, Why
from chargerd.ocpp16.keyring_events import (
    Origin,
    OwnInstalled,
    RootDeleted,
    RootInstalled,
    SigningWanted,
)
from chargerd.ocpp16.pki import own_keys, reading
from chargerd.ocpp16.pki.values import (
    LONGEST_FILE,
    BadCertificate,
    Certificate,
    KeyPair,
)
from chargerd.runtime import certificate_views
from chargerd.runtime.certificate_views import USES
from chargerd.runtime.control_server import Method, failed
from chargerd.runtime.control_socket import Peer
from chargerd.runtime.permission import permit
from chargerd.runtime.views import Json, known
from chargerd.steps import Happening


class CertificateMethods:
    """Shows certificates; takes them by hand, under the rules of the CSMS's own."""

    def __init__(
        self,
        charge_point: ChargePoint,
        clock: Clock,
        soon: Callable[[Happening], None],
        linked: Callable[[], bool],
        group: str,
        own_file: Path | None = None,
    ) -> None:
        """Take what to look at.

        Args:
            charge_point: Has the certificates.
            clock: Tells which of them are valid.
            soon: Lets something happen.
            linked: Tells whether there is a link to the CSMS.
            group: The Unix group whose members may change them; "": root alone.
            own_file: The certificate of the station that the station file names.
        """
        self._upkeep = charge_point.upkeep
        self._keyring = charge_point.upkeep.keyring
        self._clock = clock
        self._soon = soon
        self._linked = linked
        self._group = group
        self._own_file = own_file

    @property
    def methods(self) -> Mapping[str, Method]:
        """Return them by name."""
        return {
            "ListCertificates": self._list,
            "InstallCertificate": self._install_root,
            "InstallOwnCertificate": self._install_own,
            "MakeSigningRequest": self._make_request,
            "RenewCertificate": self._renew,
            "RemoveCertificate": self._remove,
        }

    def _list(self, _: Mapping[str, Any], __: Peer) -> Json:
        certification = self._keyring.certification
        listed = certificate_views.certificates(
            self._upkeep, self._filed(), self._clock.now(), linked=self._linked()
        )
        request = certification.request
        return known(
            certificates=list(listed),
            request=certificate_views.request(request) if request else None,
            requests=certification.wanted,
        )

    def _install_root(self, parameters: Mapping[str, Any], peer: Peer) -> Json:
        permit(peer, self._group)
        use = USES.get(parameters["use"])
        if use is None:
            detail = f"use: {parameters['use']!r}; write {' or '.join(USES)}"
            raise _refused(Objection(Why.BAD_VALUE, detail))
        root = self._keyring.judged_root(
            use, parameters["certificate"], self._clock.now(), by_link=False
        )
        if isinstance(root, Objection):
            raise _refused(root)
        there = self._keyring.store.find(root) is not None
        if not there:
            self._soon(RootInstalled(root))
        return {**_named(root.certificate), "known": there}

    def _install_own(self, parameters: Mapping[str, Any], peer: Peer) -> Json:
        permit(peer, self._group)
        key = _key(parameters.get("key"))
        own = self._keyring.judged_chain(parameters["chain"], self._clock.now(), key)
        if isinstance(own, Objection):
            raise _refused(own)
        there = self._keyring.certification.knows(own)
        if not there:
            self._soon(OwnInstalled(own))
        return {**_named(own.certificate), "known": there}

    def _make_request(self, _: Mapping[str, Any], peer: Peer) -> Json:
        permit(peer, self._group)
        self._check_subject()
        certification = self._keyring.certification
        request = certification.request
        if request is None:
            self._soon(SigningWanted(Origin.HAND))
            return {"request": {"origin": str(Origin.HAND)}}
        shown = certificate_views.request(request)
        return known(request=shown, csr=certification.csr())

    def _renew(self, _: Mapping[str, Any], peer: Peer) -> Json:
        permit(peer, self._group)
        self._check_subject()
        self._soon(SigningWanted(Origin.HERE))
        return {"number": self._keyring.certification.wanted + 1}

    def _remove(self, parameters: Mapping[str, Any], peer: Peer) -> Json:
        permit(peer, self._group)
        root = self._keyring.beginning_root(parameters["fingerprint"])
        if isinstance(root, Objection):
            raise _refused(root)
        self._soon(RootDeleted(root))
        return _named(root.certificate)

    def _filed(self) -> Certificate | None:
        """Return our certificate of the station file; a dial says what is wrong."""
        if self._own_file is None:
            return None
        try:
            return reading.read_chain(self._own_file.read_bytes(), LONGEST_FILE)[0]
        except (OSError, BadCertificate):
            return None

    def _check_subject(self) -> None:
        try:
            self._keyring.certification.subject()
        except BadCertificate as error:
            raise _refused(Objection(Why.NO_SUBJECT, str(error))) from None


def _key(pem: str | None) -> KeyPair | None:
    try:
        return None if pem is None else own_keys.read_key(pem.encode())
    except BadCertificate:
        detail = "key: not an EC or RSA key in PEM without password; export it so"
        raise _refused(Objection(Why.BAD_CERTIFICATE, detail)) from None


def _named(certificate: Certificate) -> Json:
    return {"fingerprint": certificate.fingerprint, "subject": certificate.subject}


_failed = partial(failed, control.STATION)


def _refused(against: Objection) -> Exception:
    return _failed("Refused", reason=str(against.why), detail=against.detail)
