"""What a rack of modules on a CAN bus can be told in the station file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hal import bounds
from hal.transport.can import CanSettings

_WITHIN_S: Final = (0.01, 0.3)
"""``hal.interfaces`` lets a driver be silent for a second: three questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RackConfig:
    """The modules of one connector, and the bus that they are on."""

    channel: str
    """The bus: ``can0``, or the device file of a serial adapter."""
    interface: str = "socketcan"
    """``socketcan``, or ``slcan`` for a serial adapter."""
    bitrate: int = 125_000
    """Of a serial adapter; ``ip link`` sets that of the others."""
    modules: tuple[int, ...] = ()
    """Their addresses; the first is module 1. Empty: whoever answers in ``group``."""
    group: int | None = None
    """The group that these modules, and no others, are set to, if there is one: what
    is asked of all of them is then asked in one frame."""
    min_voltage_v: float | None = None
    """Of one module, as are the next three. Left out: as the module itself says."""
    max_voltage_v: float | None = None
    """Of one module."""
    max_current_a: float | None = None
    """Of one module."""
    max_power_w: float | None = None
    """Of one module."""
    answer_within_s: float = 0.1
    """How long a module may think; silent three times in a row, it is lost."""
    watchdog_s: float = 15.0
    """So long after its last sign of life a silent module may still supply; more than
    the time after which the module switches itself off."""

    @property
    def bus(self) -> CanSettings:
        """The bus that the modules are on."""
        return CanSettings(self.channel, self.interface, self.bitrate)


def check(config: RackConfig, addresses: Sequence[int], groups: Sequence[int]) -> None:
    """Refuse what no rack can be.

    Raises:
        ValueError: With the field, what is wrong, and what to write instead.
    """
    _ = config.bus  # checks its own fields
    if not config.modules and config.group is None:
        raise ValueError("modules: none is named; write their addresses, or a group")
    if len(set(config.modules)) < len(config.modules):
        raise ValueError(
            f"modules: {list(config.modules)} names one twice; write each once"
        )
    for address in config.modules:
        bounds.check("modules", address, addresses[0], addresses[-1])
    if config.group is not None:
        bounds.check("group", config.group, groups[0], groups[-1])
    bounds.check("answer_within_s", config.answer_within_s, *_WITHIN_S)
    for name in ("min_voltage_v", "max_voltage_v", "max_current_a", "max_power_w"):
        value = getattr(config, name)
        if value is not None and value <= 0:
            raise ValueError(f"{name}: {value} is not possible; write more than 0")
