from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA224
from ocpp.v16.enums import CertificateUse, HashAlgorithm

from chargerd.core.events import WHOLE_STATION, StorageChanged
from chargerd.core.reasons import Objection, Why
from chargerd.ocpp16.keyring_events import Root
from chargerd.ocpp16.link_news import LinkTried
from chargerd.ocpp16.pki.naming import hash_data
from chargerd.ocpp16.pki.reading import read
from chargerd.ocpp16.records import Drawer, SheetKept
from chargerd.ocpp16.wire import encode
from chargerd.steps import Step
from chargerd.store.database import Store
from tests.authority import CA, DAY, NOW, Issued, Wish, root, usage, wish_for_ca
from tests.scenarios.bench import PowerCut
from tests.scenarios.csms import Json
from tests.scenarios.keyring_bench import (
    CSMS,
    MANUFACTURER,
    ROOT,
    KeyringBench,
    fingerprint,
    on_disk,
)

BAD = "InvalidCentralSystemCertificate"
CHANGED = "ReconfigurationOfSecurityParameters"
OTHER = root("Other")
MAKER = root("Maker")
CHECK = {"AdditionalRootCertificateCheck": "true"}


def named(
    issued: Issued,
    issuer: Issued | None = None,
    algorithm: HashAlgorithm = HashAlgorithm.sha256,
) -> Json:
    of = read((issuer or issued).pem)
    return encode(hash_data(read(issued.pem), of, algorithm))


@pytest.mark.requirement("CERT-20", "CERT-21", "CERT-24", "CERT-25", "CERT-36")
@pytest.mark.parametrize("use", CertificateUse)
def test_an_installed_root_is_listed_and_kept(
    use: CertificateUse, tmp_path: Path
) -> None:
    bench = on_disk(tmp_path, file_roots=())
    assert bench.lists(use) == []
    assert bench.installs(OTHER.pem, use) == "Accepted"
    assert bench.installs(MAKER.pem, use) == "Accepted"
    assert bench.lists(use) == [named(OTHER), named(MAKER)]
    assert f"{use} CN=Other,O=Example installed" in bench.alarms(CHANGED)
    others = set(CertificateUse) - {use}
    assert [bench.lists(other) for other in others] == [[]]
    bench.restarts()
    assert bench.lists(use) == [named(OTHER), named(MAKER)]
    assert [root.pem for root in bench.keyring.roots(use)] == [OTHER.pem, MAKER.pem]


@pytest.mark.requirement("CERT-21", "CERT-22", "CERT-37")
@pytest.mark.parametrize("use", CertificateUse)
def test_a_bad_root_is_rejected_and_that_of_a_csms_told(use: CertificateUse) -> None:
    weak = rsa.generate_private_key(65_537, 1024)
    bad = {
        "garbage": "certificate",
        "two": OTHER.pem + MAKER.pem,
        "expired": root(not_after=NOW - DAY).pem,
        "not yet valid": root(not_before=NOW + 90 * DAY).pem,
        "no authority": OTHER.issue(Wish()).pem,
        "of a wrong usage": root(extensions=(CA, usage("digital_signature"))).pem,
        "weak": root(key=weak).pem,
        "weakly signed": root(hashed_with=SHA224()).pem,
    }
    bench = KeyringBench()
    before = bench.lists(use)
    for what, pem in bad.items():
        bench.waits(61)
        assert bench.installs(pem, use) == "Rejected", what
        alarms = bench.alarms(BAD)
        assert alarms[-1:] == ([bench.notes[-1]] if use == CSMS else [])
    assert bench.lists(use) == before
    long = {"certificateType": use, "certificate": "x" * 5501}
    answer = bench.asks("InstallCertificate", **long)
    assert answer == {"code": "PropertyConstraintViolation"}


@pytest.mark.requirement("CERT-23")
def test_a_root_that_is_here_already_is_accepted_and_not_doubled() -> None:
    bench = KeyringBench({"CertificateStoreMaxLength": "1"})
    assert bench.installs(ROOT.pem) == "Accepted"
    assert bench.installs(OTHER.pem) == "Accepted"
    assert bench.installs(OTHER.pem) == "Accepted"
    assert bench.lists() == [named(ROOT), named(OTHER)]
    assert len(bench.keyring.store.installed) == 1


