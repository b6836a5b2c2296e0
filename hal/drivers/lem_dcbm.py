"""LEM DCBM 400/600, a DC billing meter that signs transactions, by HTTP.

Manual: LEM, "DCBM 400/600 communication protocols". The meter's own rules: a
transaction lasts two minutes at the least and 48 hours at the most, and is only opened
if the meter's clock was set within 48 hours; settings are taken neither in a
transaction nor in the first two minutes after the meter was switched on.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hal.bounds import check_word
from hal.errors import BadAnswer, HardwareError, NoAnswer, Unconfirmed
from hal.resources import Place
from hal.transport.http import HttpAnswer, HttpClient, HttpSettings, open_http
from hal.values import MeterReading
from hal.wire import dcbm, meter
from hal.wire.dcbm import Status

_DONE_WITHIN_S: Final = 2.0
_SET_EVERY_S: Final = 3600.0
_SET_AGAIN_S: Final = 60.0
_SHORTEST: Final = "it closes no transaction before two minutes: ask again then"
_OPENS: Final = "it opens none unless its clock was set in the last 48 hours"
_LATER: Final = "ask again later"
_MODEL: Final = "check that it is a DCBM"


@dataclass(frozen=True, slots=True)
class Config(HttpSettings):
    """Where the meter is, and what it signs besides the energy."""

    evse: str = ""
    """How the signed record calls the connector; empty: by its number."""
    identification: str = ""
    """Of what kind the id tags are, as OCMF calls it; empty: as the meter is set."""

    def __post_init__(self) -> None:
        """Refuse what the meter would."""
        HttpSettings.__post_init__(self)
        if self.identification:
            kinds = dcbm.IDENTIFICATION_TYPES
            check_word("identification", self.identification, kinds)


class Meter:
    """One meter. What it is, is asked at first and again after a silence."""

    def __init__(self, client: HttpClient, config: Config, place: Place) -> None:
        self._client = client
        self._where = client.where
        self._monotonic = place.resources.monotonic
        self._evse = config.evse or str(place.connector)
        self._settings = _settings(config, place.resources.utc)
        self._status: Status | None = None
        self._set_next_s = self._monotonic()

    async def read(self) -> MeterReading:
        status = self._status or await self._look()
        body = await self._told(f"{status.root}/livemeasure")
        at_s = self._monotonic()
        live = dcbm.live(body, self._where)
        await self._keep_set()
        return meter.reading(
            self._where,
            at_s,
            energy_wh=live.import_wh,
            energy_export_wh=live.export_wh,
            voltage_v=live.voltage_v,
            current_a=live.current_a,
            power_w=live.power_w,
            serial=status.meter,
        )

    async def begin(self, transaction: str, identification: str) -> bytes | None:
        async with self._confirmed("opened"):
            present = await self._present()
            if present == transaction:
                return None
            if present is not None:
                await self._close(present)
            path = f"{await self._root()}/legal"
            body = dcbm.beginning(transaction, identification, self._evse)
            answer = await self._ask("POST", path, body)
            if answer.status != dcbm.CREATED or not dcbm.runs(answer.body, self._where):
                raise Unconfirmed(self._refused("opens no transaction", answer, _OPENS))
        return None

    async def end(self, transaction: str) -> bytes | None:
        async with self._confirmed("closed and signed"):
            if await self._present() == transaction:
                await self._close(transaction)
            path = await self._root() + dcbm.path_of("ocmf", transaction)
            answer = await self._ask("GET", path)
            if answer.status in dcbm.UNKNOWN:
                return None
            if answer.status != dcbm.OK:
                raise Unconfirmed(self._refused("gives no record", answer, _LATER))
            return dcbm.record(answer.body, self._where)

    async def _close(self, transaction: str) -> None:
        path = await self._root() + dcbm.path_of("legal", transaction)
        answer = await self._ask("PUT", path, dcbm.END)
        if answer.status != dcbm.OK or not dcbm.closed(answer.body, self._where):
            raise Unconfirmed(self._refused("closes nothing", answer, _SHORTEST))

    async def _present(self) -> str | None:
        """Return the name of the transaction that is open."""
        status = await self._look()
        if not status.under_way:
            return None
        return dcbm.present(await self._told(f"{status.root}/legal"), self._where)

    async def _root(self) -> str:
        return (self._status or await self._look()).root

    async def _look(self) -> Status:
        self._status = dcbm.status(await self._told(dcbm.STATUS), self._where)
        return self._status

    async def _keep_set(self) -> None:
        """Set the clock and what else is to be set, if it is time and no charge."""
        if not self._settings or self._monotonic() < self._set_next_s:
            return
        self._set_next_s = self._monotonic() + _SET_AGAIN_S
        try:
            if (await self._look()).under_way:
                return
            for setting in self._settings:
                answer = await self._ask("PUT", dcbm.SETTINGS, setting())
                taken = answer.status == dcbm.OK
                if not taken or not dcbm.accepted(answer.body, self._where):
                    return
        except HardwareError:
            # The reading is had, and what is not set now is set later.
            return
        self._set_next_s = self._monotonic() + _SET_EVERY_S

    async def _told(self, path: str) -> bytes:
        answer = await self._ask("GET", path)
        if answer.status != dcbm.OK:
            raise BadAnswer(self._refused(f"refuses {path}", answer, _MODEL))
        return answer.body

    async def _ask(self, method: str, path: str, body: bytes = b"") -> HttpAnswer:
        try:
            return await self._client.ask(method, path, body)
        except NoAnswer:
            # It may be another meter that answers next.
            self._status = None
            raise

    @asynccontextmanager
    async def _confirmed(self, what: str) -> AsyncIterator[None]:
        """Give what is done in the block the time that there is."""
        try:
            async with asyncio.timeout(_DONE_WITHIN_S):
                yield
        except (TimeoutError, NoAnswer) as error:
            raise Unconfirmed(
                f"{self._where}: has not {what} the transaction within "
                f"{_DONE_WITHIN_S:.0f} s; check its supply and its cable"
            ) from error

    def _refused(self, what: str, answer: HttpAnswer, remedy: str) -> str:
        told = f"{answer.status}, {dcbm.reason(answer.body)}"
        return f"{self._where}: {what} ({told}); {remedy}"


def _settings(
    config: Config, utc: Callable[[], datetime] | None
) -> tuple[Callable[[], bytes], ...]:
    found: list[Callable[[], bytes]] = []
    if config.identification:
        kind = dcbm.identification_type(config.identification)
        found.append(lambda: kind)
    if utc is not None:
        found.append(lambda: dcbm.clock(utc()))
    return tuple(found)


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[Meter]:
    """Make ready; the meter is asked for only when it is read.

    Raises:
        HardwareError: The certificate cannot be read.
    """
    async with open_http(config) as client:
        yield Meter(client, config, place)
