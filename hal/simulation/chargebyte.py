"""Twin of chargebyte's safety controller, to the byte, at one simulated connector.

It drives the connector's contactors, watches pilot, plug temperature and emergency
inputs, and keeps the board's own rules: nothing closes unless the host says so every
100 ms, the pilot is in state C and nothing is wrong; whatever is wrong leads to a safe
state that only a reset ends.
"""

import asyncio
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Final

from hal.simulation.mischief import Mischief
from hal.simulation.pilot import LETTERS
from hal.simulation.ports import PseudoTerminal
from hal.values import Position
from hal.wire.chargebyte import (
    ChargeControl,
    Frame,
    Packet,
    Pt1000,
    Stream,
    Version,
    encode_temperatures,
    sealed,
)
from hal.wire.chargebyte_state import (
    ChargeState,
    Contact,
    Input,
    Pilot,
    layout_of,
)
from hal.world.outlet import Outlet
from hal.world.site import World

PERIOD_S: Final = 0.1
TICK_S: Final = 0.02
COM_TIMEOUT_S: Final = 0.5
"""The limit of the real one is not published; it wants a message every 100 ms."""
FOLLOWS_WITHIN_S: Final = 0.2
TOO_HOT_C: Final = 90.0
FIRMWARE: Final = Version(0, 3, 1)

_COM_TIMEOUT, _OVER_TEMPERATURE, _NO_CONTACT, _INPUT = 2, 7, 15, 16
_PLUG_FAULT_C: Final = 95.0
_CONTACTS: Final = {
    Position.OPEN: Contact.OPEN,
    Position.CLOSED: Contact.CLOSED,
    Position.BETWEEN: Contact.UNDEFINED,
}
_WIRED: Final = ("emergency-stop", "door-open", "surge-protector")
"""Which fault of the station trips which emergency input, in their order."""
_POLES: Final = frozenset({1, 2})


class ChargebyteTwin:
    """The board of one connector, at the far end of a serial port."""

    def __init__(
        self,
        world: World,
        outlet: Outlet,
        path: Path,
        *,
        version: Version = FIRMWARE,
        letter: Callable[[], str] | None = None,
    ) -> None:
        """Put the board at ``path``.

        Args:
            world: Where it stands.
            outlet: The connector that it serves.
            path: What the port shall be called.
            version: Of its firmware.
            letter: What makes the state of the pilot, if not the connector's car.
        """
        self.terminal = PseudoTerminal(path, self._hear)
        self._world = world
        self._outlet = outlet
        self._version = version
        self._layout = layout_of(version)
        self._letter = letter or (lambda: LETTERS[outlet.controller.phase])
        self._mischief = Mischief(world, "board", outlet.number)
        world.faults.offer(["board-frozen"])
        self._stream = Stream()
        self._coils = False
        self.reset()

    @property
    def safe(self) -> bool:
        """Whether it is in its safe state."""
        return self._reason > 0

    def reset(self) -> None:
        """Begin anew, as the reset line makes it: all open, nothing said."""
        self._control = ChargeControl(None)
        self._heard_s = inf
        self._running = False
        self._reason = 0
        self._unlike_since_s = inf
        self._said: tuple[Frame, ...] = ()
        self._switch(False)

    async def run(self) -> None:
        """Be there, until cancelled."""
        says_s = -inf
        while True:
            now_s = self._world.catch_up(self._outlet)
            self._watch(now_s)
            if now_s - says_s >= PERIOD_S:
                says_s = now_s
                self._say_all()
            await asyncio.sleep(TICK_S)

    def _hear(self, data: bytes) -> None:
        for frame in self._stream.cut(data):
            if frame.packet == Packet.CHARGE_CONTROL:
                self._control = ChargeControl.decode(frame.data)
                self._heard_s = self._world.catch_up(self._outlet)
                self._running = True
                self._watch(self._heard_s)
            elif frame.packet == Packet.INQUIRY:
                self._answer(frame.data[0])

    def _answer(self, packet: int) -> None:
        if packet == Packet.FIRMWARE_VERSION:
            self._send(Frame(packet, self._version.encode()))

    def _watch(self, now_s: float) -> None:
        """Close or open, and look whether all is well."""
        if not self._running:
            return
        self._reason = self._reason or self._wrong(now_s)
        closes = self._control.close >= _POLES and self._pilot() is Pilot.C
        self._switch(closes and not self._reason)

    def _wrong(self, now_s: float) -> int:
        if now_s - self._heard_s > COM_TIMEOUT_S:
            return _COM_TIMEOUT
        for place, tripped in enumerate(self._inputs()):
            if tripped:
                return _INPUT + place
        if self._temperature_c() > TOO_HOT_C:
            return _OVER_TEMPERATURE
        return _NO_CONTACT if self._unlike(now_s) else 0

    def _unlike(self, now_s: float) -> bool:
        """Tell whether the contacts have not followed their coils for too long."""
        coils = self._control.close >= _POLES and self._pilot() is Pilot.C
        wanted = Position.CLOSED if coils else Position.OPEN
        if self._outlet.position is wanted:
            self._unlike_since_s = inf
        elif self._unlike_since_s == inf:
            self._unlike_since_s = now_s
        return now_s - self._unlike_since_s > FOLLOWS_WITHIN_S

    def _switch(self, coils: bool) -> None:
        if coils is not self._coils:
            self._coils = coils
            self._outlet.contacts.energize(coils, self._world.catch_up(self._outlet))
            self._world.change(self._outlet)

    def _pilot(self) -> Pilot:
        return Pilot.F if self._reason else Pilot[self._letter()]

    def _inputs(self) -> tuple[bool, ...]:
        return tuple(self._world.faults.has(name) for name in _WIRED)

    def _temperature_c(self) -> float:
        if self._world.faults.has("plug-over-temperature", self._outlet.number):
            return _PLUG_FAULT_C
        return self._world.settings.ambient_c + self._outlet.plug_warmth_k

    def _say_all(self) -> None:
        if not self._running:
            return
        if not self._world.faults.has("board-frozen", self._outlet.number):
            self._said = (
                Frame(Packet.CHARGE_STATE, self._state().encode(self._layout)),
                Frame(Packet.PT1000_STATE, encode_temperatures(self._sensors())),
            )
        for frame in self._said:
            self._send(frame)

    def _state(self) -> ChargeState:
        contact = _CONTACTS[self._outlet.position]
        if self._reason == _NO_CONTACT and self._layout.with_error:
            contact = Contact.FAULTY
        one, two, three = self._inputs()
        pilot = self._pilot()
        return ChargeState(
            pilot=pilot,
            contacts=(contact, contact, Contact.UNUSED)[: self._layout.contactors],
            duty_percent=None if self._reason else self._control.duty_percent,
            inputs=(Input(one), Input(two), Input(three)),
            reason=self._reason,
            hv_ready=pilot is Pilot.C,
        )

    def _sensors(self) -> tuple[Pt1000, ...]:
        temperature_c = self._temperature_c()
        used = Pt1000(temperature_c, too_hot=temperature_c > TOO_HOT_C)
        return (used, used, Pt1000(None), Pt1000(None))

    def _send(self, frame: Frame) -> None:
        outgoing = self._mischief.bent(sealed(frame))
        if outgoing is None:
            return
        if outgoing.delay_s:
            loop = asyncio.get_running_loop()
            loop.call_later(outgoing.delay_s, self.terminal.send, outgoing.octets)
        else:
            self.terminal.send(outgoing.octets)