@pytest.mark.requirement("CERT-21")
@pytest.mark.key("CertificateStoreMaxLength")
def test_the_store_of_roots_is_bounded() -> None:
    bench = KeyringBench({"CertificateStoreMaxLength": "1"})
    assert bench.installs(OTHER.pem) == "Accepted"
    assert bench.installs(MAKER.pem, MANUFACTURER) == "Rejected"
    assert bench.notes[-1] == "1 roots are installed; delete one first"
    assert bench.alarms(BAD) == []
    assert bench.deletes(named(OTHER)) == "Accepted"
    assert bench.installs(MAKER.pem, MANUFACTURER) == "Accepted"


@pytest.mark.requirement("CERT-21", "CERT-27")
def test_what_the_disk_does_not_take_has_failed() -> None:
    bench = KeyringBench()
    bench.installs(MAKER.pem)
    bench.disk_full = True
    assert bench.installs(OTHER.pem) == "Failed"
    assert bench.deletes(named(MAKER)) == "Failed"
    assert bench.notes[-1] == "the disk did not take it; all is as it was"
    assert bench.lists() == [named(ROOT), named(MAKER)]
    bench.happens(StorageChanged(WHOLE_STATION, failing=True))
    assert bench.installs(OTHER.pem) == "Failed"


@pytest.mark.key("InstallCertificateInsecurely")
@pytest.mark.parametrize(
    ("profile", "answer"),
    [(0, "Rejected"), (1, "Rejected"), (2, "Accepted"), (3, "Accepted")],
)
def test_a_link_that_anybody_can_write_on_may_install_nothing(
    profile: int, answer: str
) -> None:
    strict = KeyringBench({"InstallCertificateInsecurely": "false"}, profile=profile)
    assert strict.installs(OTHER.pem) == answer
    assert KeyringBench(profile=profile).installs(OTHER.pem) == "Accepted"
    changed = strict.asks(
        "ChangeConfiguration", key="InstallCertificateInsecurely", value="true"
    )
    assert changed == {"status": "Rejected"}


@pytest.mark.requirement("CERT-26", "CERT-27", "CERT-36")
@pytest.mark.parametrize("algorithm", HashAlgorithm)
def test_a_root_is_deleted_by_its_hashes_in_any_case(
    algorithm: HashAlgorithm, tmp_path: Path
) -> None:
    bench = on_disk(tmp_path)
    bench.installs(OTHER.pem)
    bench.waits(61)
    wanted = named(OTHER, algorithm=algorithm)
    wanted |= {name: wanted[name].upper() for name in wanted if "Hash" in name}
    wanted["serialNumber"] = "00" + wanted["serialNumber"].upper()
    assert bench.deletes(wanted) == "Accepted"
    assert bench.deletes(wanted) == "NotFound"
    assert bench.alarms(CHANGED)[-1].endswith("CN=Other,O=Example deleted")
    bench.restarts()
    assert bench.lists() == [named(ROOT)]


@pytest.mark.requirement("CERT-28")
def test_the_certificate_of_the_station_cannot_be_deleted() -> None:
    bench = KeyringBench()
    own = bench.gets_certificate()
    of_own = encode(hash_data(own.certificate, read(ROOT.pem)))
    assert bench.deletes(of_own) == "NotFound"
    assert bench.own == own


@pytest.mark.requirement("CERT-29")
def test_a_root_on_which_the_link_rests_cannot_be_deleted() -> None:
    bench = KeyringBench(file_roots=())
    bench.installs(OTHER.pem)
    bench.trusts(OTHER)
    assert bench.deletes(named(OTHER)) == "Failed"
    assert "this link rests on it" in bench.notes[-1]
    bench.trusts()
    assert bench.deletes(named(OTHER)) == "Accepted"
    assert bench.lists() == []


def test_a_root_of_the_station_file_cannot_be_deleted() -> None:
    bench = KeyringBench()
    assert bench.deletes(named(ROOT)) == "Failed"
    assert bench.notes[-1] == (
        "CN=CPO,O=Example: csms.root_files names it; change that"
    )


