from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA224
from cryptography.x509.oid import NameOID

from chargerd.core.reasons import Objection
from chargerd.ocpp16.keyring_events import Origin, OwnInstalled, SigningWanted
from chargerd.ocpp16.own_certificates import Own
from chargerd.ocpp16.pki.own_keys import read_key
from chargerd.ocpp16.records import Drawer, SheetDropped
from chargerd.steps import Step
from chargerd.store.database import Store
from tests.authority import DAY, Wish, distinguished, ec_key, pem_of, root, wish_for_ca
from tests.clock import FakeClock
from tests.scenarios.bench import PowerCut
from tests.scenarios.csms import SILENCE, Refusal
from tests.scenarios.keyring_bench import (
    CSMS,
    DAY_S,
    ROOT,
    SERIAL_NUMBER,
    KeyringBench,
    on_disk,
)

BAD = "InvalidChargePointCertificate"
CHANGED = "ReconfigurationOfSecurityParameters"


def of_file(days: float) -> str:
    """Return a certificate for so many days, as a station file may name one."""
    begin = FakeClock().now().utc
    wish = Wish(
        name=distinguished(SERIAL_NUMBER),
        not_before=begin,
        not_after=begin + timedelta(days=days),
    )
    return ROOT.issue(wish).pem


def whole_way(bench: KeyringBench) -> None:
    bench.connects()
    bench.triggers()
    bench.waits(1)
    if bench.csrs:
        bench.delivers(bench.certified())
    bench.waits(1)


@pytest.mark.requirement("CERT-01", "CERT-03", "CERT-04", "CERT-05", "TRIG-01")
def test_a_trigger_makes_the_station_ask_for_a_certificate_with_a_new_key() -> None:
    bench = KeyringBench()
    assert bench.triggers() == "Accepted"
    order = [frame[:2] for step in bench.steps for frame in step.frames]
    assert order[-2:] == ["[3", "[2"]
    (csr,) = bench.csrs
    assert len(csr) <= 5500
    request = x509.load_pem_x509_csr(csr.encode())
    assert request.is_signature_valid
    assert request.signature_hash_algorithm is not None
    assert request.signature_hash_algorithm.name == "sha256"
    key = request.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    names = [(part.oid, part.value) for part in request.subject]
    organization = (NameOID.ORGANIZATION_NAME, "Example")
    assert names == [organization, (NameOID.COMMON_NAME, "SN-0042")]
    assert not list(request.extensions)
    bench.triggers()
    again = x509.load_pem_x509_csr(bench.csrs[1].encode())
    assert again.public_key() != key


