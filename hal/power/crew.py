"""The modules of a rack together: who can supply, what they give, what is wrong."""

from collections.abc import Mapping, Sequence
from math import inf

from hal.errors import BadAnswer, HardwareError, NoAnswer
from hal.power.family import Quantity
from hal.power.module import Module
from hal.values import SAFE_TO_OPEN_A, PowerReading


class Crew:
    """Judges by what the modules themselves have said."""

    def __init__(self, modules: Sequence[Module], watchdog_s: float) -> None:
        self.modules = tuple(modules)
        self.addresses = frozenset(module.address for module in modules)
        self._watchdog_s = watchdog_s

    @property
    def healthy(self) -> list[Module]:
        """Those that can supply."""
        return [module for module in self.modules if module.healthy]

    @property
    def present(self) -> list[Module]:
        """Those that answer."""
        return [module for module in self.modules if not module.lost]

    @property
    def excluded(self) -> list[Module]:
        """Those that have no part in a set-point and may supply nevertheless."""
        return [
            module
            for module in self.modules
            if module.lost or (module.running and not module.healthy)
        ]

    def live(self, now_s: float) -> list[Module]:
        """Return those that answer, and the lost that may still supply."""
        return [
            module
            for module in self.modules
            if not module.surely_off(now_s, self._watchdog_s)
        ]

    def share_a(self, total_a: float, module: Module, now_s: float) -> float:
        """Return a module's part of what the lost may not be giving already."""
        lost_a = sum(each.current_a for each in self.live(now_s) if each.lost)
        share_a = max(total_a - lost_a, 0.0) / len(self.healthy)
        return min(share_a, module.values.get(Quantity.MAX_CURRENT_A, inf))

    def twice(self, now_s: float) -> Module | None:
        """Return a module that is there twice; ``None``: none is."""
        return next((m for m in self.modules if m.address_taken(now_s)), None)

    def values(self, quantity: Quantity) -> Mapping[int, float]:
        """Return what healthy modules said last of a quantity, by their addresses."""
        return {
            module.address: module.values[quantity]
            for module in self.healthy
            if quantity in module.values
        }

    def still_runs(self, answered: Sequence[Module], now_s: float) -> str:
        """Return what speaks against all being off; empty: nothing."""
        for module in self.present:
            if module not in answered:
                return f"{module} is silent"
        live = self.live(now_s)
        current_a = sum(module.current_a for module in live)
        if current_a >= SAFE_TO_OPEN_A:
            most = max(live, key=lambda module: module.current_a)
            return f"still {current_a:.0f} A, most of it from {most}"
        running = [str(module) for module in live if module.running]
        return f"{', '.join(running)} does not stop" if running else ""

    def reading(self, answered: Sequence[Module], now_s: float) -> PowerReading:
        """Return what the rack does, by those that have answered and are known."""
        none_left = not self.healthy
        conditions = [m.condition for m in self.present if m.condition is not None]
        return PowerReading(
            # One that falls silent must not make the others too old to be believed.
            at_s=min(module.output_s for module in answered),
            voltage_v=max(module.voltage_v for module in answered),
            current_a=sum(module.current_a for module in self.live(now_s)),
            temperature_c=max(m.values[Quantity.TEMPERATURE_C] for m in answered),
            failed_modules=tuple(m.number for m in self.modules if not m.healthy),
            over_temperature=none_left and any(c.over_temperature for c in conditions),
            under_voltage=none_left and any(c.under_voltage for c in conditions),
        )

    def silence(self, where: str) -> HardwareError:
        """Return the error of a rack in which nobody answers with sense."""
        nonsense = [module.nonsense for module in self.modules if module.nonsense]
        if nonsense:
            return BadAnswer(f"{where}: {nonsense[0]}; check its model and firmware")
        return NoAnswer(
            f"{where}: no module answers; check their mains, the bus's cable and "
            "termination, and their addresses"
        )

    @property
    def ailments(self) -> str:
        """What is wrong with whom, or what to check."""
        words = [
            f"{module}: {module.nonsense or module.ailment}"
            for module in self.modules
            if not module.healthy
        ]
        return "; ".join(words) or "check the bus's cable and termination"
