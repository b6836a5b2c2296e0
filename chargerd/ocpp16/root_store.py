"""The roots that are believed: those of the station file, and those installed.

Sections are those of the OCPP 1.6 security whitepaper.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ocpp.v16.datatypes import CertificateHashData
from ocpp.v16.enums import CertificateUse

from chargerd.clock import Instant
from chargerd.core.policy import Policy
from chargerd.core.reasons import Objection, Why
from chargerd.ocpp16.keyring_events import Root
from chargerd.ocpp16.pki import chains, naming, reading
from chargerd.ocpp16.pki.values import LONGEST_FILE, BadCertificate, Certificate
from chargerd.ocpp16.records import Drawer, Sheet, SheetDropped, SheetKept

CSMS: Final = CertificateUse.central_system_root_certificate
MANUFACTURER: Final = CertificateUse.manufacturer_root_certificate

_TLS_FROM: Final = 2
"""The security profile from which on the link is encrypted."""


class RootStore:
    """Decides which roots come and go."""

    def __init__(self, sheets: Mapping[str, Sheet], file_roots: Iterable[str]) -> None:
        """Go on with what the disk knows.

        Args:
            sheets: The installed ones, in the order in which they came.
            file_roots: The files of the CSMS's roots that the station file names.
        """
        self.unreadable: list[str] = []
        """Why something is not among them."""
        self.of_file = self._of_file(file_roots)
        self.installed: dict[str, Root] = {}
        for sheet in sheets.values():
            try:
                root = _read(sheet)
            except BadCertificate as error:
                self.unreadable.append(f"installed root: {error}")
            else:
                self._take(root)
        self.trusted: frozenset[str] = frozenset()
        """Fingerprints of those on which the present link rests."""

    def of(self, use: CertificateUse) -> tuple[Root, ...]:
        """Return the roots of one use: those of the file, then as they came."""
        every = (*self.of_file, *self.installed.values())
        return tuple(root for root in every if root.use == use)

    def certificates(self, use: CertificateUse) -> tuple[Certificate, ...]:
        """Return the certificates of the roots of one use."""
        return tuple(root.certificate for root in self.of(use))

    def find(self, root: Root) -> Root | None:
        """Return the same root, if it is here already."""
        return next((r for r in self.of(root.use) if r.name == root.name), None)

    def judged(
        self,
        use: CertificateUse,
        pem: str,
        policy: Policy,
        now: Instant,
        *,
        by_link: bool = True,
    ) -> Root | Objection:
        """Return the root that shall be installed, or why it is not (M05.FR.02).

        Args:
            use: For what it vouches.
            pem: The root alone.
            policy: What the operator wants.
            now: The present moment.
            by_link: The CSMS has sent it, and not somebody on the spot.
        """
        insecure = by_link and policy.security_profile < _TLS_FROM
        if insecure and not policy.install_roots_insecurely:
            return Objection(
                Why.INSECURE_LINK,
                "anybody may have sent it over this link; raise the security profile "
                "to 2, or set InstallCertificateInsecurely in the station file",
            )
        try:
            root = self._checked(use, pem, policy, now)
        except BadCertificate as error:
            return Objection(Why.BAD_CERTIFICATE, str(error))
        if self.find(root) is None and len(self.installed) >= policy.most_roots:
            return Objection(
                Why.TOO_MANY_ROOTS,
                f"{len(self.installed)} roots are installed; delete one first",
            )
        return root

    def named(self, wanted: CertificateHashData, policy: Policy) -> Root | Objection:
        """Return the root to be deleted, or why it is not (M04.FR.05 and 06)."""
        found = [
            r
            for r in self._removable
            if naming.is_named(r.certificate, r.issuer, wanted)
        ]
        if not found:
            return Objection(Why.NO_SUCH_CERTIFICATE, "no root has these hashes")
        return self._first_freed(found, policy)

    def beginning(self, prefix: str, policy: Policy) -> Root | Objection:
        """Return the root to be deleted whose fingerprint begins so, or why it is not.

        Args:
            prefix: Hex digits, with or without colons between them.
            policy: What the operator wants.
        """
        digits = prefix.replace(":", "").lower()
        found = [
            root
            for root in self._removable
            if digits and root.certificate.fingerprint.startswith(digits)
        ]
        if not found:
            return Objection(
                Why.NO_SUCH_CERTIFICATE,
                f"no root begins with {prefix!r}; see: chargerctl csms cert",
            )
        names = {root.certificate.fingerprint: root.certificate.name for root in found}
        if len(names) > 1:
            listed = "; ".join(names.values())
            return Objection(
                Why.AMBIGUOUS_CERTIFICATE,
                f"{prefix!r} begins several roots: {listed}; add a digit",
            )
        return self._first_freed(found, policy)

    def keep(self, root: Root) -> SheetKept:
        """Return what must be kept of a root."""
        issuer = None if root.issuer == root.certificate else root.issuer.pem
        sheet = {"use": str(root.use), "pem": root.certificate.pem, "issuer": issuer}
        return SheetKept(Drawer.ROOT, root.name, sheet)

    def without(self, root: Root) -> SheetDropped:
        """Return what must be forgotten with a root."""
        return SheetDropped(Drawer.ROOT, root.name)

    def install(self, root: Root) -> SheetKept:
        """Take a root; return what must be kept of it."""
        self._take(root)
        return self.keep(root)

    def delete(self, root: Root) -> SheetDropped:
        """Believe a root no more; return what need not be kept."""
        self.installed.pop(root.name, None)
        return self.without(root)

    def outlived(self) -> tuple[Root, ...]:
        """Return the roots of the CSMS before the last, if that one is proven.

        The link rests on it, so the others are not needed any more (M05.FR.12).
        """
        installed = self._installed(CSMS)
        proven = any(r.certificate.fingerprint in self.trusted for r in installed[-1:])
        return installed[:-1] if proven else ()

    def _take(self, root: Root) -> None:
        if self.find(root) is None:
            self.installed[root.name] = root

    def _checked(
        self, use: CertificateUse, pem: str, policy: Policy, now: Instant
    ) -> Root:
        certificate = reading.read(pem)
        chains.check_root(certificate, now.utc)
        known = (*self.of_file, *self.installed.values())
        issuer = reading.issuer_of(certificate, (root.certificate for root in known))
        root = Root(use, certificate, issuer or certificate)
        if policy.roots_signed_by_last and use == CSMS:
            self._check_successor(root)
        return root

    def _check_successor(self, root: Root) -> None:
        before = self._installed(CSMS)[-1:] or self.of_file
        signed = any(
            reading.issued(each.certificate, root.certificate) for each in before
        )
        if before and not signed and self.find(root) is None:
            chains.check_successor(root.certificate, before[-1].certificate)

    def _installed(self, use: CertificateUse) -> tuple[Root, ...]:
        return tuple(root for root in self.installed.values() if root.use == use)

    @property
    def _removable(self) -> tuple[Root, ...]:
        return (*self.installed.values(), *self.of_file)

    def _first_freed(self, found: Sequence[Root], policy: Policy) -> Root | Objection:
        freed = [self._freed(root, policy) for root in found]
        return next((each for each in freed if isinstance(each, Root)), freed[0])

    def _freed(self, root: Root, policy: Policy) -> Root | Objection:
        name = root.certificate.name
        if root.in_file:
            return Objection(
                Why.ROOT_OF_FILE, f"{name}: csms.root_files names it; change that"
            )
        if root.use == CSMS and root.certificate.fingerprint in self.trusted:
            return Objection(
                Why.ROOT_IN_USE,
                f"{name}: this link rests on it; install another one and reconnect",
            )
        if len(self.of(root.use)) == 1 and not _may_be_last(root.use, policy):
            return Objection(
                Why.LAST_ROOT, f"{name}: the last {root.use}; install another one first"
            )
        return root

    def _of_file(self, texts: Iterable[str]) -> tuple[Root, ...]:
        found: dict[str, Certificate] = {}
        for text in texts:
            try:
                chain = reading.read_chain(text, LONGEST_FILE)
            except BadCertificate as error:
                self.unreadable.append(f"csms.root_files: {error}")
            else:
                found |= {each.fingerprint: each for each in chain}
        every = tuple(found.values())
        return tuple(
            Root(CSMS, c, reading.issuer_of(c, every) or c, True) for c in every
        )


def names(roots: Iterable[Root]) -> list[CertificateHashData]:
    """Return by what the CSMS calls roots (section 6.1)."""
    return [naming.hash_data(root.certificate, root.issuer) for root in roots]


def _may_be_last(use: CertificateUse, policy: Policy) -> bool:
    """Tell whether the last root of a use may go; the link must not need it."""
    needed = use == CSMS and policy.security_profile >= _TLS_FROM
    return policy.delete_last_root and not needed


def _read(sheet: Sheet) -> Root:
    certificate = reading.read(str(sheet["pem"]))
    issuer = sheet["issuer"]
    return Root(
        CertificateUse(str(sheet["use"])),
        certificate,
        certificate if issuer is None else reading.read(str(issuer)),
    )
