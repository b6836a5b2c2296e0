"""The station file becomes open devices, a charge point and a link."""

import asyncio
from pathlib import Path

import pytest

from chargerd import assembly, config, link_files
from chargerd.assembly import (
    charge_point_of,
    fittings_of,
    identity_of,
    opened,
    plan,
)
from chargerd.config import NEEDED
from chargerd.core.effects import TransactionStarted
from chargerd.core.events import Sensed
from chargerd.core.firmware_events import Rebooted
from chargerd.core.policy import Policy
from chargerd.core.reasons import Cause
from chargerd.forms import ConfigError
from chargerd.link_files import filed, link_settings, read_key
from chargerd.ocpp16.records import KeyKept
from chargerd.ocpp16.upkeep import Given, Upkeep
from chargerd.sections import Settings
from chargerd.store.database import Store
from hal.resources import Place, Resources
from hal.values import MeterReading, Position
from hal.world.site import world_of
from tests import authority
from tests.authority import pem_of
from tests.clock import FakeClock
from tests.hal.virtual_time import instantly

STARTED = Rebooted("1", slot_marked=True)
STATION = """
[station]
identity = "DC-1"
vendor = "v"
model = "m"
[csms]
url = "ws://csms.example/ocpp"
security_profile = 1
[safety]
driver = "mock"
[reader]
driver = "mock"
[[connector]]
name = "left"
driver = "mock"
max_power_w = 50000
[[connector]]
driver = "mock"
cable = "socket"
[connector.reader]
driver = "mock"
"""


def settings(folder: Path, text: str = STATION) -> Settings:
    file = folder / "station.toml"
    file.write_text(text)
    return config.load(file)


@instantly
async def test_every_device_is_opened_where_it_belongs_and_closed_at_the_end(
    tmp_path: Path,
) -> None:
    shared = Resources(asyncio.get_running_loop().time)
    async with opened(plan(settings(tmp_path)), shared) as devices:
        assert devices.simulation is None
        assert devices.station.supply is None
        assert set(devices.connectors) == {1, 2}
        assert devices.connectors[1].lock is None
        assert devices.connectors[2].lock is not None
        assert devices.connectors[1].reader is None
        assert devices.connectors[2].reader is not None
        assert (0, "safety") in devices.drivers
        outlet = (await world_of(Place(0, shared))).outlet(1)
        await devices.connectors[1].contactor.close()
        assert outlet.position is Position.CLOSED
    assert outlet.position is not Position.CLOSED


