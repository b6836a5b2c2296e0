import base64
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.ocsp import load_der_ocsp_request
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st
from ocpp.v16.enums import HashAlgorithm

from chargerd.ocpp16.pki import chains, periods
from chargerd.ocpp16.pki.naming import hash_data, is_named
from chargerd.ocpp16.pki.own_keys import new_key, read_key, signing_request
from chargerd.ocpp16.pki.reading import issuer_of, read, read_chain
from chargerd.ocpp16.pki.signatures import Scheme, Verifier
from chargerd.ocpp16.pki.values import (
    LONGEST,
    LONGEST_SIGNATURE,
    BadCertificate,
    BadSignature,
    Certificate,
    Flaw,
    KeyKind,
    KeyPair,
    SignatureFlaw,
    Subject,
)
from tests.authority import (
    CA,
    DAY,
    NOW,
    Issued,
    Wish,
    distinguished,
    ec_key,
    pem_of,
    root,
    usage,
    wish_for_ca,
)

STATION: Final = Subject("SN-0042", "Example")
ROOT: Final = root()
OTHER: Final = root("Other")
RSA_KEY: Final = rsa.generate_private_key(65_537, 2048)
PENDING: Final = ec_key()
SIGNER: Final = ROOT.issue(Wish(extensions=(usage("digital_signature"),)))
RSA_SIGNER: Final = ROOT.issue(Wish(key=RSA_KEY))
NAME_CONSTRAINTS: Final = x509.NameConstraints([x509.DNSName("a.example")], None)
FILE: Final = b"firmware " * 1000


def value(issued: Issued) -> Certificate:
    return read(issued.pem)


def openssl(*words: str | Path, given: bytes = b"") -> bytes:
    return subprocess.run(
        ["openssl", *map(str, words)], input=given, check=True, capture_output=True
    ).stdout


def for_station(issuer: Issued = ROOT, **changed: Any) -> Issued:
    wish = Wish(name=distinguished("SN-0042"), key=PENDING)
    return issuer.issue(replace(wish, **changed))


def judge(*chain: Issued, roots: tuple[Issued, ...] = (ROOT,)) -> chains.Path:
    return chains.check_station_chain(
        [value(c) for c in chain],
        value(for_station()).key_fingerprint,
        STATION,
        [value(r) for r in roots],
        NOW,
    )


def flaw(check: Callable[..., object], *given: object) -> Flaw:
    with pytest.raises(BadCertificate) as refused:
        check(*given)
    assert str(refused.value)
    return refused.value.why


# reading


def test_a_certificate_is_described_for_people_and_for_the_store() -> None:
    issued = root(serial=0x0ABC)
    certificate = value(issued)
    assert certificate.subject == certificate.issuer == "CN=Root,O=Example"
    assert certificate.serial == "abc"
    assert certificate.not_before == NOW - 100 * DAY
    assert certificate.not_after == NOW + 265 * DAY
    assert certificate.key == "EC secp256r1"
    assert certificate.is_ca
    assert certificate.self_issued
    assert certificate.pem == issued.pem
    der = issued.certificate.public_bytes(Encoding.DER)
    seen = openssl(
        "x509", "-inform", "DER", "-noout", "-fingerprint", "-sha256", given=der
    )
    words = seen.decode().strip().partition("=")[2]
    assert certificate.fingerprint == words.replace(":", "").lower()


def test_text_around_certificates_and_line_ends_do_not_matter() -> None:
    chain = f"leaf, größer:\r\n{ROOT.pem}\nand \ud800\n{OTHER.pem}bye"
    assert read_chain(chain.replace("\n", "\r\n")) == (value(ROOT), value(OTHER))
    assert read_chain(ROOT.pem.encode()) == (value(ROOT),)


def test_messages_call_a_certificate_by_one_short_line() -> None:
    assert value(root("Root")).name == "CN=Root,O=Example"
    assert value(root("two\nlines")).name == "CN=two?lines,O=Example"
    assert value(root(name=x509.Name([]), serial=0xABC)).name == "certificate abc"
    units = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "U" * 60)] * 9
    assert len(value(root(name=x509.Name(units))).name) == 100