@pytest.mark.key("CertificateKeyKind")
@pytest.mark.parametrize(("kind", "bits"), [("RSA-2048", 2048), ("RSA-3072", 3072)])
def test_the_operator_chooses_the_kind_of_key(kind: str, bits: int) -> None:
    bench = KeyringBench()
    answer = bench.asks(
        "ChangeConfiguration", key="CertificateKeyKind", value="RSA-1024"
    )
    assert answer == {"status": "Rejected"}
    bench.sets(CertificateKeyKind=kind)
    bench.triggers()
    key = x509.load_pem_x509_csr(bench.csrs[0].encode()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == bits


@pytest.mark.requirement("CERT-03")
@pytest.mark.key("CpoName")
def test_without_an_operator_or_a_serial_number_no_certificate_is_asked_for() -> None:
    bench = KeyringBench({"CpoName": ""})
    assert bench.triggers() == "Rejected"
    assert bench.notes[-1] == "CpoName: 0 characters; set it to 1 to 64"
    bench.wants_here()
    assert bench.notes[-1] == "CpoName: 0 characters; set it to 1 to 64"
    bench.waits_days(2)
    assert bench.csrs == []
    for name in ("x" * 65, "ä" * 33, "two\nlines"):
        answer = bench.asks("ChangeConfiguration", key="CpoName", value=name)
        assert answer == {"status": "Rejected"}
    bench.sets(CpoName="Bühne")
    assert bench.triggers() == "Accepted"
    subject = x509.load_pem_x509_csr(bench.csrs[0].encode()).subject
    assert subject == distinguished_of("Bühne")

    nameless = KeyringBench(serial_number=None)
    assert nameless.triggers() == "Rejected"
    assert nameless.notes[-1] == "serial number: 0 characters; set it to 1 to 25"


def distinguished_of(organization: str) -> x509.Name:
    return distinguished("SN-0042", organization)


@pytest.mark.parametrize(("profile", "redials"), [(3, 1), (2, 0), (0, 0)])
def test_the_link_is_dialed_anew_with_a_new_certificate_if_it_shows_one(
    profile: int, redials: int
) -> None:
    bench = KeyringBench(profile=profile)
    own = bench.gets_certificate()
    assert bench.redials == redials
    assert own.chain_pem == own.certificate.pem
    assert "PRIVATE KEY" in own.key_pem
    bench.waits_days(1)
    assert bench.redials == redials
    assert len(bench.csrs) == 1


@pytest.mark.requirement("CERT-18", "CERT-36")
@pytest.mark.parametrize("profile", [1, 2])
def test_a_certificate_is_prepared_before_the_profile_that_needs_it(
    profile: int,
) -> None:
    bench = KeyringBench(profile=profile)
    bench.gets_certificate()
    assert bench.alarms(CHANGED)[-1] == "certificate CN=SN-0042,O=Example installed"


@pytest.mark.requirement("CERT-02")
def test_a_private_key_is_in_no_frame_and_no_text() -> None:
    bench = KeyringBench()
    own = bench.gets_certificate()
    secret = own.key_pem.splitlines()[1]
    for step in bench.steps:
        assert secret not in repr(step)
        assert "PRIVATE" not in "".join(step.frames)
    assert secret not in repr(own)


@pytest.mark.requirement("CERT-07", "CERT-08")
def test_a_chain_may_come_with_what_stands_between_in_any_order() -> None:
    between = ROOT.issue(wish_for_ca("Between"))
    for order in (1, -1):
        bench = KeyringBench()
        bench.triggers()
        parts = [bench.certified(between), between.pem]
        assert bench.delivers("".join(parts[::order])) == "Accepted"
        assert bench.own is not None
        assert bench.own.chain_pem == "".join(parts)


@pytest.mark.requirement("CERT-08", "CERT-09")
def test_a_bad_certificate_is_rejected_and_told_to_the_csms() -> None:
    weak = rsa.generate_private_key(65_537, 1024)
    stranger = root("Stranger")
    bench = KeyringBench()
    bench.triggers()
    now = bench.clock.now().utc
    bad = {
        "garbage": "certificate",
        "expired": bench.certified(not_before=now - 9 * DAY, not_after=now - DAY),
        "for another key": bench.certified(key=ec_key()),
        "weak": bench.certified(key=weak),
        "for another station": bench.certified(name=distinguished("SN-0043")),
        "for another operator": bench.certified(name=distinguished("SN-0042", "Else")),
        "for nobody": bench.certified(name=distinguished("SN-0042", None)),
        "of a stranger": bench.certified(stranger),
        "weakly signed": bench.certified(hashed_with=SHA224()),
    }
    for what, chain in bad.items():
        bench.waits(61)
        assert bench.delivers(chain) == "Rejected", what
        assert bench.own is None
        assert bench.alarms(BAD)[-1] == bench.notes[-1]
    assert len(bench.alarms(BAD)) == len(bad)
    assert bench.delivers(bench.certified()) == "Accepted"


@pytest.mark.requirement("CERT-16")
def test_each_station_has_a_key_and_a_certificate_of_its_own() -> None:
    one, other = KeyringBench(), KeyringBench(serial_number="SN-0043")
    for bench in (one, other):
        bench.triggers()
    requests = [
        x509.load_pem_x509_csr(bench.csrs[-1].encode()) for bench in (one, other)
    ]
    first, second = (request.public_key() for request in requests)
    assert first != second
    # Neither what was issued to the other station, nor our name on the other's key.
    assert one.delivers(other.certified()) == "Rejected"
    ours = distinguished(SERIAL_NUMBER)
    assert one.delivers(other.certified(name=ours)) == "Rejected"
    assert one.own is None
    assert one.delivers(one.certified()) == "Accepted"
    assert other.delivers(other.certified()) == "Accepted"
    assert one.own is not None
    assert other.own is not None
    assert one.own.key_pem != other.own.key_pem
    assert one.own.certificate.subject != other.own.certificate.subject


@pytest.mark.requirement("CERT-07")
@pytest.mark.key("CertificateSignedMaxChainSize")
def test_a_chain_that_is_too_long_is_rejected() -> None:
    bench = KeyringBench({"CertificateSignedMaxChainSize": "1000"})
    bench.triggers()
    long = bench.certified() + "x" * 1000
    assert bench.delivers(long) == "Rejected"
    assert "send at most 1000" in bench.notes[-1]
    assert bench.asks("CertificateSigned", certificateChain="x" * 10_001) == {
        "code": "PropertyConstraintViolation"
    }
    assert bench.delivers(bench.certified()) == "Accepted"


@pytest.mark.requirement("CERT-15")
def test_a_certificate_that_nobody_asked_for_is_rejected() -> None:
    bench = KeyringBench()
    assert bench.delivers(ROOT.pem) == "Rejected"
    bench.triggers()
    first = bench.certified()
    assert bench.delivers(first) == "Accepted"
    assert bench.delivers(bench.certified()) == "Rejected"
    # the CSMS that missed the answer sends it once more
    assert bench.delivers(first) == "Accepted"
    assert bench.alarms(CHANGED) == ["certificate CN=SN-0042,O=Example installed"]


@pytest.mark.requirement("CERT-15")
def test_only_the_last_request_gets_its_certificate() -> None:
    bench = KeyringBench()
    bench.triggers()
    first = bench.certified()
    bench.triggers()
    assert bench.delivers(first) == "Rejected"
    assert bench.delivers(bench.certified()) == "Accepted"


@pytest.mark.requirement("CERT-09")
def test_a_certificate_that_the_disk_does_not_take_is_not_the_stations() -> None:
    bench = KeyringBench(profile=3)
    bench.triggers()
    bench.disk_full = True
    assert bench.delivers(bench.certified()) == "Rejected"
    assert bench.notes[-1] == "the disk did not take it; all is as it was"
    assert bench.own is None
    assert bench.redials == 0
    assert bench.alarms(BAD) == []
    bench.disk_full = False
    assert bench.delivers(bench.certified()) == "Accepted"


@pytest.mark.requirement("CERT-10")
def test_a_certificate_for_later_is_used_when_its_time_comes(tmp_path: Path) -> None:
    bench = on_disk(tmp_path, profile=3)
    first = bench.gets_certificate()
    bench.triggers()
    begin = bench.clock.now().utc + 7 * DAY
    later = bench.certified(not_before=begin, not_after=begin + 180 * DAY)
    assert bench.delivers(later) == "Accepted"
    assert bench.own == first
    assert bench.redials == 1
    bench.restarts()
    bench.waits_days(6.9)
    assert bench.own == first
    bench.waits_days(0.1)
    assert bench.own is not None
    assert bench.own.certificate.pem == later
    assert bench.redials == 2


@pytest.mark.requirement("CERT-11", "CERT-13", "PERS-11")
def test_the_certificate_before_is_kept_for_a_month(tmp_path: Path) -> None:
    bench = on_disk(tmp_path)
    first = bench.gets_certificate()
    assert bench.keyring.fallback(bench.clock.now()) is None
    bench.waits_days(1)
    second = bench.gets_certificate()
    assert second != first
    bench.restarts()
    assert bench.own == second
    assert bench.keyring.fallback(bench.clock.now()) == first
    bench.waits_days(29.9)
    assert bench.keyring.fallback(bench.clock.now()) == first
    bench.waits_days(0.2)
    assert bench.keyring.fallback(bench.clock.now()) is None
    assert bench.store is not None
    drawers = bench.store.restore(bench.clock.now().utc).drawers
    assert [len(drawers[drawer]) for drawer in (Drawer.CERTIFICATE, Drawer.KEY)] == [
        1,
        1,
    ]


def test_no_more_than_one_certificate_is_kept_to_fall_back_on() -> None:
    bench = KeyringBench()
    bench.gets_certificate()
    bench.waits(60)
    second = bench.gets_certificate()
    bench.waits(60)
    third = bench.gets_certificate()
    assert [*bench.keyring.certification._owns] == [second, third]


@pytest.mark.requirement("CERT-17")
def test_a_certificate_that_has_ended_is_offered_where_there_is_no_other() -> None:
    bench = KeyringBench({"CpoName": "Example"}, profile=3)
    own = bench.gets_certificate()
    bench.csms.always("SignCertificate", {"status": "Rejected"})
    bench.waits_days(181)
    assert bench.own is None
    offered = bench.keyring.offered(bench.clock.now())
    assert offered is not None
    assert offered.certificate == own.certificate
    assert own.certificate in bench.keyring.in_use(bench.clock.now())
    ended = f"due: CN=SN-0042,O=Example has ended, on {own.certificate.not_after:%F}"
    assert ended in bench.alarms(CHANGED)
    bench.clock.correct(-400 * DAY_S)
    assert bench.keyring.offered(bench.clock.now()) == offered


@pytest.mark.requirement("CERT-06")
def test_a_refusal_ends_the_request_and_the_old_certificate_stays() -> None:
    bench = KeyringBench()
    own = bench.gets_certificate()
    bench.csms.will("SignCertificate", {"status": "Rejected"})
    bench.triggers()
    assert "the old one stays in use" in bench.notes[-1]
    assert bench.delivers(bench.certified()) == "Rejected"
    bench.waits_days(3)
    bench.disconnects()
    bench.connects()
    assert len(bench.csrs) == 2
    assert bench.own == own


@pytest.mark.requirement("CERT-14", "PERS-11")
@pytest.mark.parametrize("reply", [SILENCE, Refusal(), {"status": "Maybe"}])
def test_an_unanswered_request_is_made_once_a_day(
    reply: object, tmp_path: Path
) -> None:
    bench = on_disk(tmp_path)
    bench.csms.always("SignCertificate", reply)  # type: ignore[arg-type]
    bench.triggers()
    bench.waits_days(2.5)
    assert len(bench.csrs) == 3
    first, second, _ = bench.times("SignCertificate")
    assert second - first >= DAY_S
    bench.restarts()
    bench.waits(60)
    assert len(bench.csrs) == 4
    assert len({public(csr) for csr in bench.csrs}) == 1
    bench.csms.forget()
    bench.waits_days(3)
    assert len(bench.csrs) == 5
    assert bench.delivers(bench.certified()) == "Accepted"


def public(csr: str) -> str:
    key = x509.load_pem_x509_csr(csr.encode()).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return f"{key.public_numbers().x}"


def test_a_lost_link_counts_for_nothing_and_the_next_one_is_asked() -> None:
    bench = KeyringBench()
    bench.csms.will("SignCertificate", SILENCE)
    bench.triggers()
    bench.disconnects()
    bench.waits(60)
    bench.connects()
    assert len(bench.csrs) == 2


def test_a_late_answer_to_an_older_request_changes_nothing() -> None:
    bench = KeyringBench()
    bench.csms.will("SignCertificate", SILENCE)
    bench.triggers()
    bench.triggers()
    bench.waits(31)
    assert len(bench.csrs) == 2
    bench.answers_late("SignCertificate", {"status": "Rejected"})
    assert bench.delivers(bench.certified()) == "Accepted"


def test_an_operator_that_loses_its_name_is_not_asked_until_it_has_one() -> None:
    bench = KeyringBench()
    bench.csms.will("SignCertificate", SILENCE)
    bench.triggers()
    bench.sets_here("CpoName", "")
    bench.waits_days(2.5)
    assert len(bench.csrs) == 1
    bench.sets(CpoName="Example")
    bench.waits_days(1)
    assert len(bench.csrs) == 2


def test_a_csms_may_have_a_certificate_asked_for_before_it_accepts_the_station() -> (
    None
):
    bench = KeyringBench(online=False)
    bench.csms.always("BootNotification", bench.csms.boot("Pending", 300))
    bench.connects()
    bench.wants_here()
    bench.waits(60)
    assert bench.csrs == []
    assert bench.triggers() == "Accepted"
    assert len(bench.csrs) == 1
    assert bench.delivers(bench.certified()) == "Accepted"


@pytest.mark.requirement("CERT-14")
def test_a_certificate_is_renewed_after_two_thirds_of_its_life(tmp_path: Path) -> None:
    bench = on_disk(tmp_path, profile=3)
    own = bench.gets_certificate()
    bench.waits_days(119)
    bench.restarts()
    assert len(bench.csrs) == 1
    bench.waits_days(1.5)
    assert len(bench.csrs) == 2
    assert public(bench.csrs[0]) != public(bench.csrs[1])
    # promised, but it does not come
    bench.waits_days(1)
    bench.restarts()
    bench.waits_days(1)
    assert 3 <= len(bench.csrs) <= 4
    assert public(bench.csrs[1]) == public(bench.csrs[-1])
    assert bench.own == own
    assert bench.delivers(bench.certified()) == "Accepted"
    assert bench.own != own
    told = len(bench.csrs)
    bench.waits_days(100)
    assert len(bench.csrs) == told


@pytest.mark.requirement("CERT-06", "CERT-14")
def test_a_renewal_that_was_refused_waits_for_people(tmp_path: Path) -> None:
    bench = on_disk(tmp_path)
    bench.gets_certificate()
    bench.csms.will("SignCertificate", {"status": "Rejected"})
    bench.waits_days(121)
    assert len(bench.csrs) == 2
    bench.restarts()
    bench.waits_days(5)
    assert len(bench.csrs) == 2
    bench.wants_here()
    assert len(bench.csrs) == 3


@pytest.mark.requirement("CERT-14")
def test_what_cannot_be_renewed_is_looked_at_once_a_day() -> None:
    bench = KeyringBench()
    bench.gets_certificate()
    bench.sets_here("CpoName", "")
    bench.waits_days(123)
    assert len(bench.csrs) == 1
    bench.sets(CpoName="Example")
    bench.waits_days(1)
    assert len(bench.csrs) == 2


def test_an_offline_station_makes_one_key_for_its_renewal() -> None:
    bench = KeyringBench()
    bench.gets_certificate()
    bench.disconnects()
    bench.waits_days(125)
    assert len(bench.csrs) == 1
    bench.connects()
    assert len(bench.csrs) == 2


@pytest.mark.requirement("CERT-02", "CERT-10", "PERS-11")
def test_a_power_cut_before_any_commit_costs_no_key_and_no_certificate(
    tmp_path: Path,
) -> None:
    """After the cut, the CSMS does what it would do: what it was not told, again."""
    total = run(tmp_path / "whole.sqlite", None)[1]
    assert total > 4
    for cut in range(total):
        bench, _ = run(tmp_path / f"{cut}.sqlite", cut)
        bench.after = None
        bench.restarts()
        bench.waits(60)
        if bench.own is None:
            if not bench.csrs:
                bench.triggers()
            assert bench.delivers(bench.certified()) == "Accepted"
        assert bench.own is not None
        assert bench.store is not None
        drawers = bench.store.restore(bench.clock.now().utc).drawers
        name = bench.own.key.fingerprint
        assert [*drawers[Drawer.KEY]] == [*drawers[Drawer.CERTIFICATE]] == [name]
        bench.restarts()
        assert bench.own is not None
        bench.store.close()


def run(path: Path, cut: int | None) -> tuple[KeyringBench, int]:
    store = Store(path)
    commits = 0

    def after(step: Step) -> None:
        nonlocal commits
        if step.records:
            if commits == cut:
                raise PowerCut
            store.commit(step.records)
            commits += 1

    bench = KeyringBench(profile=3, store=store, online=False)
    bench.after = after
    with suppress(PowerCut):
        whole_way(bench)
    return bench, commits


def test_a_power_cut_between_the_two_writes_of_a_certificate_is_told(
    tmp_path: Path,
) -> None:
    bench = on_disk(tmp_path)
    bench.triggers()
    own = bench.keyring.judged_chain(bench.certified(), bench.clock.now())
    assert bench.store is not None
    bench.store.attempt(bench.keyring.certification.kept(own))  # type: ignore[arg-type]
    bench.restarts()
    assert bench.own == own
    assert bench.alarms(CHANGED)[-1] == "certificate CN=SN-0042,O=Example installed"
    assert bench.delivers(bench.certified()) == "Rejected"
    assert bench.keyring.roots(CSMS)


def test_a_key_that_the_disk_has_lost_is_made_anew(tmp_path: Path) -> None:
    bench = on_disk(tmp_path)
    own = bench.gets_certificate()
    bench.triggers()
    pending = bench.keyring.certification._signing.pending
    assert pending is not None
    assert bench.store is not None
    lost = (own.key.fingerprint, pending.fingerprint)
    bench.store.commit([SheetDropped(Drawer.KEY, name) for name in lost])
    bench.restarts()
    assert bench.own is None
    assert any("key of the station: not an EC or RSA key" in n for n in bench.notes)
    assert bench.delivers(bench.certified()) == "Accepted"


def test_the_first_of_two_certificates_for_later_is_offered_while_none_counts() -> None:
    bench = KeyringBench()
    bench.clock.correct(timedelta(days=1).total_seconds())
    own = bench.gets_certificate()
    bench.waits_days(2)
    bench.gets_certificate()
    bench.clock.correct(-30 * DAY_S)
    assert bench.own is None
    assert bench.keyring.offered(bench.clock.now()) == own


def test_what_people_sign_the_csms_is_not_asked_for(tmp_path: Path) -> None:
    bench = on_disk(tmp_path)
    assert bench.keyring.certification.csr() is None
    bench.happens(SigningWanted(Origin.HAND))
    csr = bench.keyring.certification.csr()
    assert csr is not None
    bench.restarts()
    bench.waits_days(3)
    assert bench.csrs == []
    again = bench.keyring.certification.csr()
    assert again is not None
    keys = [x509.load_pem_x509_csr(c.encode()).public_key() for c in (csr, again)]
    assert keys[0] == keys[1]
    now = bench.clock.now().utc
    life = {"not_before": now, "not_after": now + 180 * DAY}
    assert bench.delivers(ROOT.certify(again, **life)) == "Accepted"
    assert bench.own is not None
    assert bench.keyring.certification.request is None


@pytest.mark.requirement("CERT-14")
def test_a_request_that_people_have_forgotten_is_made_to_the_csms_in_the_end() -> None:
    bench = KeyringBench()
    bench.gets_certificate()
    bench.happens(SigningWanted(Origin.HAND))
    key = bench.keyring.certification.csr()
    assert key is not None
    bench.waits_days(119)
    assert len(bench.csrs) == 1
    bench.waits_days(1.5)
    assert len(bench.csrs) == 2
    asked, waiting = (
        x509.load_pem_x509_csr(csr.encode()).public_key()
        for csr in (bench.csrs[1], key)
    )
    assert asked == waiting
    assert bench.delivers(bench.certified()) == "Accepted"


def test_a_key_that_was_made_elsewhere_leaves_the_open_request_as_it_is() -> None:
    bench = KeyringBench()
    bench.triggers()
    leaf = ROOT.issue(Wish(name=distinguished("SN-0042")))
    now = bench.clock.now()
    judged = bench.keyring.judged_chain(leaf.pem, now)
    assert isinstance(judged, Objection)
    key = read_key(pem_of(leaf.key))
    own = bench.keyring.judged_chain(leaf.pem, now, key)
    assert isinstance(own, Own)
    bench.happens(OwnInstalled(own))
    assert bench.keyring.certification.every == (own,)
    assert bench.keyring.certification.request is not None
    assert bench.keyring.certification.wanted == 1
    assert bench.delivers(bench.certified()) == "Accepted"


@pytest.mark.requirement("CERT-13")
def test_a_certificate_that_the_csms_refuses_takes_turns_with_the_one_before() -> None:
    bench = KeyringBench(profile=3)
    first = bench.gets_certificate()
    assert bench.dials(ok=False) == first  # there is none before it
    bench.waits_days(1)
    newest = bench.gets_certificate()
    assert bench.dials(ok=False, layer="tcp") == newest
    assert bench.dials(ok=False) == first
    assert bench.dials(ok=True) == first
    assert bench.dials(ok=False) == newest
    assert bench.dials(ok=False) == first
    assert bench.notes[-1].endswith("another one of ours is tried")


@pytest.mark.requirement("CERT-13")
def test_a_refused_certificate_takes_turns_with_that_of_the_station_file() -> None:
    bench = KeyringBench(profile=3, file_own=of_file(180))
    assert bench.dials(ok=False) is None
    installed = bench.gets_certificate()
    assert bench.dials(ok=True) == installed
    before = bench.redials
    assert bench.dials(ok=False) is None
    assert bench.redials == before + 1
    assert bench.dials(ok=True) is None
    assert bench.dials(ok=False) == installed
    assert bench.redials == before + 1
    assert bench.dials(ok=False) is None
    bench.waits_days(1)
    following = bench.gets_certificate()
    assert bench.keyring.shown(bench.clock.now()) == following


def test_the_station_file_has_its_turn_when_what_was_installed_has_ended() -> None:
    bench = KeyringBench(profile=3, file_own=of_file(400))
    installed = bench.gets_certificate()
    bench.csms.always("SignCertificate", {"status": "Rejected"})
    bench.waits_days(179)
    assert bench.own is not None
    assert bench.keyring.preferred(bench.clock.now()) == bench.own
    bench.waits_days(2)
    assert bench.keyring.preferred(bench.clock.now()) is None
    assert bench.keyring.filed in bench.keyring.in_use(bench.clock.now())
    bench.waits_days(220)
    last_resort = bench.keyring.preferred(bench.clock.now())
    assert last_resort is not None
    assert last_resort.certificate == installed.certificate


@pytest.mark.requirement("CERT-14")
def test_the_certificate_of_the_station_file_is_renewed_too(tmp_path: Path) -> None:
    bench = on_disk(tmp_path, profile=3, file_own=of_file(180))
    bench.waits_days(119)
    assert bench.csrs == []
    bench.waits_days(1.5)
    assert len(bench.csrs) == 1
    assert bench.delivers(bench.certified()) == "Accepted"
    assert bench.keyring.shown(bench.clock.now()) == bench.own
    bench.waits_days(100)
    assert len(bench.csrs) == 1


@pytest.mark.requirement("CERT-06", "CERT-14")
def test_where_the_csms_does_not_renew_that_of_the_file_people_have_to(
    tmp_path: Path,
) -> None:
    bench = on_disk(tmp_path, profile=3, file_own=of_file(180))
    bench.csms.will("SignCertificate", {"status": "Rejected"})
    bench.waits_days(121)
    assert len(bench.csrs) == 1
    bench.restarts()
    bench.waits_days(5)
    assert len(bench.csrs) == 1
    assert bench.keyring.certification.filed_refused
    bench._filed = replace(bench._filed, certificate=of_file(180))
    bench.restarts()
    assert not bench.keyring.certification.filed_refused


def test_a_refusal_long_before_the_end_is_none_of_the_renewal() -> None:
    bench = KeyringBench(profile=3, file_own=of_file(180))
    bench.csms.will("SignCertificate", {"status": "Rejected"})
    bench.triggers()
    assert not bench.keyring.certification.filed_refused
    bench.waits_days(120.5)
    assert len(bench.csrs) == 2


@pytest.mark.requirement("CERT-02")
def test_no_key_is_made_to_follow_one_in_hardware() -> None:
    bench = KeyringBench(profile=3, file_own=of_file(180), in_hardware=True)
    bench.waits_days(180)
    assert bench.csrs == []
    assert any("ends in 7 days" in alarm for alarm in bench.alarms(CHANGED))


def test_a_certificate_of_the_file_that_cannot_be_read_is_told_and_passed_over() -> (
    None
):
    bench = KeyringBench(profile=3, file_own="none")
    assert bench.notes[0].startswith("csms.certificate_file: PEM: no certificate")
    assert bench.keyring.filed is None
    assert bench.keyring.in_use(bench.clock.now()) == bench.keyring.roots(CSMS)


@pytest.mark.requirement("SEC-34")
@pytest.mark.parametrize(("days", "status"), [(2, "Accepted"), (1, "Rejected")])
def test_a_certificate_of_the_file_opens_the_way_to_profile_3_unless_it_has_ended(
    days: int, status: str
) -> None:
    bench = KeyringBench(profile=2, file_own=of_file(days))
    bench._filed = replace(bench._filed, own=True)
    bench.restarts()
    bench.waits_days(1.5)
    wish = {"key": "SecurityProfile", "value": "3"}
    assert bench.asks("ChangeConfiguration", **wish) == {"status": status}


@pytest.mark.requirement("SEC-34", "CERT-18")
def test_a_certificate_that_was_installed_opens_the_way_to_profile_3() -> None:
    bench = KeyringBench(profile=2)
    wish = {"key": "SecurityProfile", "value": "3"}
    assert bench.asks("ChangeConfiguration", **wish) == {"status": "Rejected"}
    bench.gets_certificate()
    assert bench.asks("ChangeConfiguration", **wish) == {"status": "Accepted"}