@instantly
async def test_a_connector_knows_what_it_is_made_of(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    shared = Resources(asyncio.get_running_loop().time)
    async with opened(plan(chosen), shared) as devices:
        fittings = fittings_of(chosen, devices)
        assert fittings[1].limit_w == 50_000
        assert fittings[2].limit_w is None
        assert not fittings[1].own_reader
        assert fittings[2].own_reader
        assert {"safety", *NEEDED} <= fittings[1].fitted
        assert "lock" not in fittings[1].fitted
        assert "lock" in fittings[2].fitted

        identity = identity_of(chosen, devices, "1.2", FakeClock())
        assert identity.names == {1: "left", 2: "ccs2"}
        assert (identity.hardware, identity.simulated) == ("mock", False)


def test_the_link_is_what_the_file_says(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    at_first = filed(chosen)
    clock = FakeClock()
    given = Given(started=STARTED, new_id=lambda: "id", policy=Policy, filed=at_first)
    link = link_settings(chosen, Upkeep({}, given), clock.now())
    assert link.address == "ws://csms.example/ocpp/DC-1"
    assert link.security_profile == 1


def test_a_profile_can_be_raised_where_the_files_make_tls(tmp_path: Path) -> None:
    own = authority.root()
    for name, content in (
        ("root", own.pem),
        ("key", pem_of(own.key).decode()),
        ("token", authority.REFERENCE),
    ):
        (tmp_path / name).write_text(content)
    roots = f'root_files = ["{tmp_path}/root"]\n'
    station = f'certificate_file = "{tmp_path}/root"\nprivate_key_file = "{tmp_path}/'
    found = []
    for lines in (
        "",
        f'root_files = ["{tmp_path}/missing"]\n',
        roots,
        f'{roots}{station}root"\n',
        f'{roots}{station}key"\n',
        f'{roots}{station}token"\n',
    ):
        text = STATION.replace("[safety]", f"{lines}[safety]")
        link = filed(settings(tmp_path, text))
        assert link.certificate == (own.pem if "certificate_file" in lines else "")
        found.append((link.roots, link.own, link.in_hardware))
    assert found == [
        (False, False, False),
        (False, False, False),
        (True, False, False),
        (True, False, False),
        (True, True, False),
        (True, False, True),
    ]


def test_a_certificate_that_is_no_text_is_left_to_the_dial(tmp_path: Path) -> None:
    file = tmp_path / "der"
    file.write_bytes(b"\x30\x82\xff")
    for name in (file, tmp_path / "missing"):
        lines = f'certificate_file = "{name}"\n'
        text = STATION.replace("[safety]", f"{lines}[safety]")
        assert filed(settings(tmp_path, text)).certificate == ""


@pytest.mark.parametrize(
    ("boot_ids", "cause"),
    [(("a", "a"), Cause.RESTART), (("a", "b"), Cause.POWER_LOSS)],
)
@instantly
async def test_an_interrupted_transaction_ends_for_the_true_reason(
    tmp_path: Path, boot_ids: tuple[str, str], cause: Cause
) -> None:
    chosen, clock = settings(tmp_path), FakeClock()
    disk = Store(tmp_path / "chargerd.db")
    shared = Resources(asyncio.get_running_loop().time)
    async with opened(plan(chosen), shared) as devices:
        fittings = fittings_of(chosen, devices)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARGERD_BOOT_ID", boot_ids[0])
        charge_point_of(chosen, disk, clock, fittings, STARTED)
        at = clock.now().utc
        disk.commit([TransactionStarted("key", 1, "04A224B2", None, at, 1000)])

        patch.setenv("CHARGERD_BOOT_ID", boot_ids[1])
        point = charge_point_of(chosen, disk, clock, fittings, STARTED)
        reading = MeterReading(
            at_s=0.0, energy_wh=1000, power_w=0.0, voltage_v=0.0, current_a=0.0
        )
        step = point.apply(Sensed(1, reading), clock.now())
        ended = [r for r in step.records if hasattr(r, "cause")]
        assert [record.cause for record in ended] == [cause]
        assert point.configuration.values["SecurityProfile"] == "1"
    disk.close()


@pytest.mark.key("UnlockConnectorOnEVSideDisconnect")
@pytest.mark.parametrize(
    ("cable", "frees"), [("socket", True), ("socket", False), ("fixed", True)]
)
def test_only_a_socket_can_be_told_to_free_its_cable(
    tmp_path: Path, cable: str, frees: bool
) -> None:
    wish = f'unlock_on_disconnect = {str(frees).lower()}\nvendor = "v"'
    text = STATION.replace('vendor = "v"', wish).replace("socket", cable)
    disk = Store(tmp_path / "chargerd.db")
    point = charge_point_of(settings(tmp_path, text), disk, FakeClock(), {}, STARTED)
    disk.close()
    assert point.station.policy.unlock_on_unplug is (frees and cable == "socket")


HEX = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (HEX.encode(), bytes.fromhex(HEX)),
        (b"sixteen-letters-", b"sixteen-letters-"),
        (b"\xff\xfe", b"\xff\xfe"),
    ],
)
def test_a_password_of_hex_digits_means_bytes(text: bytes, key: bytes) -> None:
    assert read_key(text) == key


def test_the_password_is_the_newest_of_csms_file_and_credential(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    file, credential = tmp_path / "key", tmp_path / link_files.CREDENTIAL
    line = f'authorization_key_file = "{file}"\n[safety]'
    chosen = settings(tmp_path, STATION.replace("[safety]", line))
    disk, clock = Store(tmp_path / "chargerd.db"), FakeClock()

    def password() -> bytes | None:
        point = charge_point_of(chosen, disk, clock, {}, STARTED)
        return link_settings(chosen, point.upkeep, clock.now()).key

    assert password() is None
    credential.write_text("from-the-credential\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert password() == b"from-the-credential"
    file.write_text("from-the-file-itself\n")
    assert password() == b"from-the-file-itself"
    disk.commit([KeyKept("AuthorizationKey", HEX, "csms")])
    assert password() == bytes.fromhex(HEX)
    disk.close()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file or directory; name a file that can be read"),
        (b"short", "holds 5 bytes; write 32 to 40 hex digits or 16 to 20 plain"),
    ],
)
def test_a_password_file_that_cannot_serve_is_a_mistake_of_the_station_file(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    line = f'authorization_key_file = "{file}"\n[safety]'
    chosen = settings(tmp_path, STATION.replace("[safety]", line))
    with pytest.raises(ConfigError, match="csms.authorization_key_file") as caught:
        assembly.plan(chosen)
    assert said in str(caught.value)


def test_roots_of_file_servers_that_cannot_be_read_are_a_mistake(
    tmp_path: Path,
) -> None:
    (tmp_path / "der").write_bytes(b"\x30\x82\xff")
    for name, words in (("missing", "No such file"), ("der", "utf-8")):
        more = f'[files]\nroot_files = ["{tmp_path}/{name}"]\n'
        with pytest.raises(ConfigError) as raised:
            plan(settings(tmp_path, STATION + more))
        (mistake,) = raised.value.mistakes
        assert "files.root_files" in mistake
        assert words in mistake
        assert mistake.endswith("name files in PEM")
