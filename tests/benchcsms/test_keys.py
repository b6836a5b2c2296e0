"""AuthorizationKeys that the bench has changed, and the climb to profile 3."""

import asyncio
import base64
import ssl
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage, InvalidStatus
from websockets.typing import Subprotocol

from benchcsms import authority
from benchcsms.server import Csms
from benchcsms.settings import Settings, Tls
from tests.benchcsms.conftest import Station, connecting

OLD, NEW = b"0123456789abcdef", bytes.fromhex("00ff3a20c3") * 4
CHANGE = "ChangeConfiguration"


def basic(key: bytes) -> dict[str, str]:
    words = base64.b64encode(b"CP1:" + key).decode()
    return {"Authorization": f"Basic {words}"}


async def status_of(url: str, key: bytes | None, **options: object) -> int:
    headers = {} if key is None else basic(key)
    protocols = [Subprotocol("ocpp1.6")]
    opening = connect(
        f"{url}/CP1",
        subprotocols=protocols,
        proxy=None,
        additional_headers=headers,
        **options,  # type: ignore[arg-type]
    )
    try:
        async with opening:
            return 101
    except InvalidStatus as error:
        return error.response.status_code


async def changes(csms: Csms, key: bytes | None, value: str, answer: str) -> None:
    """Let the bench change the AuthorizationKey of a station that answers so."""
    since = csms.log()[-1].seq if csms.log() else 0
    headers = {} if key is None else basic(key)
    async with connecting(csms, additional_headers=headers) as socket:
        await csms.wait_for(kind="open", since=since)
        change = {"key": "authorizationKey", "value": value}
        call = asyncio.create_task(csms.call("CP1", CHANGE, change))
        station = Station(socket)
        _, id_, *_ = await station.receive()
        await station.send(3, id_, {"status": answer})
        await call


@pytest.mark.parametrize("settings", [Settings(key=OLD)])
async def test_a_new_key_is_expected_and_the_old_one_until_it_was_used(
    csms: Csms,
) -> None:
    await changes(csms, OLD, NEW.hex(), "Accepted")
    assert await status_of(csms.url, OLD) == 101
    assert await status_of(csms.url, b"neither") == 401
    assert await status_of(csms.url, NEW) == 101
    assert await status_of(csms.url, OLD) == 401
    assert await status_of(csms.url, NEW) == 101


@pytest.mark.parametrize("settings", [Settings(key=OLD)])
async def test_a_key_that_is_no_hexadecimal_is_its_characters(csms: Csms) -> None:
    await changes(csms, OLD, "plain words", "RebootRequired")
    assert await status_of(csms.url, b"plain words") == 101


@pytest.mark.parametrize("settings", [Settings(key=OLD)])
async def test_a_key_that_the_station_refused_changes_nothing(csms: Csms) -> None:
    await changes(csms, OLD, NEW.hex(), "Rejected")
    assert await status_of(csms.url, NEW) == 401
    assert await status_of(csms.url, OLD) == 101


async def test_a_station_of_profile_0_may_get_a_key(csms: Csms) -> None:
    await changes(csms, None, NEW.hex(), "Accepted")
    assert await status_of(csms.url, None) == 101
    assert await status_of(csms.url, NEW) == 101
    assert await status_of(csms.url, None) == 401


@pytest.mark.parametrize("settings", [Settings(key=OLD)])
async def test_a_raw_change_counts_too_and_no_key_is_logged(csms: Csms) -> None:
    async with connecting(csms, additional_headers=basic(OLD)) as socket:
        await csms.wait_for(kind="open")
        station, value = Station(socket), NEW.hex()
        change = f'{{"key":"AuthorizationKey","value":"{value}"}}'
        await csms.send_raw("CP1", f'[2,"7","{CHANGE}",{change}]')
        await station.receive()
        await station.send(3, "7", {"status": "Accepted"})
        await csms.wait_for(CHANGE)
    assert await status_of(csms.url, NEW) == 101
    assert value not in repr(csms.log())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    authority.make(tmp_path / "ca", "127.0.0.1", "SN-1", "Acme")
    return tmp_path / "ca"


def trusting(folder: Path, *, certified: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=folder / "root.pem")
    if certified:
        context.load_cert_chain(folder / "station.pem", folder / "station.key")
    return context


class TestBothPorts:
    @pytest.fixture
    def settings(self, folder: Path) -> Settings:
        files = Tls(folder / "bench.pem", folder / "bench.key", folder / "root.pem")
        return Settings(key=OLD, tls=files, tls_port=0)

    async def test_a_station_climbs_from_profile_1_to_3(
        self, csms: Csms, folder: Path
    ) -> None:
        plain, secure = csms.urls
        assert (csms.url, plain[:5], secure[:6]) == (plain, "ws://", "wss://")
        alone, certified = (trusting(folder, certified=each) for each in (False, True))
        assert await status_of(plain, OLD) == 101
        assert await status_of(plain, None) == 401
        assert await status_of(secure, OLD, ssl=alone) == 101
        assert await status_of(secure, NEW, ssl=alone) == 401
        assert await status_of(secure, None, ssl=alone) == 401
        assert await status_of(secure, None, ssl=certified) == 101


class TestBothPortsWithoutKey:
    @pytest.fixture
    def settings(self, folder: Path) -> Settings:
        files = Tls(folder / "bench.pem", folder / "bench.key", folder / "root.pem")
        return Settings(tls=files, tls_port=0)

    async def test_over_tls_everybody_proves_who_it_is(
        self, csms: Csms, folder: Path
    ) -> None:
        plain, secure = csms.urls
        alone, certified = (trusting(folder, certified=each) for each in (False, True))
        assert await status_of(plain, None) == 101
        assert await status_of(secure, None, ssl=alone) == 401
        assert await status_of(secure, None, ssl=certified) == 101
        await changes(csms, None, NEW.hex(), "Accepted")
        assert await status_of(secure, None, ssl=alone) == 401
        assert await status_of(secure, NEW, ssl=alone) == 101


class TestCommonName:
    @pytest.fixture(params=["SN-1", "SN-2"])
    def name(self, request: pytest.FixtureRequest) -> str:
        name: str = request.param
        return name

    @pytest.fixture
    def settings(self, folder: Path, name: str) -> Settings:
        files = Tls(folder / "bench.pem", folder / "bench.key", folder / "root.pem")
        return Settings(tls=files, common_names={"CP1": name, "CP2": "other"})

    async def test_a_certificate_of_another_station_is_refused(
        self, csms: Csms, folder: Path, name: str
    ) -> None:
        certified = trusting(folder, certified=True)
        status = await status_of(csms.url, None, ssl=certified)
        assert status == (101 if name == "SN-1" else 401)


class TestProfile3Alone:
    @pytest.fixture
    def settings(self, folder: Path) -> Settings:
        files = Tls(folder / "bench.pem", folder / "bench.key", folder / "root.pem")
        return Settings(tls=files)

    async def test_nobody_comes_in_without_certificate(
        self, csms: Csms, folder: Path
    ) -> None:
        assert csms.urls == [csms.url]
        certified = trusting(folder, certified=True)
        assert await status_of(csms.url, None, ssl=certified) == 101
        with pytest.raises((OSError, InvalidMessage)):
            await status_of(csms.url, None, ssl=trusting(folder, certified=False))
