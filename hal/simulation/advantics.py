"""Twin of an ADVANTICS CCS controller with EVSE Generic v3: the world's, as frames.

The world's controller walks the session with its car; the twin says so every 100 ms,
hears the station, and keeps the rules that are the device's own: it holds a session
until the flags let it go on, breaks off for bad insulation, and opens its interlock
when it has broken off.
"""

import asyncio
from collections.abc import Iterator, Mapping
from math import inf
from typing import Final

from hal.errors import BadAnswer
from hal.simulation.advantics_words import FUNCTIONS, asked, at_turn, of_car
from hal.simulation.can_adapter import CanAdapter
from hal.simulation.mischief import Kind, Mischief
from hal.simulation.pilot import LETTERS
from hal.values import POWERED, StationReport, VehiclePhase, VehicleReading
from hal.wire.advantics import (
    Function,
    Message,
    Origin,
    PowerModulesStatus,
    PowerParameters,
    SequenceControl,
    State,
    identifier,
)
from hal.wire.advantics_vehicle import (
    ExtraInformation,
    Pilot,
)
from hal.wire.frame import Frame
from hal.world.outlet import Outlet
from hal.world.site import World

PERIOD_S: Final = 0.1
CLOSING_S: Final = 0.3
"""How long it closes the communication; the real one takes some seconds."""
OWN_LIMITS: Final = PowerParameters(1000.0, 500.0)
"""What its configuration file offers to vehicles until the station says less."""

_SLOWLY: Final = 10  # of the periods: what is due once a second
_OHM_PER_V: Final = 100.0
_DATA_BYTES: Final = 8
_ISO_15118_2_COMBO: Final = bytes((2, 1))
_ALLOWED_DUTY, _REFUSED_DUTY = 5.0, 100.0
_P = VehiclePhase

_STATES: Final[Mapping[VehiclePhase, State]] = {
    _P.NEGOTIATING: State.NEGOTIATING_CONNECTION,
    _P.CABLE_CHECK: State.INSULATION_TEST,
    _P.PRECHARGE: State.PRECHARGE,
    _P.READY: State.WAITING_FOR_CHARGE,
    _P.CHARGING: State.CHARGING,
    _P.PAUSED: State.CHARGE_PAUSE,
    _P.ENDING: State.ENDING_CHARGE,
    _P.WELDING_CHECK: State.WELDING_DETECTION,
}
_ENDED: Final = frozenset({_P.FINISHED, _P.EMERGENCY})
_FULL_INFO: Final = frozenset(_STATES.values()) | {State.CONNECTED_WITH_FULL_INFO}