@pytest.mark.key("DeleteLastRootAllowed")
def test_the_last_root_may_be_kept_from_deletion() -> None:
    bench = KeyringBench({"DeleteLastRootAllowed": "false"}, file_roots=())
    bench.installs(OTHER.pem)
    bench.installs(MAKER.pem, MANUFACTURER)
    assert bench.deletes(named(MAKER)) == "Failed"
    assert bench.deletes(named(OTHER)) == "Failed"
    assert "the last CentralSystemRootCertificate" in bench.notes[-1]
    bench.installs(ROOT.pem)
    assert bench.deletes(named(OTHER)) == "Accepted"
    bench.sets(DeleteLastRootAllowed="true")
    assert bench.deletes(named(ROOT)) == "Accepted"


@pytest.mark.requirement("CERT-29")
@pytest.mark.parametrize(("profile", "answer"), [(1, "Accepted"), (2, "Failed")])
def test_the_last_root_of_a_link_over_tls_is_never_deleted(
    profile: int, answer: str
) -> None:
    bench = KeyringBench(profile=profile, file_roots=())
    bench.installs(OTHER.pem)
    # Not every Python tells on which root the link rests.
    assert bench.deletes(named(OTHER)) == answer


def test_a_root_of_two_uses_is_deleted_where_it_can_be() -> None:
    bench = KeyringBench()
    bench.installs(OTHER.pem)
    bench.installs(OTHER.pem, MANUFACTURER)
    bench.trusts(OTHER)
    assert bench.deletes(named(OTHER)) == "Accepted"
    assert bench.lists(MANUFACTURER) == []
    assert bench.deletes(named(OTHER)) == "Failed"


@pytest.mark.requirement("CERT-25", "CERT-30", "CERT-31", "CERT-32")
@pytest.mark.key("AdditionalRootCertificateCheck")
def test_a_root_is_followed_by_one_that_it_has_signed(tmp_path: Path) -> None:
    bench = on_disk(tmp_path, CHECK, file_roots=())
    assert bench.installs(OTHER.pem) == "Accepted"
    bench.trusts(OTHER)
    assert bench.installs(ROOT.pem) == "Rejected"
    assert "not signed by the installed root CN=Other,O=Example" in bench.notes[-1]
    assert bench.alarms(BAD) == [bench.notes[-1]]
    assert bench.lists() == [named(OTHER)]

    after = OTHER.issue(wish_for_ca("After"))
    assert bench.installs(after.pem) == "Accepted"
    assert bench.installs(after.pem) == "Accepted"
    both = [named(OTHER), named(after, OTHER)]
    assert bench.lists() == both
    bench.restarts()
    bench.trusts(OTHER)  # the CSMS is still vouched for by the old one
    assert bench.lists() == both
    bench.waits(61)
    bench.trusts(after)
    assert bench.lists() == [named(after, OTHER)]
    assert bench.alarms(CHANGED)[-1].endswith("CN=Other,O=Example deleted")
    bench.restarts()
    assert bench.lists() == [named(after, OTHER)]
    assert bench.deletes(named(after, OTHER)) == "Accepted"


def test_the_roots_of_the_station_file_vouch_for_the_next_one() -> None:
    bench = KeyringBench(CHECK, file_roots=(ROOT.pem + OTHER.pem,))
    assert bench.installs(MAKER.pem) == "Rejected"
    after = ROOT.issue(wish_for_ca("After"))
    assert bench.installs(after.pem) == "Accepted"
    bench.trusts(after)
    assert bench.lists() == [named(ROOT), named(OTHER), named(after, ROOT)]
    assert bench.installs(MAKER.pem, MANUFACTURER) == "Accepted"


def test_without_that_check_no_root_goes_by_itself() -> None:
    bench = KeyringBench()
    bench.installs(OTHER.pem)
    bench.installs(MAKER.pem)
    bench.trusts(MAKER)
    assert bench.lists() == [named(ROOT), named(OTHER), named(MAKER)]


def test_a_file_of_roots_that_cannot_be_read_is_told_and_passed_over() -> None:
    bench = KeyringBench(file_roots=("none", OTHER.pem))
    assert bench.lists() == [named(OTHER)]
    assert any(note.startswith("csms.root_files: PEM: no cert") for note in bench.notes)


def test_an_installed_root_that_cannot_be_read_is_told_and_passed_over(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "store.sqlite")
    sheet = {"use": str(CSMS), "pem": "none", "issuer": None}
    store.commit([SheetKept(Drawer.ROOT, "a", sheet)])
    bench = KeyringBench(store=store)
    assert bench.lists() == [named(ROOT)]
    assert any(note.startswith("installed root: PEM") for note in bench.notes)


