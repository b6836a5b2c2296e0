"""What follows from a step besides hardware, disk and frames."""

from collections.abc import Callable

from chargerd.chargepoint import ChargePoint
from chargerd.core.course import Output
from chargerd.core.power import Supply
from chargerd.runtime.csms import CsmsLink
from chargerd.runtime.journal import Journal
from chargerd.runtime.lights import Lights
from chargerd.runtime.link_settings import Pace
from chargerd.runtime.senses import Senses
from chargerd.steps import Happening, Step
from chargerd.store.database import StoreFailed


class Aftermath:
    """Lets clock, link, senses, lights and journal follow each step."""

    def __init__(
        self,
        charge_point: ChargePoint,
        journal: Journal,
        link: CsmsLink,
        senses: Senses,
        lights: Lights,
        step_clock: Callable[[float], None],
    ) -> None:
        self.steps = 0
        """How many there were: whoever watches sees that something is new."""
        self._charge_point = charge_point
        self._journal = journal
        self._link = link
        self._senses = senses
        self._lights = lights
        self._step_clock = step_clock

    def stepped(self, happening: Happening, step: Step) -> None:
        """Follow one step."""
        self.steps += 1
        self._journal.stepped(happening, step)
        if step.learned:
            return
        for number, output in step.outputs.items():
            charging = output.supply is Supply.CHARGE
            self._senses.set_busy(number, output != Output(), charging=charging)
        if step.clock_step_s is not None:
            self._step_clock(step.clock_step_s)
        if step.changed_key is not None:
            self._obey()
        self._lights.update(self._charge_point.dialogue.reporter.current, step.told)

    def storage_failed(self, error: StoreFailed) -> None:
        """Tell of a commit that failed."""
        self._journal.storage_failed(error)

    def _obey(self) -> None:
        self._link.keep(Pace.of(self._charge_point.station.policy))