def test_a_private_key_in_the_text_is_not_kept() -> None:
    certificate = read(pem_of(ROOT.key).decode() + ROOT.pem)
    assert certificate.pem == ROOT.pem


@pytest.mark.parametrize("kind", ["EC-P256", "RSA-2048", "RSA-3072"])
def test_the_key_of_a_certificate_is_named_and_recognized(kind: str) -> None:
    pair = new_key(KeyKind(kind))
    signed = certified(pair)
    assert (
        signed.key
        == {
            "EC-P256": "EC secp256r1",
            "RSA-2048": "RSA 2048",
            "RSA-3072": "RSA 3072",
        }[kind]
    )
    assert signed.key_fingerprint == pair.fingerprint


def test_rare_keys_have_a_name_too() -> None:
    edwards = value(root(key=ed25519.Ed25519PrivateKey.generate(), hashed_with=None))
    assert edwards.key == "Ed25519"
    assert value(with_public_key(dsa.generate_private_key(2048))).key == "DSA 2048"
    assert value(with_public_key(x25519.X25519PrivateKey.generate())).key == (
        "of an unknown kind"
    )


def with_public_key(key: dsa.DSAPrivateKey | x25519.X25519PrivateKey) -> Issued:
    """Certify a key that cannot sign here."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(distinguished("Rare"))
        .issuer_name(ROOT.certificate.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(CA, critical=True)
    )
    return Issued(builder.sign(ROOT.key, hashes.SHA256()), ROOT.key)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", Flaw.UNREADABLE),
        ("garbage", Flaw.UNREADABLE),
        (b"\x00\xff\x30\x82", Flaw.UNREADABLE),
        (pem_of(ROOT.key), Flaw.UNREADABLE),
        (ROOT.pem.replace("MII", "MI!", 1), Flaw.UNREADABLE),
        (ROOT.pem.replace("-----END", "AAAA-----END"), Flaw.UNREADABLE),
        (ROOT.pem + OTHER.pem, Flaw.UNREADABLE),
        (ROOT.pem + " " * LONGEST, Flaw.TOO_LONG),
    ],
    ids=["nothing", "garbage", "bytes", "key", "letters", "padding", "two", "long"],
)
def test_what_is_not_one_certificate_is_refused(text: str | bytes, why: Flaw) -> None:
    assert flaw(lambda: read(text)) is why


@pytest.mark.parametrize("serial", ["-5", "0x1" + "0" * 40])
def test_a_serial_number_must_fit_its_field(serial: str, tmp_path: Path) -> None:
    made = by_openssl(tmp_path, "-set_serial", serial)
    assert flaw(lambda: read(made)) is Flaw.NO_SERIAL_NUMBER


def by_openssl(
    place: Path, *options: str, subject: str = "/O=Example/CN=SN-0042"
) -> bytes:
    """Make a self-signed certificate that our library would not make."""
    key = place / "key.pem"
    key.write_bytes(pem_of(PENDING))
    return openssl(
        *("req", "-x509", "-new", "-key", key, "-subj", subject, "-days", "30"),
        *options,
    )


@given(st.text() | st.binary())
def test_no_bytes_raise_anything_else(text: str | bytes) -> None:
    assert flaw(lambda: read_chain(text)) is Flaw.UNREADABLE


DER: Final = SIGNER.certificate.public_bytes(Encoding.DER)


@given(st.integers(0, len(SIGNER.pem) - 1), st.integers(0, 255), st.booleans())
def test_no_change_to_pem_raises_anything_else(
    place: int, octet: int, longer: bool
) -> None:
    text = SIGNER.pem.encode()
    changed = text[:place] + bytes([octet]) + text[place + (not longer) :]
    judged_in_every_way(changed)


@given(
    st.lists(
        st.tuples(st.integers(0, len(DER) - 1), st.integers(0, 255)),
        min_size=1,
        max_size=3,
    )
)
def test_no_change_to_der_raises_anything_else(
    changes: list[tuple[int, int]],
) -> None:
    der = bytearray(DER)
    for place, octet in changes:
        der[place] = octet
    judged_in_every_way(
        b"-----BEGIN CERTIFICATE-----\n"
        + base64.encodebytes(der)
        + b"-----END CERTIFICATE-----\n"
    )


def judged_in_every_way(text: bytes) -> None:
    try:
        certificate = read(text)
    except BadCertificate:
        return
    trusted = value(ROOT)
    hash_data(certificate, trusted)
    for check in (
        lambda: chains.check_root(certificate, NOW),
        lambda: chains.check_firmware_signer(certificate, [trusted], NOW),
        lambda: Verifier(certificate),
        lambda: chains.check_station_chain(
            [certificate], certificate.key_fingerprint, STATION, [trusted], NOW
        ),
    ):
        with suppress(BadCertificate):
            check()


# names by hashes


@pytest.mark.requirement("CERT-25")
@pytest.mark.parametrize("algorithm", HashAlgorithm)
@pytest.mark.parametrize("issuer", [ROOT, root(key=RSA_KEY)], ids=["EC", "RSA"])
def test_hash_data_are_those_of_openssl(
    algorithm: HashAlgorithm, issuer: Issued, tmp_path: Path
) -> None:
    for certificate in (issuer, issuer.issue(Wish(serial=0x0F_00AA))):
        (tmp_path / "issuer.pem").write_text(issuer.pem)
        (tmp_path / "cert.pem").write_text(certificate.pem)
        openssl(
            *("ocsp", f"-{algorithm.lower()}", "-no_nonce"),
            *("-issuer", tmp_path / "issuer.pem", "-cert", tmp_path / "cert.pem"),
            *("-reqout", tmp_path / "request.der"),
        )
        seen = load_der_ocsp_request((tmp_path / "request.der").read_bytes())
        ours = hash_data(value(certificate), value(issuer), algorithm)
        assert ours.hash_algorithm == algorithm
        assert bytes.fromhex(ours.issuer_name_hash) == seen.issuer_name_hash
        assert bytes.fromhex(ours.issuer_key_hash) == seen.issuer_key_hash
        assert ours.serial_number == f"{seen.serial_number:x}"


@pytest.mark.parametrize("algorithm", HashAlgorithm)
def test_hash_data_are_compared_without_case(algorithm: HashAlgorithm) -> None:
    certificate = value(root(serial=0xABC))
    named = hash_data(certificate, certificate, algorithm)
    upper = replace(
        named,
        issuer_name_hash=named.issuer_name_hash.upper(),
        issuer_key_hash=named.issuer_key_hash.upper(),
        serial_number="0ABC",
    )
    assert is_named(certificate, certificate, upper)
    for other in (
        {"serial_number": "abd"},
        {"issuer_key_hash": named.issuer_name_hash},
        {"issuer_name_hash": named.issuer_key_hash},
    ):
        assert not is_named(certificate, certificate, replace(named, **other))


def test_the_issuer_is_the_certificate_itself_or_one_of_the_others() -> None:
    ours, other, leaf = value(ROOT), value(OTHER), value(SIGNER)
    assert issuer_of(ours, [other]) == ours
    assert issuer_of(leaf, [other, ours]) == ours
    assert issuer_of(leaf, [other, value(root())]) is None


# roots


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (root(not_after=NOW - DAY), Flaw.EXPIRED),
        (root(not_before=NOW + DAY), Flaw.NOT_YET_VALID),
        (root(key=rsa.generate_private_key(65_537, 1024)), Flaw.WEAK_KEY),
        (root(key=ec.generate_private_key(ec.SECP192R1())), Flaw.WEAK_KEY),
        (with_public_key(dsa.generate_private_key(1024)), Flaw.WEAK_KEY),
        (with_public_key(x25519.X25519PrivateKey.generate()), Flaw.WEAK_KEY),
        (root(hashed_with=hashes.SHA224()), Flaw.WEAK_SIGNATURE),
        (root(extensions=()), Flaw.NOT_A_CA),
        (root(extensions=(x509.BasicConstraints(False, None),)), Flaw.NOT_A_CA),
        (root(extensions=(CA, usage("digital_signature"))), Flaw.NOT_A_CA),
        (root(extensions=(CA, NAME_CONSTRAINTS)), Flaw.UNKNOWN_EXTENSION),
    ],
)
def test_a_root_with_a_flaw_is_refused(made: Issued, why: Flaw) -> None:
    assert flaw(lambda: chains.check_root(value(made), NOW)) is why


def test_a_signature_with_sha1_or_unknown_is_weak(tmp_path: Path) -> None:
    made = by_openssl(tmp_path, "-sha1")
    weak = read(made)
    assert flaw(lambda: chains.check_root(weak, weak.not_before)) is Flaw.WEAK_SIGNATURE
    # ecdsa-with-SHA256 becomes an algorithm that nobody knows
    der = DER.replace(
        bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d04037f")
    )
    unknown = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
    why = flaw(lambda: chains.check_firmware_signer(read(unknown), [value(ROOT)], NOW))
    assert why is Flaw.WEAK_SIGNATURE


@pytest.mark.parametrize(
    "made",
    [
        ROOT,
        root(key=RSA_KEY),
        root(key=ec.generate_private_key(ec.SECP224R1())),
        root(key=ed25519.Ed25519PrivateKey.generate(), hashed_with=None),
        root(extensions=(CA, usage("key_cert_sign"))),
        root(extensions=(CA, NAME_CONSTRAINTS), critical=False),
        root(not_before=NOW, not_after=NOW),
        with_public_key(dsa.generate_private_key(2048)),
    ],
)
def test_a_sound_root_is_accepted(made: Issued) -> None:
    chains.check_root(value(made), NOW)


def test_a_new_root_must_be_signed_by_the_one_before_it() -> None:
    crossed = ROOT.issue(wish_for_ca("New"))
    chains.check_successor(value(crossed), value(ROOT))
    namesake = root("Root")
    for before in (OTHER, namesake):
        why = flaw(chains.check_successor, value(crossed), value(before))
        assert why is Flaw.UNTRUSTED


# the certificate of the station


@pytest.mark.requirement("CERT-08")
@pytest.mark.parametrize(
    ("chain", "why"),
    [
        (for_station(key=ec_key()), Flaw.WRONG_KEY),
        (for_station(not_after=NOW - DAY), Flaw.EXPIRED),
        (for_station(hashed_with=hashes.SHA224()), Flaw.WEAK_SIGNATURE),
        (for_station(name=distinguished("SN-0043")), Flaw.WRONG_SUBJECT),
        (for_station(name=distinguished("SN-0042", "Else")), Flaw.WRONG_SUBJECT),
        (for_station(name=distinguished("SN-0042", None)), Flaw.WRONG_SUBJECT),
        (for_station(OTHER), Flaw.UNTRUSTED),
        (for_station(root("Root")), Flaw.UNTRUSTED),
    ],
)
def test_a_certificate_of_the_station_with_a_flaw_is_refused(
    chain: Issued, why: Flaw
) -> None:
    assert judge(for_station()).leaf.subject == "CN=SN-0042,O=Example"
    assert flaw(lambda: judge(chain)) is why


@pytest.mark.requirement("CERT-08")
def test_a_weak_key_of_the_station_is_refused() -> None:
    leaf = value(for_station(key=rsa.generate_private_key(65_537, 1024)))
    assert Flaw.WEAK_KEY is flaw(
        lambda: chains.check_station_chain(
            [leaf], leaf.key_fingerprint, STATION, [value(ROOT)], NOW
        )
    )


@pytest.mark.requirement("CERT-08")
def test_a_certificate_without_serial_number_is_refused(tmp_path: Path) -> None:
    leaf = read(by_openssl(tmp_path, "-set_serial", "0"))
    assert leaf.serial == hash_data(leaf, leaf).serial_number == "0"
    assert Flaw.NO_SERIAL_NUMBER is flaw(
        lambda: chains.check_station_chain(
            [leaf], leaf.key_fingerprint, STATION, [leaf], leaf.not_before
        )
    )


def test_two_names_are_not_the_name_of_this_station() -> None:
    both = x509.Name(
        [
            *distinguished("SN-0042"),
            x509.NameAttribute(NameOID.COMMON_NAME, "SN-0043"),
        ]
    )
    assert flaw(lambda: judge(for_station(name=both))) is Flaw.WRONG_SUBJECT


def test_a_chain_may_come_in_any_order_and_with_more_than_it_needs() -> None:
    upper = ROOT.issue(wish_for_ca("Upper"))
    lower = upper.issue(wish_for_ca("Lower"))
    leaf = for_station(lower)
    path = judge(OTHER, upper, ROOT, leaf, leaf, lower, roots=(OTHER, ROOT))
    assert path.certificates == (value(leaf), value(lower), value(upper))
    assert path.anchor == value(ROOT)
    assert flaw(lambda: judge(leaf, upper)) is Flaw.UNTRUSTED


def test_an_installed_intermediate_is_trust_enough() -> None:
    upper = ROOT.issue(wish_for_ca("Upper"))
    lower = upper.issue(wish_for_ca("Lower"))
    leaf = for_station(lower)
    assert judge(leaf, lower, roots=(upper,)).anchor == value(upper)
    assert judge(leaf, lower, roots=(upper, lower)).certificates == (value(leaf),)


@pytest.mark.parametrize(
    ("flawed", "why"),
    [
        ({"not_after": NOW - DAY}, Flaw.EXPIRED),
        ({"extensions": ()}, Flaw.NOT_A_CA),
        ({"hashed_with": hashes.SHA224()}, Flaw.WEAK_SIGNATURE),
    ],
)
def test_what_is_wrong_on_the_way_is_told_unless_another_way_leads_on(
    flawed: dict[str, object], why: Flaw
) -> None:
    key = ec_key()
    bad = ROOT.issue(wish_for_ca("Between", key=key, **flawed))
    good = ROOT.issue(wish_for_ca("Between", key=key))
    leaf = for_station(bad)
    assert flaw(lambda: judge(leaf, bad)) is why
    assert judge(leaf, bad, good).certificates == (value(leaf), value(good))
    assert flaw(lambda: judge(leaf, roots=(bad,))) is why


def test_an_authority_issues_no_deeper_than_it_may() -> None:
    flat = root(extensions=(x509.BasicConstraints(True, 0),))
    between = flat.issue(wish_for_ca("Between"))
    assert judge(for_station(flat), roots=(flat,)).anchor == value(flat)
    deep = for_station(between)
    assert flaw(lambda: judge(deep, between, roots=(flat,))) is Flaw.NOT_A_CA
    renewed = flat.issue(wish_for_ca("Root"))
    assert renewed.certificate.subject == flat.certificate.subject
    assert judge(for_station(renewed), renewed, roots=(flat,)).anchor == value(flat)


def test_authorities_that_sign_each_other_lead_nowhere() -> None:
    one, two = ec_key(), ec_key()
    first = root("One", key=one).issue(wish_for_ca("Two", key=two))
    second = root("Two", key=two).issue(wish_for_ca("One", key=one))
    assert flaw(lambda: judge(for_station(first), first, second)) is Flaw.UNTRUSTED


def test_a_certificate_for_later_is_accepted_and_told_as_such() -> None:
    later = for_station(not_before=NOW + 7 * DAY)
    assert judge(later).not_yet_valid
    assert not judge(for_station()).not_yet_valid
    too_late = root(not_after=NOW + DAY)
    late = for_station(too_late, not_before=NOW + 7 * DAY)
    assert flaw(lambda: judge(late, roots=(too_late,))) is Flaw.EXPIRED


def test_the_text_of_a_refusal_names_the_place_and_the_remedy() -> None:
    with pytest.raises(BadCertificate) as refused:
        judge(for_station(OTHER))
    assert str(refused.value) == (
        "CN=SN-0042,O=Example: no installed root has signed it; install the root of "
        "CN=Other,O=Example, and send what stands between them"
    )


@pytest.mark.parametrize(
    ("life_days", "after_days"),
    [(3650, 3650 * 2 / 3), (90, 60), (60, 30), (45, 15), (30, 10), (3, 1)],
)
def test_renewal_is_after_two_thirds_of_a_life_or_a_month_before_its_end(
    life_days: int, after_days: float
) -> None:
    begin = NOW
    made = value(for_station(not_before=begin, not_after=begin + life_days * DAY))
    assert periods.renew_at(made) == begin + after_days * DAY


@pytest.mark.requirement("CERT-11")
def test_of_several_valid_ones_the_one_that_begins_last_is_used() -> None:
    def lives(begin: datetime, end: datetime) -> Certificate:
        return value(for_station(not_before=begin, not_after=end))

    old = lives(NOW - 90 * DAY, NOW + 90 * DAY)
    new = lives(NOW - DAY, NOW + 10 * DAY)
    later = lives(NOW + DAY, NOW + 300 * DAY)
    assert periods.in_use([old, later, new], NOW) == new
    assert periods.in_use([old, later, new], NOW + DAY) == later
    assert periods.in_use([old, new], NOW + 11 * DAY) == old
    assert periods.in_use([old], NOW + 91 * DAY) is None
    assert periods.in_use([], NOW) is None


# who signs firmware


@pytest.mark.requirement("SFW-03")
def test_a_signer_of_firmware_stands_directly_under_a_root() -> None:
    between = ROOT.issue(wish_for_ca("Between"))
    below = value(between.issue(Wish()))
    check = chains.check_firmware_signer
    assert check(value(SIGNER), [value(OTHER), value(ROOT)], NOW) == value(ROOT)
    assert flaw(lambda: check(below, [value(ROOT)], NOW)) is Flaw.UNTRUSTED
    assert flaw(lambda: check(value(SIGNER), [], NOW)) is Flaw.UNTRUSTED


def for_purposes(*purposes: x509.ObjectIdentifier) -> Issued:
    return ROOT.issue(Wish(extensions=(x509.ExtendedKeyUsage(purposes),)))


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (ROOT.issue(Wish(not_after=NOW - DAY)), Flaw.EXPIRED),
        (ROOT.issue(Wish(not_before=NOW + DAY)), Flaw.NOT_YET_VALID),
        (
            ROOT.issue(Wish(key=rsa.generate_private_key(65_537, 1024))),
            Flaw.WEAK_KEY,
        ),
        (ROOT.issue(Wish(hashed_with=hashes.SHA224())), Flaw.WEAK_SIGNATURE),
        (ROOT.issue(Wish(extensions=(usage("key_cert_sign"),))), Flaw.WRONG_USAGE),
        (for_purposes(ExtendedKeyUsageOID.SERVER_AUTH), Flaw.WRONG_USAGE),
        (ROOT.issue(Wish(extensions=(NAME_CONSTRAINTS,))), Flaw.UNKNOWN_EXTENSION),
        (ROOT, Flaw.UNTRUSTED),
    ],
)
def test_a_signer_of_firmware_with_a_flaw_is_refused(made: Issued, why: Flaw) -> None:
    roots = [value(ROOT)]
    assert flaw(lambda: chains.check_firmware_signer(value(made), roots, NOW)) is why


@pytest.mark.parametrize(
    "made",
    [
        ROOT.issue(Wish()),
        RSA_SIGNER,
        for_purposes(ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.SERVER_AUTH),
        for_purposes(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE),
    ],
)
def test_a_sound_signer_of_firmware_is_accepted(made: Issued) -> None:
    chains.check_firmware_signer(value(made), [value(ROOT)], NOW)


# signatures


def signed(tmp_path: Path, signer: Issued, *options: str, file: bytes = FILE) -> str:
    key = tmp_path / "signer.pem"
    key.write_bytes(pem_of(signer.key))
    made = openssl("dgst", "-sha256", "-sign", key, *options, given=file)
    return base64.b64encode(made).decode()


def verify(
    signature: str,
    signer: Issued,
    schemes: frozenset[Scheme] = frozenset(Scheme),
    file: bytes = FILE,
) -> None:
    verifier = Verifier(value(signer), schemes)
    for begin in range(0, len(file), 4000):
        verifier.update(file[begin : begin + 4000])
    verifier.verify(signature)


PSS: Final = ("-sigopt", "rsa_padding_mode:pss", "-sigopt")


@pytest.mark.requirement("SFW-10")
@pytest.mark.parametrize(
    ("scheme", "signer", "options"),
    [
        (Scheme.ECDSA, SIGNER, ()),
        (Scheme.RSA_PKCS1, RSA_SIGNER, ()),
        (Scheme.RSA_PSS, RSA_SIGNER, (*PSS, "rsa_pss_saltlen:digest")),
        (Scheme.RSA_PSS, RSA_SIGNER, (*PSS, "rsa_pss_saltlen:max")),
        (Scheme.RSA_PSS, RSA_SIGNER, (*PSS, "rsa_pss_saltlen:0")),
    ],
)
def test_signatures_of_openssl_are_accepted_by_their_scheme_alone(
    scheme: Scheme, signer: Issued, options: tuple[str, ...], tmp_path: Path
) -> None:
    signature = signed(tmp_path, signer, *options)
    verify(signature, signer)
    verify(signature, signer, frozenset({scheme}))
    with pytest.raises((BadSignature, BadCertificate)):
        verify(signature, signer, frozenset(Scheme) - {scheme})


@pytest.mark.parametrize("signer", [SIGNER, RSA_SIGNER], ids=["EC", "RSA"])
def test_a_signature_of_something_else_is_refused(
    signer: Issued, tmp_path: Path
) -> None:
    signature = signed(tmp_path, signer)
    octets = base64.b64decode(signature)
    sized = ROOT.issue(Wish(key=rsa.generate_private_key(65_537, 2048)))
    wrong = {
        "of another file": signed(tmp_path, signer, file=FILE + b"!"),
        "by another key of its size": signed(tmp_path, sized),
        "by a key of another kind": signed(
            tmp_path, RSA_SIGNER if signer is SIGNER else SIGNER
        ),
        "truncated": base64.b64encode(octets[:-1]).decode(),
        "with a changed bit": base64.b64encode(
            octets[:-1] + bytes([octets[-1] ^ 1])
        ).decode(),
        "with more behind it": base64.b64encode(octets + b"\0").decode(),
    }
    for case, other in wrong.items():
        with pytest.raises(BadSignature, match="not of this file") as refused:
            verify(other, signer)
        assert refused.value.why is SignatureFlaw.WRONG, case
    with pytest.raises(BadSignature):
        verify(signature, signer, file=FILE[:-1])
    verify(signature, signer)


@pytest.mark.parametrize(
    "text", ["", "====", "no base64!", "AAA", "ÄÖÜ", "A" * (LONGEST_SIGNATURE + 4)]
)
def test_a_signature_that_cannot_be_decoded_is_a_bad_one(text: str) -> None:
    with pytest.raises(BadSignature) as refused:
        verify(text, SIGNER)
    assert refused.value.why is SignatureFlaw.UNREADABLE


@given(st.binary(min_size=1, max_size=300) | st.text(max_size=300))
def test_no_signature_raises_anything_else(made: bytes | str) -> None:
    text = made if isinstance(made, str) else base64.b64encode(made).decode()
    for signer in (SIGNER, RSA_SIGNER):
        with pytest.raises(BadSignature):
            verify(text, signer)


def test_a_signature_may_be_broken_into_lines(tmp_path: Path) -> None:
    octets = base64.b64decode(signed(tmp_path, RSA_SIGNER))
    verify(base64.encodebytes(octets).decode(), RSA_SIGNER)


def test_a_key_that_no_accepted_scheme_fits_is_told_before_the_download() -> None:
    edwards = ROOT.issue(Wish(key=ed25519.Ed25519PrivateKey.generate()))
    for signer, schemes in (
        (SIGNER, {Scheme.RSA_PSS, Scheme.RSA_PKCS1}),
        (RSA_SIGNER, {Scheme.ECDSA}),
        (RSA_SIGNER, set()),
        (edwards, set(Scheme)),
    ):
        assert Flaw.WRONG_KEY is flaw(Verifier, value(signer), schemes)


# keys and requests


def certified(pair: KeyPair) -> Certificate:
    """Have the root certify what a signing request asks for."""
    request = x509.load_pem_x509_csr(signing_request(pair, STATION).encode())
    key = request.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(ROOT.certificate.subject)
        .public_key(key)
        .serial_number(5)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=365))
    )
    made = builder.sign(ROOT.key, hashes.SHA256())
    return read(made.public_bytes(Encoding.PEM))


@pytest.mark.requirement("CERT-04")
@pytest.mark.parametrize("kind", KeyKind)
def test_a_request_is_one_that_openssl_verifies(kind: KeyKind) -> None:
    text = signing_request(new_key(kind), STATION)
    assert len(text) <= LONGEST
    seen = openssl(
        "req", "-verify", "-noout", "-subject", "-text", given=text.encode()
    ).decode()
    assert "O = Example, CN = SN-0042" in seen
    assert "sha256" in seen.lower()
    bits = {KeyKind.EC_P256: 256, KeyKind.RSA_2048: 2048, KeyKind.RSA_3072: 3072}
    assert f"Public-Key: ({bits[kind]} bit)" in seen
    assert "Alternative Name" not in seen


@pytest.mark.parametrize("kind", [KeyKind.EC_P256, KeyKind.RSA_2048])
def test_what_is_asked_for_is_what_is_accepted(kind: KeyKind) -> None:
    pair = new_key(kind)
    path = chains.check_station_chain(
        [certified(pair)], pair.fingerprint, STATION, [value(ROOT)], NOW
    )
    assert path.leaf.key_fingerprint == pair.fingerprint


def test_the_private_key_appears_in_no_text() -> None:
    pair = new_key()
    assert repr(pair) == f"KeyPair(fingerprint='{pair.fingerprint}')"
    with pytest.raises(BadCertificate) as refused:
        signing_request(replace(pair, private_pem=pair.private_pem[:-60]), STATION)
    assert refused.value.why is Flaw.UNREADABLE
    assert pair.private_pem.split()[4].decode() not in str(refused.value)
    assert refused.value.__cause__ is None


def test_two_keys_are_never_the_same() -> None:
    assert new_key().fingerprint != new_key().fingerprint


def test_a_stored_key_is_read_again() -> None:
    pair = new_key()
    assert read_key(pair.private_pem) == pair


def test_a_stored_key_of_another_kind_is_refused() -> None:
    locked = PENDING.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    edwards = ed25519.Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    for pem in (b"", b"garbage", locked, edwards, SIGNER.pem.encode()):
        assert flaw(read_key, pem) is Flaw.UNREADABLE


@pytest.mark.requirement("CERT-05")
def test_a_serial_number_of_the_station_is_as_long_as_in_a_boot_notification() -> None:
    pair = new_key()
    request = signing_request(pair, Subject("S" * 25, "Ö" * 32))
    asked = x509.load_pem_x509_csr(request.encode())
    assert asked.subject == distinguished("S" * 25, "Ö" * 32)
    assert list(asked.extensions) == []  # so no name of a host
    for subject in (
        Subject("S" * 26, "Example"),
        Subject("", "Example"),
        Subject("SN-0042", ""),
        Subject("SN-0042", "E" * 65),
    ):
        assert Flaw.WRONG_SUBJECT is flaw(signing_request, pair, subject)