class AdvanticsTwin:
    """The controller of one connector, on a bus."""

    def __init__(
        self, world: World, outlet: Outlet, adapter: CanAdapter, index: int
    ) -> None:
        """Sit down at the bus; nothing is said before ``run``."""
        self._world = world
        self._outlet = outlet
        self._controller = outlet.controller
        self._adapter = adapter
        self._index = index
        self._mischief = Mischief(world, "vehicle", outlet.number, lambda data: data)
        world.faults.offer(["vehicle-frozen", "vehicle-emergency"])
        self._flags = SequenceControl()
        self._allowed = False
        self._limits = OWN_LIMITS
        self._enabled = False
        self._state = State.INITIALISING
        self._ended = False
        self._closing_until_s = -inf
        self._told: dict[Message, bytes] = {}
        self._ticks = 0
        self._said: list[Frame] = []

    async def run(self) -> None:
        """Be there, until cancelled."""
        self._adapter.attach(self.hear)
        try:
            while True:
                self.tick()
                await asyncio.sleep(PERIOD_S)
        finally:
            self._adapter.detach(self.hear)

    def hear(self, frame: Frame) -> None:
        """Take what the station says; what makes no sense is passed over."""
        if self._mischief.does(Kind.SILENT):
            return
        for message, take in (
            (Message.POWER_MODULES_STATUS, self._hear_status),
            (Message.DC_POWER_PARAMETERS, self._hear_limits),
            (Message.SEQUENCE_CONTROL, self._hear_flags),
        ):
            if frame.identifier == identifier(message, self._index):
                self._world.catch_up(self._outlet)
                try:
                    take(frame.data)
                except BadAnswer:
                    return
                self._world.change(self._outlet)

    def tick(self) -> None:
        """Go on, and say what is due."""
        now_s = self._world.catch_up(self._outlet)
        if self._world.faults.has("vehicle-emergency", self._outlet.number):
            self._break_off("its emergency loop is open")
        self._obey()
        self._outlet.interlock(self._controller.phase is not _P.EMERGENCY)
        self._world.change(self._outlet)
        if not self._world.faults.has("vehicle-frozen", self._outlet.number):
            self._said = [
                Frame(identifier(message, self._index), data)
                for message, data in self._due(now_s)
            ]
        self._ticks += 1
        for frame in self._said:
            self._send(frame)

    def _hear_status(self, data: bytes) -> None:
        status = PowerModulesStatus.decode(data)
        self._enabled = status.enabled
        self._controller.hear(
            StationReport(
                enabled=status.enabled,
                present_voltage_v=status.voltage_v,
                present_current_a=status.current_a,
                resistance_ohm=status.resistance_ohm,
                max_voltage_v=self._limits.max_voltage_v,
                max_current_a=self._limits.max_current_a,
                max_power_w=inf,
            ),
            self._outlet.now_s,
        )
        works = FUNCTIONS.get(self._controller.phase)
        tested = works in (Function.PRECHARGE, Function.POWER_TRANSFER)
        if tested and status.resistance_ohm < _OHM_PER_V * status.voltage_v:
            self._break_off(f"insulation below {_OHM_PER_V:.0f} ohm/V")

    def _hear_limits(self, data: bytes) -> None:
        limits = PowerParameters.decode(data)
        self._limits = PowerParameters(
            min(limits.max_voltage_v or inf, OWN_LIMITS.max_voltage_v),
            min(limits.max_current_a or inf, OWN_LIMITS.max_current_a),
        )
        # The car hears of it with the next answer that it gets.
        self._controller.hear_limits(
            self._limits.max_voltage_v, self._limits.max_current_a
        )

    def _hear_flags(self, data: bytes) -> None:
        before, self._flags = self._flags, SequenceControl.decode(data)
        if self._flags.stop_button and not before.stop_button and self._controller.car:
            self._controller.stopping = True
        self._obey()

    def _obey(self) -> None:
        """Let the session go as far as the flags say."""
        flags, controller = self._flags, self._controller
        idle = controller.phase in _ENDED or controller.car is None
        if flags.start and not self._allowed:
            self._allowed = True
            if controller.car and controller.phase is not _P.EMERGENCY:
                controller.wake(self._outlet.now_s)
        elif not flags.start and idle:
            self._allowed = False
        if controller.phase is not _P.AUTHORIZING or not self._allowed:
            return
        if flags.authorization_done and not flags.authorization_valid:
            controller.accept(False, self._outlet.now_s)
        elif self._authorized and flags.parameters_done:
            controller.accept(True, self._outlet.now_s)

    @property
    def _authorized(self) -> bool:
        return self._flags.authorization_done and self._flags.authorization_valid

    def _break_off(self, why: str) -> None:
        if self._controller.phase in POWERED:
            self._controller.break_off(why, self._outlet.now_s)

    def _stands(self, now_s: float) -> State:
        phase = self._controller.phase
        was_ended, self._ended = self._ended, phase in _ENDED
        if self._ended:
            if not was_ended:
                self._closing_until_s = now_s + CLOSING_S
            if now_s < self._closing_until_s or phase is _P.EMERGENCY:
                return State.CLOSING_COMMUNICATION
        elif phase is _P.AUTHORIZING and self._allowed:
            if self._authorized:
                return State.CONNECTED_WITH_FULL_INFO
            return State.CCS_AUTHORISATION_PROCESS
        elif phase in _STATES and self._allowed:
            return _STATES[phase]
        return State.WAITING_FOR_PEV if self._allowed else State.NOT_AVAILABLE

    def _due(self, now_s: float) -> Iterator[tuple[Message, bytes]]:
        before, self._state = self._state, self._stands(now_s)
        reading = self._controller.reading(now_s)
        yield Message.CONTROLLER_STATUS, bytes((self._state,))
        duty_percent = _ALLOWED_DUTY if self._allowed else _REFUSED_DUTY
        pilot = ExtraInformation(Pilot[LETTERS[reading.phase]], duty_percent)
        yield Message.CCS_EXTRA_INFORMATION, pilot.encode()
        if self._state is State.CONNECTED_WITH_FULL_INFO and not self._enabled:
            yield Message.NEW_CHARGE_SESSION, _ISO_15118_2_COMBO
        if reading.phase in POWERED:
            yield Message.DC_POWER_CONTROL, asked(reading).encode()
        if reading.phase is _P.EMERGENCY:
            origin = Origin.PEV if self._controller.car_broke_off else Origin.EVSE
            yield Message.EMERGENCY_STOP, bytes((origin,))
        yield from self._of_car(reading)
        if self._state is not before:
            yield from at_turn(self._state, rushed=reading.phase is _P.EMERGENCY)

    def _of_car(self, reading: VehicleReading) -> Iterator[tuple[Message, bytes]]:
        car = self._controller.car
        if car is None or reading.evccid is None:
            self._told.clear()
            return
        if self._ticks % _SLOWLY == 0 or not self._told:
            self._told[Message.EV_ID_CCS] = bytes.fromhex(reading.evccid)
            yield Message.EV_ID_CCS, self._told[Message.EV_ID_CCS]
        if self._state not in _FULL_INFO:
            return
        for message, data in of_car(car.battery):
            if self._told.get(message) != data:
                self._told[message] = data
                yield message, data

    def _send(self, frame: Frame) -> None:
        outgoing = self._mischief.bent(frame.data)
        if outgoing is None:
            return
        if self._mischief.does(Kind.WRONG_UNIT):
            frame = frame._replace(identifier=frame.identifier + (1 << 24))
        bent = frame._replace(data=outgoing.octets[:_DATA_BYTES])
        if outgoing.delay_s:
            loop = asyncio.get_running_loop()
            loop.call_later(outgoing.delay_s, self._adapter.send, bent)
        else:
            self._adapter.send(bent)