@pytest.mark.requirement("CERT-21", "CERT-31")
def test_a_power_cut_before_any_commit_leaves_a_root_or_none(tmp_path: Path) -> None:
    after = OTHER.issue(wish_for_ca("After"))
    commits, _ = run(tmp_path / "whole.sqlite", None, after)
    assert commits > 4
    for cut in range(commits):
        _, bench = run(tmp_path / f"{cut}.sqlite", cut, after)
        bench.after = None
        known = len(bench.answers)
        bench.restarts()
        left = [root.pem for root in bench.keyring.roots(CSMS)]
        assert left in ([], [OTHER.pem], [OTHER.pem, after.pem], [after.pem])
        accepted = [each for each in bench.answers[:known] if each[2:] == [ACCEPTED]]
        assert len(accepted) <= len(left) + (left == [after.pem])
        for each in (OTHER, after):
            assert left == [after.pem] or bench.installs(each.pem) == "Accepted"
        bench.trusts(after)
        assert bench.lists() == [named(after, OTHER)]
        assert bench.store is not None
        bench.store.close()


ACCEPTED = {"status": "Accepted"}


def run(path: Path, cut: int | None, after: Issued) -> tuple[int, KeyringBench]:
    store, commits = Store(path), 0

    def commit(step: Step) -> None:
        nonlocal commits
        if step.records:
            if commits == cut:
                raise PowerCut
            store.commit(step.records)
            commits += 1

    bench = KeyringBench(CHECK, store=store, online=False, file_roots=())
    bench.after = commit
    try:
        bench.connects()
        for each in (OTHER, after):
            assert bench.installs(each.pem) == "Accepted"
            bench.trusts(each)
    except PowerCut:
        pass
    return commits, bench


def test_a_root_is_found_by_the_beginning_of_its_fingerprint() -> None:
    bench = KeyringBench()
    bench.installs(OTHER.pem)
    whole = fingerprint(OTHER)
    for prefix in (whole, whole[:12].upper(), f"{whole[:2]}:{whole[2:12]}"):
        found = bench.keyring.beginning_root(prefix)
        assert isinstance(found, Root)
        assert found.certificate.fingerprint == whole
    for nothing in ("", "no hex"):
        against = bench.keyring.beginning_root(nothing)
        assert isinstance(against, Objection)
        assert against.why is Why.NO_SUCH_CERTIFICATE
    against = bench.keyring.beginning_root(fingerprint(ROOT))
    assert isinstance(against, Objection)
    assert against.why is Why.ROOT_OF_FILE


def test_a_beginning_of_two_fingerprints_names_nobody() -> None:
    bench = KeyringBench()
    first: dict[str, Issued] = {fingerprint(ROOT)[0]: ROOT}
    while True:  # one digit has sixteen values
        another = root(f"Root {len(first)}")
        bench.installs(another.pem)
        digit = fingerprint(another)[0]
        if digit in first:
            break
        first[digit] = another
    against = bench.keyring.beginning_root(digit)
    assert isinstance(against, Objection)
    assert against.why is Why.AMBIGUOUS_CERTIFICATE
    assert against.detail.endswith("; add a digit")


@pytest.mark.requirement("CERT-35")
def test_a_root_is_tried_at_once_where_no_other_has_vouched_for_the_csms() -> None:
    bench = KeyringBench()
    bench.happens(LinkTried(True, 0))
    bench.happens(LinkTried(False, 0, "dns", "unknown host"))
    bench.installs(OTHER.pem)
    assert bench.redials == 0
    bench.happens(LinkTried(False, 0, "tls-trust", "no such root"))
    bench.happens(LinkTried(False, 0, "tcp", "no answer"))
    bench.installs(MAKER.pem, MANUFACTURER)
    assert bench.redials == 0
    bench.installs(MAKER.pem)
    assert bench.redials == 1


@pytest.mark.key("InstallCertificateInsecurely")
def test_what_somebody_brings_on_the_spot_needs_no_secure_link() -> None:
    bench = KeyringBench({"InstallCertificateInsecurely": "false"})
    now = bench.clock.now()
    judged = bench.keyring.judged_root(CSMS, OTHER.pem, now)
    assert isinstance(judged, Objection)
    assert judged.why is Why.INSECURE_LINK
    judged = bench.keyring.judged_root(CSMS, OTHER.pem, now, by_link=False)
    assert isinstance(judged, Root)
