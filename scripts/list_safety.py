#!/usr/bin/env python3
"""List what keeps a connector safe in docs/safety.md, from the tables of the core.

With ``--check`` nothing is written; the exit code tells whether it is current.
"""

import sys
from collections.abc import Iterable, Sequence

from chargerd.core.dead_plug import DISCHARGED_WITHIN_S
from chargerd.core.fitting import PLUG_FROM_C
from chargerd.core.permissive import MAX_AGE_S, MAX_PLUG_C, RULES
from chargerd.core.sequence import LIMITS
from chargerd.core.supervision import RULES as LASTING
from chargerd.core.supervision import Tolerances
from chargerd.core.switching import EMERGENCY_OFF, SWITCH_OFF, SWITCH_ON, Step
from chargerd.runtime.actuators import GUARD_WITHIN_S
from chargerd.runtime.guard import HAND_WITHIN_S, TICK_S
from documents import keep

_PAGE = """\
# Safety

Drawn from the tables of `chargerd/core` by `scripts/list_safety.py`. The faults are
those of [faults.md](faults.md), the phases those of [session.md](session.md).

Software is the second line. In a cabinet that is wired as it must be, the emergency
stop, the control pilot, the insulation monitor's relay and the over-voltage protection
open the contactors in hardware, and coils and modules let go when their controller has
gone. What stands here works with that and does not replace it.

## When energy may flow

Energy may flow only while none of this is true. The guard asks at every edge and, while
something is live, every {tick} ms; the hands ask before each command.

| fault | read from |
| --- | --- |
{rules}

A device that has said nothing for longer is a fault of its own (`…-silent`):

| device | its word holds for |
| --- | --- |
{ages}

## What may not last

| fault | while | longer than |
| --- | --- | --- |
{lasting}

How far measurements may be apart is in `[supervision]` of the station file.

## The orders of switching

A step is done once all of its conditions hold; the next one waits for it.

### On

{on}

### Off, in good order

{off}

A current that does not fall in time (`current-stuck`) is an emergency, and so is every
cut of the guard.

### Off, in an emergency

{emergency}

## The vehicle's clock

Each of these must have happened in time, from the moment on that the phase began, or
that the vehicle came to it. Ours end before the vehicle's, so that a session ends with
the true reason. Where no fault is named, the vehicle is what is late.

| phase | by then | s | fault | theirs |
| --- | --- | --- | --- | --- |
{limits}

## A plug without energy

The meter sits at the plug, beyond the contactors. A plug is released, and its session
over, once it was measured below 60 V after its contactors opened; one that is not so
after {discharged} s has the fault `discharge`. A plug that has the voltage of the
modules although the contactors report open, or that was dead and rises with them, has
the fault `contactor-weld`. It stays, over restarts too, until `chargerctl fault clear`.

## Less instead of nothing

From {plug_from} °C on a plug gives less, in a line down to nothing at {plug_max} °C;
above that charging stops. Power modules that have dropped out take their share with
them. `chargerctl power limits` shows what holds.

## Who watches whom

* A hand that has not gone on for {hand} s is cut by the guard, and a hand whose guard
  has not ticked for {guard} s leaves nothing live (`control-late`).
* The CCS controller hears of the station every 80 ms and breaks off after 500 ms; the
  power modules follow a set-point for one second and then fall to zero.
* systemd's watchdog is not fed while the engine, the guard or a hand is late; the coils
  drop out when the process is gone.
"""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _rules() -> Iterable[str]:
    for rule in RULES:
        yield _row(f"`{rule.fault}`", rule.kind.replace("_", " "))


def _ages() -> Iterable[str]:
    for kind, limit_s in MAX_AGE_S.items():
        yield _row(kind.replace("_", " "), f"{limit_s:g} s")


def _lasting() -> Iterable[str]:
    usual = Tolerances()
    for rule in LASTING:
        borne = f"{rule.lasting_s(usual):g} s"
        yield _row(f"`{rule.fault}`", rule.means, borne)


def _order(steps: Sequence[Step]) -> str:
    lines = [_row("step", "once", "gets", "else"), _row(*(["---"] * 4))]
    for each in steps:
        once = "; ".join(condition.words for condition in each.once) or "at once"
        gets = "–" if each.gets_s is None else f"{each.gets_s:g} s"
        fault = f"`{each.otherwise}`" if each.otherwise else "–"
        lines.append(_row(each.words, once, gets, fault))
    return "\n".join(lines)


def _limits() -> Iterable[str]:
    for limit in LIMITS:
        fault = f"`{limit.fault}`" if limit.fault else "–"
        theirs = limit.theirs or "–"
        within = f"{limit.within_s:g}"
        yield _row(limit.phase.value, limit.what, within, fault, theirs)


def _page() -> str:
    return _PAGE.format(
        tick=f"{TICK_S * 1000:.0f}",
        rules="\n".join(_rules()),
        ages="\n".join(_ages()),
        lasting="\n".join(_lasting()),
        on=_order(SWITCH_ON),
        off=_order(SWITCH_OFF),
        emergency=_order(EMERGENCY_OFF),
        limits="\n".join(_limits()),
        discharged=f"{DISCHARGED_WITHIN_S:g}",
        plug_from=f"{PLUG_FROM_C:g}",
        plug_max=f"{MAX_PLUG_C:g}",
        hand=f"{HAND_WITHIN_S:g}",
        guard=f"{GUARD_WITHIN_S:g}",
    )


if __name__ == "__main__":
    sys.exit(keep({"docs/safety.md": _page()}))
