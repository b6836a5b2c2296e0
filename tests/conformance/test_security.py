"""The security extension: keys, certificates, profiles, and how a link is made."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtensionOID, NameOID

from benchcsms import authority
from benchcsms.issuer import name, pem, read_request
from benchcsms.settings import Signing, utc_now
from tests.authority import Issued, wish_for_ca
from tests.conformance.certificates import (
    DAY,
    FLAWS,
    bad_certificate,
    hash_data,
    over,
    plain,
    root,
)
from tests.conformance.guests import Guest
from tests.conformance.order import Json, Wanted
from tests.conformance.secured import KEY, OPERATOR, SERIAL, Begin, SecuredStage
from tests.conformance.states import ACCEPTED, REJECTED

NEW_KEY = "4F43415F4F4354545F61646D696E5F74657374"
"""What the tool of the cases sends."""
TLS_1_2, TLS_1_3 = 0x0303, 0x0304
SUITES = ({0xC02B, 0xC02C}, {0x009C, 0x009D})
"""ECDHE-ECDSA, and RSA, each with AES-128-GCM and AES-256-GCM (A00.FR.318)."""
SOUND = {
    *(0x1301, 0x1302, 0x1303),
    *(0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9),
    *(0x009C, 0x009D, 0x00FF),
}
"""All that may be offered: AEAD alone, and the word that renegotiation is sound."""
NULL = 0
SAN = ExtensionOID.SUBJECT_ALTERNATIVE_NAME


def event(kind: str) -> Wanted:
    return Wanted("SecurityEventNotification", {"type": kind})


async def changes(stage: SecuredStage, key: str, value: object) -> Json:
    return await stage.asks("ChangeConfiguration", key=key, value=str(value))


# --- the password -----------------------------------------------------------------


@pytest.mark.requirement("SEC-06", "SEC-20", "SEC-22", "SEC-23", "SEC-26")
@pytest.mark.parametrize("profile", [1, 2])
async def test_tc_073_a_new_authorization_key(begin: Begin, profile: int) -> None:
    stage = await begin(profile)
    identity = stage.daemon.identity.encode()
    assert (await stage.guest(1)).credentials == identity + b":" + KEY
    assert await changes(stage, "AuthorizationKey", NEW_KEY) == ACCEPTED
    after = (await stage.guest(2)).credentials
    assert after == identity + b":" + bytes.fromhex(NEW_KEY)
    await stage.expects(event("ReconfigurationOfSecurityParameters"))
    asked = await stage.asks("GetConfiguration", key=["AuthorizationKey"])
    assert NEW_KEY not in str(asked)
    assert NEW_KEY not in stage.daemon.log.read_text()


@pytest.mark.requirement("SEC-01", "SEC-03", "SEC-06")
@pytest.mark.parametrize("profile", [1, 2])
async def test_tc_085_the_password_says_who_the_station_is(
    begin: Begin, profile: int
) -> None:
    stage = await begin(profile)
    await stage.resets()
    for guest in (await stage.guest(1), await stage.guest(2)):
        identity, _, password = guest.credentials.partition(b":")
        assert identity.decode() == guest.path.rpartition("/")[2]
        assert 16 <= len(password) <= 20
        assert password == KEY
        assert guest.secure is (profile == 2)


# --- certificates of the station --------------------------------------------------


async def asked_for(stage: SecuredStage) -> x509.CertificateSigningRequest:
    """Let it ask for a certificate; return its request."""
    assert await changes(stage, "CpoName", OPERATOR) == ACCEPTED
    asked = {"requestedMessage": "SignChargePointCertificate"}
    assert await stage.asks("ExtendedTriggerMessage", **asked) == ACCEPTED
    told = await stage.expects(Wanted("SignCertificate"))
    return read_request(told.payload["csr"])


async def renewed(stage: SecuredStage) -> x509.CertificateSigningRequest:
    """Let it have a certificate of its own; return for which request."""
    request = await asked_for(stage)
    await stage.csms.wait_for("CertificateSigned", kind="result", match=ACCEPTED)
    return request


def expect_sound(guest: Guest) -> None:
    """Find the certificate of a station as the whitepaper wants it (A00.FR.5xx)."""
    shown = guest.certificate
    assert shown is not None
    assert shown.serial_number > 0
    names = shown.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert [each.value for each in names] == [SERIAL]
    key = shown.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
    least = 224 if isinstance(key, ec.EllipticCurvePublicKey) else 2048
    assert key.key_size >= least


@pytest.mark.requirement("CERT-01", "CERT-07", "CERT-08", "CERT-12", "CERT-16")
@pytest.mark.requirement("CERT-03", "CERT-04", "CERT-05", "XTRG-01")
async def test_tc_074_renew_the_certificate_of_the_station(begin: Begin) -> None:
    stage = await begin(3)
    first = (await stage.guest(1)).certificate
    request = await renewed(stage)
    assert request.subject == name(SERIAL, OPERATOR)
    assert isinstance(request.signature_hash_algorithm, hashes.SHA256)
    assert SAN not in [each.oid for each in request.extensions]
    guest = await stage.guest(2)
    expect_sound(guest)
    assert guest.certificate is not None
    assert first is not None
    assert guest.certificate.public_key() == request.public_key()
    assert request.public_key() != first.public_key()
    await stage.resets()
    assert (await stage.guest(3)).certificate == guest.certificate


@pytest.mark.requirement("CERT-08", "CERT-09")
async def test_tc_077_an_invalid_certificate_of_the_station(begin: Begin) -> None:
    stage = await begin(3, signing=Signing())
    above = authority.root(stage.around.authority)
    for flaw in FLAWS:
        stage.csms.script("SignCertificate", [{"result": ACCEPTED}])
        bad = bad_certificate(flaw, await asked_for(stage), above)
        answer = await stage.asks("CertificateSigned", certificateChain=bad)
        assert answer == REJECTED, flaw
    # Of a kind of event one is told at once; what follows in its minute is counted.
    await stage.expects(event("InvalidChargePointCertificate"))


# --- roots ------------------------------------------------------------------------


async def installed(stage: SecuredStage, kind: str) -> list[Json]:
    """Return what it says of its roots of a kind."""
    asked = {"certificateType": f"{kind}RootCertificate"}
    answer = await stage.asks("GetInstalledCertificateIds", **asked)
    listed: list[Json] = answer.get("certificateHashData", [])
    assert answer["status"] == ("Accepted" if listed else "NotFound")
    return [plain(each) for each in listed]


async def expect_root_installed(begin: Begin, profile: int, kind: str) -> None:
    stage = await begin(profile)
    another = root("Another root")
    assert await stage.installs(kind, another) == ACCEPTED
    assert hash_data(another) in await installed(stage, kind)


@pytest.mark.requirement("CERT-20", "CERT-21", "CERT-24", "CERT-25", "CERT-37")
@pytest.mark.parametrize("profile", [2, 3])
async def test_tc_075_1_install_a_root_of_the_manufacturer(
    begin: Begin, profile: int
) -> None:
    await expect_root_installed(begin, profile, "Manufacturer")


@pytest.mark.requirement("CERT-20", "CERT-21", "CERT-24", "CERT-25", "CERT-37")
@pytest.mark.parametrize("profile", [2, 3])
async def test_tc_075_2_install_a_root_of_the_central_system(
    begin: Begin, profile: int
) -> None:
    await expect_root_installed(begin, profile, "CentralSystem")


@pytest.mark.requirement("CERT-24", "CERT-26", "CERT-27")
@pytest.mark.parametrize("profile", [2, 3])
async def test_tc_076_delete_a_root(begin: Begin, profile: int) -> None:
    stage = await begin(profile)
    another = root("Another root")
    assert await stage.installs("CentralSystem", another) == ACCEPTED
    before = await installed(stage, "CentralSystem")
    (place,) = [n for n, each in enumerate(before) if each == hash_data(another)]
    asked = {"certificateHashData": {**before[place], "hashAlgorithm": "SHA256"}}
    assert await stage.asks("DeleteCertificate", **asked) == ACCEPTED
    after = await installed(stage, "CentralSystem")
    assert after == before[:place] + before[place + 1 :]
    assert await stage.asks("DeleteCertificate", **asked) == {"status": "NotFound"}


@pytest.mark.requirement("CERT-21", "CERT-22")
@pytest.mark.parametrize("profile", [2, 3])
async def test_tc_078_an_invalid_root_of_the_central_system(
    begin: Begin, profile: int
) -> None:
    stage = await begin(profile)
    bad = {
        "its time is over": root("Old root", over()),
        "no root": stage.pem(authority.BENCH),
        "no certificate": "certificate",
    }
    before = await installed(stage, "CentralSystem")
    for flaw, certificate in bad.items():
        answer = await stage.installs("CentralSystem", certificate)
        assert answer == REJECTED, flaw
    await stage.expects(event("InvalidCentralSystemCertificate"))
    assert await installed(stage, "CentralSystem") == before


@pytest.mark.requirement("CERT-30", "CERT-31", "CERT-33")
async def test_a_root_that_the_server_does_not_use_yet_leaves_the_one_before_in_use(
    begin: Begin,
) -> None:
    stage = await begin(1, configuration="AdditionalRootCertificateCheck = true")
    before = authority.root(stage.around.authority)
    assert await stage.installs("CentralSystem", pem(before.certificate)) == ACCEPTED
    assert await changes(stage, "SecurityProfile", 2) == ACCEPTED
    assert (await stage.guest(2)).secure
    now = utc_now()
    wish = wish_for_ca("Next root", not_before=now - DAY, not_after=now + DAY)
    following = Issued(before.certificate, before.key).issue(wish)
    assert await stage.installs("CentralSystem", root("Strange root")) == REJECTED
    assert await stage.installs("CentralSystem", following.pem) == ACCEPTED
    await stage.resets()
    assert (await stage.guest(3)).secure
    assert len(await installed(stage, "CentralSystem")) == 2


# --- the profile ------------------------------------------------------------------


async def profile_of(stage: SecuredStage) -> str:
    answer = await stage.asks("GetConfiguration", key=["SecurityProfile"])
    value: str = answer["configurationKey"][0]["value"]
    return value


@pytest.mark.requirement("SEC-33", "SEC-34", "SEC-35", "SEC-38")
@pytest.mark.requirement("CERT-18")
@pytest.mark.parametrize("profile", [1, 2])
async def test_tc_083_upgrade_the_profile(begin: Begin, profile: int) -> None:
    stage = await begin(profile)
    assert await changes(stage, "SecurityProfile", profile + 1) == REJECTED
    if profile == 1:
        certificate = stage.pem(authority.ROOT)
        assert await stage.installs("CentralSystem", certificate) == ACCEPTED
    else:
        await renewed(stage)
    assert await changes(stage, "SecurityProfile", profile + 1) == ACCEPTED
    guest = await stage.guest(2)
    assert guest.secure
    assert (guest.certificate is None) is (profile == 1)
    assert (guest.authorization is None) is (profile == 2)
    await stage.resets()
    assert await profile_of(stage) == str(profile + 1)
    assert (await stage.guest(3)).authorization == guest.authorization


@pytest.mark.requirement("SEC-04", "SEC-30", "SEC-31")
@pytest.mark.parametrize("profile", [2, 3])
async def test_tc_084_downgrade_the_profile(begin: Begin, profile: int) -> None:
    stage = await begin(profile)
    for wrong in (profile - 1, profile, 0, 4, "two"):
        assert await changes(stage, "SecurityProfile", wrong) == REJECTED
    assert await profile_of(stage) == str(profile)
    assert len(stage.around.guests) == 1


# --- TLS --------------------------------------------------------------------------


async def expect_offers(stage: SecuredStage) -> Guest:
    """Find in what it offers what the whitepaper wants; return how it came in."""
    guest = await stage.guest(1)
    (hello,) = stage.around.front.hellos
    assert TLS_1_2 in hello.versions
    assert hello.versions <= {TLS_1_2, TLS_1_3}
    assert any(pair <= hello.suites for pair in SUITES)
    assert hello.suites <= SOUND
    assert hello.compressions == {NULL}
    return guest


@pytest.mark.requirement("SEC-08", "SEC-10", "SEC-11", "SEC-13")
@pytest.mark.parametrize("profile", [2, 3])
async def test_tc_086_tls_with_the_certificate_of_the_server(
    begin: Begin, profile: int
) -> None:
    guest = await expect_offers(await begin(profile))
    assert guest.secure
    assert (guest.authorization is not None) is (profile == 2)


@pytest.mark.requirement("SEC-01", "SEC-08", "SEC-11", "CERT-04")
async def test_tc_087_tls_with_the_certificate_of_the_station(begin: Begin) -> None:
    stage = await begin(3)
    guest = await expect_offers(stage)
    assert guest.authorization is None
    expect_sound(guest)
    await renewed(stage)
    expect_sound(await stage.guest(2))
