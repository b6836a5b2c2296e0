"""Firmware that its maker has signed: who is believed, what the CSMS is told."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import ExtendedKeyUsage
from cryptography.x509.oid import ExtendedKeyUsageOID

from chargerd.core import firmware_effects as wishes
from chargerd.core import firmware_events as events
from tests import authority
from tests.authority import DAY, Issued, Wish, distinguished
from tests.scenarios.csms import Json
from tests.scenarios.keyring_bench import MANUFACTURER, KeyringBench, on_disk
from tests.scenarios.workshop import Workshop, told

STATUS = "SignedFirmwareStatusNotification"
WHOLE = [
    "Downloading",
    "Downloaded",
    "SignatureVerified",
    "Installing",
    "InstallRebooting",
    "Installed",
]
MAKER = authority.root("Maker")
BAD_SIGNER = "InvalidFirmwareSigningCertificate"


def signer(bench: KeyringBench, issuer: Issued = MAKER, **wish: Any) -> Issued:
    now = bench.clock.now().utc
    life = {"not_before": now - DAY, "not_after": now + 30 * DAY}
    fields = {"name": distinguished("Signer"), **life, **wish}
    return issuer.issue(Wish(**fields))


def believing(folder: Path) -> KeyringBench:
    """Return a station on which the maker's root is installed."""
    bench = on_disk(folder)
    assert bench.installs(MAKER.pem, MANUFACTURER) == "Accepted"
    return bench


def wants(bench: KeyringBench, by: Issued | str | None = None, **more: Any) -> str:
    """Let the CSMS want signed firmware; return how that is answered."""
    by = by or signer(bench)
    firmware: Json = {
        "location": "https://example.org/fw",
        "retrieveDateTime": "2020-01-01T00:00:00Z",
        "signingCertificate": by if isinstance(by, str) else by.pem,
        "signature": "AAAA",
        **more.pop("firmware", {}),
    }
    asked = {"requestId": 17, "firmware": firmware, **more}
    return str(bench.asks("SignedUpdateFirmware", **asked)["status"])


@pytest.mark.requirement("SFW-01", "SFW-06", "SFW-08", "SFW-15", "SFW-16")
def test_every_step_is_told_with_the_number_of_the_request(tmp_path: Path) -> None:
    bench = believing(tmp_path)
    assert wants(bench) == "Accepted"
    Workshop(bench).updates()
    bench.waits(1)

    assert told(bench, STATUS) == WHOLE
    assert {each["requestId"] for each in bench.told(STATUS)} == {17}
    assert not told(bench, "FirmwareStatusNotification")
    assert bench.told("BootNotification")[-1]["firmwareVersion"] == "2.0"
    assert bench.statuses()[-1] == "Available"
    assert bench.alarms("FirmwareUpdated") == ["2.0 after 1.0"]


@pytest.mark.requirement("SFW-09", "SFW-12")
def test_what_waits_for_its_time_says_so(tmp_path: Path) -> None:
    bench = believing(tmp_path)
    now = bench.clock.now().utc
    hour = timedelta(hours=1)
    times = {
        "retrieveDateTime": (now + hour).isoformat(),
        "installDateTime": (now + 2 * hour).isoformat(),
    }
    assert wants(bench, firmware=times) == "Accepted"
    workshop = Workshop(bench)
    workshop.works()
    assert told(bench, STATUS) == ["DownloadScheduled"]
    bench.waits(3601)
    workshop.works()
    assert told(bench, STATUS)[1:] == [
        "Downloading",
        "Downloaded",
        "SignatureVerified",
        "InstallScheduled",
    ]
    assert bench.statuses()[-1] == "Available"
    bench.waits(3601)
    workshop.updates()
    assert told(bench, STATUS)[5:] == ["Installing", "InstallRebooting", "Installed"]


def _self_signed(bench: KeyringBench) -> str:
    return authority.root("Signer").pem


def _stranger(bench: KeyringBench) -> str:
    return signer(bench, authority.root("Stranger")).pem


