"""TLS towards the CSMS, against real servers on the loopback."""

import asyncio
import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import AuthorityInformationAccessOID

from chargerd.runtime.tls import (
    Failure,
    NotReached,
    OwnCertificate,
    OwnPem,
    TlsSettings,
    Unusable,
    classify,
    context,
    vouching,
)
from tests import authority
from tests.authority import DAY, Issued, Wish, distinguished, pem_of

NOW = datetime.now(UTC)
LIFE: dict[str, Any] = {"not_before": NOW - DAY, "not_after": NOW + DAY}
HERE = x509.SubjectAlternativeName([x509.DNSName("localhost")])
ROOT = authority.root("CPO root", **LIFE)
HOST = Wish(name=distinguished("localhost"), extensions=(HERE,), critical=False, **LIFE)
STATION = Wish(name=distinguished("SN-1"), **LIFE)


def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=bits)


@dataclass
class Server:
    """Takes one connection after another, and talks TLS as a program in C does."""

    folder: Path
    issued: Issued
    chain: tuple[Issued, ...] = ()
    wants: Issued | None = None
    """The root of certificates that clients must have."""
    tune: Callable[[ssl.SSLContext], None] = lambda _: None
    plain: bool = False
    seen: list[Any] = field(default_factory=list)
    """Cipher suite and version of each handshake, and who the client was."""

    def context(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.set_ciphers("ALL:@SECLEVEL=0")
        chain, key = self.folder / "chain.pem", self.folder / "key.pem"
        chain.write_text(self.issued.pem + "".join(each.pem for each in self.chain))
        key.write_bytes(pem_of(self.issued.key))
        made.load_cert_chain(chain, key)
        if self.wants is not None:
            made.verify_mode = ssl.CERT_REQUIRED
            made.load_verify_locations(cadata=self.wants.pem)
        self.tune(made)
        return made

    @contextmanager
    def listening(self) -> Iterator[int]:
        made = self.context()
        with socket.create_server(("127.0.0.1", 0)) as near:
            serve = threading.Thread(target=self._serve, args=(near, made))
            serve.start()
            try:
                yield near.getsockname()[1]
            finally:
                near.shutdown(socket.SHUT_RDWR)
                serve.join()

    def _serve(self, near: socket.socket, made: ssl.SSLContext) -> None:
        with suppress(OSError):
            while True:
                connection, _ = near.accept()
                with suppress(OSError), connection:
                    self._talk(connection, made)

    def _talk(self, connection: socket.socket, made: ssl.SSLContext) -> None:
        if self.plain:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            return
        with made.wrap_socket(connection, server_side=True) as end:
            self.seen.append((end.cipher(), end.getpeercert()))
            end.sendall(b"hello")
            end.recv(1)


async def met(port: int, settings: TlsSettings, host: str = "localhost") -> bytes:
    """Dial, and return the first that the server says."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context(settings), server_hostname=host
    )
    try:
        return await reader.readexactly(5)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def failure(
    server: Server, settings: TlsSettings, host: str = "localhost"
) -> Any:
    with server.listening() as port, pytest.raises(ssl.SSLError) as caught:
        await met(port, settings, host)
    return classify(caught.value)


BELIEVES = TlsSettings(ROOT.pem)


@pytest.mark.requirement("SEC-10", "SEC-11", "SEC-14")
@pytest.mark.parametrize(
    ("suite", "key"),
    [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", None),
        ("ECDHE-ECDSA-AES256-GCM-SHA384", None),
        ("ECDHE-RSA-AES128-GCM-SHA256", 2048),
        ("ECDHE-RSA-AES256-GCM-SHA384", 2048),
        ("AES128-GCM-SHA256", 2048),
        ("AES256-GCM-SHA384", 2048),
    ],
)
async def test_each_suite_of_the_whitepaper_is_offered(
    tmp_path: Path, suite: str, key: int | None
) -> None:
    wish = replace(HOST, key=rsa_key(key)) if key else HOST

    def tune(made: ssl.SSLContext) -> None:
        made.maximum_version = ssl.TLSVersion.TLSv1_2
        made.set_ciphers(suite)

    server = Server(tmp_path, ROOT.issue(wish), tune=tune)
    with server.listening() as port:
        assert await met(port, BELIEVES) == b"hello"
    ((cipher, _),) = server.seen
    assert cipher[:2] == (suite, "TLSv1.2")


async def test_suites_without_forward_secrecy_can_be_left_out(tmp_path: Path) -> None:
    def tune(made: ssl.SSLContext) -> None:
        made.maximum_version = ssl.TLSVersion.TLSv1_2
        made.set_ciphers("AES128-GCM-SHA256")

    server = Server(tmp_path, ROOT.issue(replace(HOST, key=rsa_key(2048))), tune=tune)
    strict = replace(BELIEVES, rsa_key_exchange=False)
    assert (await failure(server, strict))[0] is Failure.CIPHER


async def test_tls_1_3_is_used_where_the_csms_knows_it(tmp_path: Path) -> None:
    server = Server(tmp_path, ROOT.issue(HOST))
    with server.listening() as port:
        await met(port, BELIEVES)
    assert server.seen[0][0][1] == "TLSv1.3"


def old(made: ssl.SSLContext) -> None:
    made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    made.maximum_version = ssl.TLSVersion.TLSv1_1


def weak(made: ssl.SSLContext) -> None:
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers("ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")


STRANGER = authority.root("Stranger", **LIFE)
FLAWS: dict[str, tuple[dict[str, Any], Failure]] = {
    "expired": ({"not_before": NOW - 2 * DAY, "not_after": NOW - DAY}, Failure.TIME),
    "not yet valid": (
        {"not_before": NOW + DAY, "not_after": NOW + 2 * DAY},
        Failure.TIME,
    ),
    "another host's": (
        {"extensions": (x509.SubjectAlternativeName([x509.DNSName("elsewhere")]),)},
        Failure.NAME,
    ),
    "too weak": ({"key": rsa_key(1024)}, Failure.TRUST),
}


@pytest.mark.requirement("SEC-14")
@pytest.mark.parametrize("flaw", FLAWS)
async def test_a_certificate_with_a_flaw_is_not_believed(
    tmp_path: Path, flaw: str
) -> None:
    changes, expected = FLAWS[flaw]
    server = Server(tmp_path, ROOT.issue(replace(HOST, **changes)))
    found, _ = await failure(server, BELIEVES)
    assert found is expected


@pytest.mark.requirement("SEC-14", "SEC-16")
async def test_only_the_roots_that_were_given_are_believed(tmp_path: Path) -> None:
    server = Server(tmp_path, STRANGER.issue(HOST))
    assert (await failure(server, BELIEVES))[0] is Failure.TRUST
    own = Server(tmp_path, authority.root("localhost", **LIFE))
    assert (await failure(own, BELIEVES))[0] is Failure.TRUST
    both = replace(BELIEVES, roots=ROOT.pem + STRANGER.pem)
    for each in (server, Server(tmp_path, ROOT.issue(HOST))):
        with each.listening() as port:
            assert await met(port, both) == b"hello"


@pytest.mark.requirement("SEC-10")
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")  # which is the point
async def test_a_csms_without_tls_1_2_is_left(tmp_path: Path) -> None:
    server = Server(tmp_path, ROOT.issue(HOST), tune=old)
    assert (await failure(server, BELIEVES))[0] is Failure.VERSION


@pytest.mark.requirement("SEC-12")
async def test_a_csms_with_weak_suites_alone_is_left(tmp_path: Path) -> None:
    server = Server(tmp_path, ROOT.issue(HOST), tune=weak)
    assert (await failure(server, BELIEVES))[0] is Failure.CIPHER


async def test_a_csms_without_tls_is_told_from_an_old_one(tmp_path: Path) -> None:
    server = Server(tmp_path, ROOT.issue(HOST), plain=True)
    found, words = await failure(server, BELIEVES)
    assert found is Failure.OTHER
    assert "speaks no TLS" in words


@pytest.mark.requirement("SEC-14")
async def test_a_common_name_is_a_name_where_no_other_is_given(tmp_path: Path) -> None:
    server = Server(tmp_path, ROOT.issue(replace(HOST, extensions=())))
    with server.listening() as port:
        assert await met(port, BELIEVES) == b"hello"


async def test_the_name_may_go_unchecked_where_the_operator_says_so(
    tmp_path: Path,
) -> None:
    server = Server(
        tmp_path, ROOT.issue(replace(HOST, name=distinguished("vpn-7"), extensions=()))
    )
    with server.listening() as port:
        assert await met(port, replace(BELIEVES, check_name=False)) == b"hello"
    assert (await failure(server, BELIEVES))[0] is Failure.NAME


async def test_an_address_counts_if_the_certificate_has_it(tmp_path: Path) -> None:
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    named = replace(HOST, extensions=(x509.SubjectAlternativeName([address]),))
    server = Server(tmp_path, ROOT.issue(named))
    with server.listening() as port:
        assert await met(port, BELIEVES, "127.0.0.1") == b"hello"


@pytest.mark.requirement("SEC-13")
async def test_no_compression_is_offered_and_none_is_used(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as near:
        dialing = asyncio.create_task(met(near.getsockname()[1], BELIEVES))
        connection, _ = await asyncio.to_thread(near.accept)
        with connection:
            hello = await asyncio.to_thread(connection.recv, 65_536)
    with suppress(OSError):
        await dialing
    assert compressions(hello) == b"\0"  # "null", which is none

    def tune(made: ssl.SSLContext) -> None:
        made.maximum_version = ssl.TLSVersion.TLSv1_2
        made.options &= ~ssl.OP_NO_COMPRESSION

    server = Server(tmp_path, ROOT.issue(HOST), tune=tune)
    with server.listening() as port:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=context(BELIEVES), server_hostname="localhost"
        )
        await reader.readexactly(5)
        used = writer.get_extra_info("compression")
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    assert used is None


def compressions(hello: bytes) -> bytes:
    """Return the compression methods of a ClientHello (RFC 5246 section 7.4.1.2)."""
    assert hello[0] == 22  # a record of the handshake
    assert hello[5] == 1  # its client's hello
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at]  # the session
    at += 2 + int.from_bytes(hello[at : at + 2], "big")  # the suites
    return hello[at + 1 : at + 1 + hello[at]]


@pytest.mark.requirement("SEC-19")
async def test_nobody_is_asked_whether_a_certificate_was_revoked(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as far:
        far.setblocking(False)
        url = f"http://127.0.0.1:{far.getsockname()[1]}"
        place = x509.UniformResourceIdentifier(url)
        revoked = x509.DistributionPoint([place], None, None, None)
        ocsp = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)
        names = (
            x509.CRLDistributionPoints([revoked]),
            x509.AuthorityInformationAccess([ocsp]),
        )
        named = replace(HOST, extensions=(HERE, *names))
        server = Server(tmp_path, ROOT.issue(named))
        with server.listening() as port:
            assert await met(port, BELIEVES) == b"hello"
        with pytest.raises(BlockingIOError):
            far.accept()


@pytest.mark.requirement("CERT-33", "CERT-34")
async def test_where_the_new_root_does_not_vouch_the_one_before_does(
    tmp_path: Path,
) -> None:
    after = ROOT.issue(authority.wish_for_ca("After", **LIFE))
    both = TlsSettings(after.pem + ROOT.pem)
    for issuer in (ROOT, after):
        server = Server(tmp_path, issuer.issue(HOST))
        with server.listening() as port:
            assert await met(port, both) == b"hello"
    before = Server(tmp_path, ROOT.issue(HOST))
    assert (await failure(before, TlsSettings(after.pem)))[0] is Failure.TRUST


@pytest.mark.requirement("CERT-34")
async def test_a_root_that_another_one_has_signed_is_an_anchor(tmp_path: Path) -> None:
    crossed = ROOT.issue(authority.wish_for_ca("New root", **LIFE))
    server = Server(tmp_path, crossed.issue(HOST))
    with server.listening() as port:
        assert await met(port, TlsSettings(crossed.pem)) == b"hello"


def introduced(tmp_path: Path, station: Issued) -> TlsSettings:
    chain, key = tmp_path / "station.pem", tmp_path / "station.key"
    chain.write_text(station.pem)
    key.write_bytes(pem_of(station.key))
    return replace(BELIEVES, own=OwnCertificate(chain, key))


async def test_a_station_introduces_itself(tmp_path: Path) -> None:
    server = Server(tmp_path, ROOT.issue(HOST), wants=ROOT)
    with server.listening() as port:
        settings = introduced(tmp_path, ROOT.issue(STATION))
        assert await met(port, settings) == b"hello"
    subject = dict(pair for (pair,) in server.seen[0][1]["subject"])
    assert subject["commonName"] == "SN-1"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_certificate_that_the_csms_does_not_take_is_told_as_such(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    def tune(made: ssl.SSLContext) -> None:
        made.maximum_version = version

    server = Server(tmp_path, ROOT.issue(HOST), wants=ROOT, tune=tune)
    settings = introduced(tmp_path, STRANGER.issue(STATION))
    assert (await failure(server, settings))[0] is Failure.REFUSED


async def test_a_certificate_in_memory_introduces_us_and_touches_no_disk(
    tmp_path: Path,
) -> None:
    own = ROOT.issue(STATION)
    server = Server(tmp_path, ROOT.issue(HOST), wants=ROOT)
    pem = OwnPem(own.pem, pem_of(own.key).decode())
    settings = TlsSettings(ROOT.pem, pem)
    with server.listening() as port:
        before = set(os.listdir(tmp_path)), set(os.listdir("/proc/self/fd"))
        assert await met(port, settings) == b"hello"
        context(settings)
        assert set(os.listdir(tmp_path)) == before[0]
    assert len(os.listdir("/proc/self/fd")) <= len(before[1])
    assert server.seen[0][1]["subject"]
    assert "PRIVATE" not in repr(settings)


def test_a_certificate_in_memory_that_does_not_fit_is_told_without_its_key() -> None:
    own, other = ROOT.issue(STATION), pem_of(authority.ec_key()).decode()
    with pytest.raises(Unusable, match="of the station and its key: .*belongs to it"):
        context(TlsSettings(ROOT.pem, OwnPem(own.pem, other)))
    assert other not in repr(TlsSettings(ROOT.pem, OwnPem(own.pem, other)))


async def test_the_link_knows_which_of_its_roots_vouched(tmp_path: Path) -> None:
    other = authority.root("Other root", **LIFE)
    between = ROOT.issue(authority.wish_for_ca("Between", **LIFE))
    server = Server(tmp_path, between.issue(HOST), (between,))
    made = context(TlsSettings(other.pem + ROOT.pem))
    with server.listening() as port:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=made, server_hostname="localhost"
        )
        end = writer.get_extra_info("ssl_object")
        found = vouching(end, made)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    assert found == (ROOT.certificate.fingerprint(hashes.SHA256()).hex(),)


def test_a_python_that_tells_no_chain_knows_of_no_root() -> None:
    class Silent:
        """The end of a connection, as an older Python has it."""

    made = context(BELIEVES)
    assert vouching(Silent(), made) == ()  # type: ignore[arg-type]

    class Newer:
        """As Python 3.13 has it: bytes, and public."""

        def get_verified_chain(self) -> list[bytes]:
            return [ssl.PEM_cert_to_DER_cert(ROOT.pem)]

    told = vouching(Newer(), made)  # type: ignore[arg-type]
    assert told == (ROOT.certificate.fingerprint(hashes.SHA256()).hex(),)


def test_files_that_make_no_tls_are_told_with_place_and_remedy(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"roots .*; give them in PEM"):
        context(TlsSettings("no certificate"))
    good = introduced(tmp_path, ROOT.issue(STATION))
    assert isinstance(good.own, OwnCertificate)
    missing = replace(good.own, key=tmp_path / "missing")
    with pytest.raises(Unusable, match=r"missing: No such file"):
        context(replace(good, own=missing))
    good.own.key.write_bytes(pem_of(authority.ec_key()))
    with pytest.raises(Unusable, match=r"station\.key: .*belongs to it"):
        context(good)
    assert "BEGIN" not in repr(good)


def test_a_key_in_hardware_that_is_not_reached_is_told_as_such(tmp_path: Path) -> None:
    settings = introduced(tmp_path, ROOT.issue(STATION))
    assert isinstance(settings.own, OwnCertificate)
    settings.own.key.write_text(authority.REFERENCE)
    with pytest.raises(NotReached, match=r"station\.key: .*hardware: check the token"):
        context(settings)
