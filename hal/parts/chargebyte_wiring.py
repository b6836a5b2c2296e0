"""How a safety controller of chargebyte is reached and told of its pilot."""

from dataclasses import dataclass
from typing import Final

from hal.bounds import check, check_word
from hal.transport.pins import check_line
from hal.transport.serial import SerialSettings
from hal.wire.chargebyte import BAUDRATE
from hal.wire.chargebyte_state import LAYOUTS

AUTO: Final = "auto"

_DUTY_PERCENT: Final = (3.0, 100.0)


@dataclass(frozen=True, slots=True)
class Wiring:
    """The settings that all devices of a board must agree on."""

    port: str
    """The device file of the UART that leads to the safety controller."""
    duty_percent: float = 5.0
    """Of the control pilot while a vehicle is plugged in; 5: it shall speak."""
    firmware: str = AUTO
    """How the board speaks: "0.2", "0.3" and later, or as it says itself."""
    reset_chip: str = "/dev/gpiochip0"
    """The GPIO chip of ``reset_line``."""
    reset_line: str = ""
    """Resets the board before it is used; without it a safe state stays."""

    def __post_init__(self) -> None:
        """Refuse what cannot be, in the words of a station file's mistakes."""
        SerialSettings(self.port, BAUDRATE)
        check("duty_percent", self.duty_percent, *_DUTY_PERCENT)
        check_word("firmware", self.firmware, (AUTO, *LAYOUTS))
        if self.reset_line:
            check_line("reset_line", self.reset_line)

    def wiring(self) -> "Wiring":
        """Return these settings alone, without those of one device."""
        return Wiring(
            self.port,
            self.duty_percent,
            self.firmware,
            self.reset_chip,
            self.reset_line,
        )

    def __str__(self) -> str:
        """Say it as the tables of a station file do."""
        return (
            f"duty_percent {self.duty_percent:g}, firmware {self.firmware}, "
            f"reset_line {self.reset_line or 'none'}"
        )