def _expired(bench: KeyringBench) -> str:
    now = bench.clock.now().utc
    return signer(bench, not_before=now - 9 * DAY, not_after=now - DAY).pem


def _early(bench: KeyringBench) -> str:
    return signer(bench, not_before=bench.clock.now().utc + DAY).pem


def _for_servers(bench: KeyringBench) -> str:
    usage = ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return signer(bench, extensions=(usage,)).pem


@pytest.mark.requirement("SFW-02")
@pytest.mark.parametrize(
    "made", [_self_signed, _stranger, _expired, _early, _for_servers]
)
def test_who_cannot_be_believed_starts_nothing_and_the_csms_is_warned(
    made: Any, tmp_path: Path
) -> None:
    bench = believing(tmp_path)
    assert wants(bench, made(bench)) == "InvalidCertificate"
    assert not bench.to_do
    assert not told(bench, STATUS)
    assert len(bench.alarms(BAD_SIGNER)) == 1
    assert str(bench.charge_point.station.refusals[-1][1].why) == "BAD_CERTIFICATE"


def test_what_is_no_certificate_is_not_believed(tmp_path: Path) -> None:
    assert wants(believing(tmp_path), "no certificate") == "InvalidCertificate"


@pytest.mark.requirement("SFW-04")
def test_without_the_makers_root_nothing_is_signed(tmp_path: Path) -> None:
    assert wants(on_disk(tmp_path)) == "InvalidCertificate"


@pytest.mark.requirement("SFW-05")
def test_a_new_request_takes_the_place_of_one_that_can_be_given_up(
    tmp_path: Path,
) -> None:
    bench = believing(tmp_path)
    wants(bench)
    assert wants(bench, requestId=18) == "AcceptedCanceled"
    Workshop(bench, silent=frozenset({wishes.Install})).works()
    assert wants(bench, requestId=19) == "Rejected"
    numbers = [each["requestId"] for each in bench.told(STATUS)]
    assert numbers == [17, 18, 18, 18, 18]


@pytest.mark.requirement("SFW-05")
def test_who_cannot_be_believed_cancels_nothing(tmp_path: Path) -> None:
    bench = believing(tmp_path)
    wants(bench)
    assert wants(bench, _stranger(bench), requestId=18) == "InvalidCertificate"
    Workshop(bench).updates()
    assert told(bench, STATUS) == WHOLE


@pytest.mark.requirement("SFW-07", "SFW-11")
@pytest.mark.parametrize(("of_certificate", "alarm"), [(False, ""), (True, BAD_SIGNER)])
def test_a_bad_signature_ends_it_and_the_csms_is_warned(
    of_certificate: bool, alarm: str, tmp_path: Path
) -> None:
    bench = believing(tmp_path)
    wants(bench)
    job = bench.charge_point.upkeep.updates.job.id
    bad = events.SignatureBad(job, "not of this file", certificate=of_certificate)
    Workshop(bench, {wishes.Verify: bad}).works()
    assert told(bench, STATUS)[-1] == "InvalidSignature"
    assert len(bench.alarms(alarm or "InvalidFirmwareSignature")) == 1


@pytest.mark.requirement("XTRG-02", "SFW-17")
def test_the_last_word_is_repeated_when_the_csms_asks(tmp_path: Path) -> None:
    bench = believing(tmp_path)

    def asked() -> Json:
        assert bench.triggers("FirmwareStatusNotification") == "Accepted"
        return bench.told(STATUS)[-1]

    assert asked() == {"status": "Idle"}
    wants(bench, retries=0)
    assert asked() == {"status": "Downloading", "requestId": 17}
    job = bench.charge_point.upkeep.updates.job.id
    Workshop(bench, {wishes.Download: events.DownloadFailed(job, "no")}).works()
    assert asked() == {"status": "DownloadFailed", "requestId": 17}
    wants(bench, requestId=18)
    Workshop(bench).updates()
    assert asked() == {"status": "Idle"}
    plain = {"requestedMessage": "FirmwareStatusNotification"}
    bench.asks("TriggerMessage", **plain)
    assert told(bench, "FirmwareStatusNotification") == ["Idle"]
