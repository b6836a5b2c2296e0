"""Emergency stop, door and surge protector as contacts on GPIO lines."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from hal.bounds import check
from hal.parts.alarm import Alarm, open_alarm
from hal.parts.news import changes
from hal.resources import Place
from hal.transport.gpio import open_chip
from hal.transport.pins import check_bias, check_line
from hal.values import SafetyReading

_INPUTS: Final = ("emergency_stop", "door", "surge_protector")


@dataclass(frozen=True, slots=True)
class Config:
    """Lines by number or name; ``!`` before one that is on while it is low.

    A contact is on while current flows through it, and closed while all is well
    unless ``normally_open`` names it. What is left empty is not wired.
    """

    chip: str = "/dev/gpiochip0"
    """Its device file, or "unix:" and the socket of a simulated one."""
    emergency_stop: str = ""
    """The line of the emergency stop loop."""
    door: str = ""
    """The line of the door switches."""
    surge_protector: str = ""
    """The line of the surge protector's own contact."""
    normally_open: tuple[str, ...] = ()
    """Which of the three are open while all is well."""
    bias: str = "default"
    """What holds an input that nothing drives: pull_up, pull_down or disable."""
    clears_s: float = 0.05
    """How long a contact must say that all is well again to be believed."""

    def __post_init__(self) -> None:
        """Refuse a table that watches nothing."""
        for field, line in self.lines().items():
            check_line(field, line)
        if not self.lines():
            raise ValueError(
                f"{_INPUTS[0]}: nothing is wired; write the line of one input "
                f"at least: {', '.join(_INPUTS)}"
            )
        for field in self.normally_open:
            if field not in self.lines():
                raise ValueError(
                    f"normally_open: {field!r} has no line; write of "
                    f"{', '.join(self.lines())}"
                )
        check_bias("bias", self.bias)
        check("clears_s", self.clears_s, 0.0, 1.0)

    def lines(self) -> dict[str, str]:
        """Return the inputs that are wired, each with its line."""
        wired = {field: str(getattr(self, field)) for field in _INPUTS}
        return {field: line for field, line in wired.items() if line}


class SafetyInputs:
    """All inputs that are wired."""

    def __init__(
        self, alarms: Mapping[str, Alarm], monotonic: Callable[[], float]
    ) -> None:
        self._alarms = alarms
        self._monotonic = monotonic

    async def read(self) -> SafetyReading:
        return self._seen()

    def changes(self) -> AsyncIterator[SafetyReading]:
        return changes(self._alarms.values(), self._seen)

    def _seen(self) -> SafetyReading:
        return SafetyReading(
            at_s=self._monotonic(),
            emergency_stop=self._raised("emergency_stop"),
            door_open=self._raised("door"),
            surge_protector_tripped=self._raised("surge_protector"),
        )

    def _raised(self, name: str) -> bool:
        alarm = self._alarms.get(name)
        return alarm is not None and alarm.raised()


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[SafetyInputs]:
    """Take the lines."""
    chip = await open_chip(config.chip, place)
    async with AsyncExitStack() as stack:
        alarms = {
            name: await stack.enter_async_context(
                open_alarm(
                    chip,
                    line,
                    bias=config.bias,
                    normally_open=name in config.normally_open,
                    clears_s=config.clears_s,
                )
            )
            for name, line in config.lines().items()
        }
        yield SafetyInputs(alarms, place.resources.monotonic)
