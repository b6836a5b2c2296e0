"""What drivers keep while their device, or the wire to it, is in trouble.

A check passes over what the bench cannot do to the device.
"""

import asyncio
from typing import Any, Final

from hal.conformance.calls import CALLS, STAMPED, Call
from hal.conformance.subject import Subject, Trouble, expect
from hal.errors import BadAnswer, HardwareError, NoAnswer

_GIVES_UP_WITHIN_S: Final = 4.0
"""The slowest command is a lock's: three seconds, and then one of silence."""
_SAID_WITHIN_S: Final = 2.0
"""A device that speaks by itself may be believed for a second after it falls silent."""
_BACK_WITHIN_S: Final = 8.0
_GLANCE_S: Final = 0.02
_OLDEST_S: Final = 1.0
_SELF_TEST: Final = "self_test"  # may take half a minute to fail


async def says_when_silent(subject: Subject) -> None:
    """A silent device is ``NoAnswer``, soon, and never its last value for ever."""
    await _suffers(subject, Trouble.SILENT, (NoAnswer,))


async def believes_no_garbage(subject: Subject) -> None:
    """What cannot be read is ``BadAnswer`` or ``NoAnswer``, and ends by itself."""
    await _suffers(subject, Trouble.GARBLED, (NoAnswer, BadAnswer))


async def comes_back(subject: Subject) -> None:
    """A device whose cable was pulled is read again once it is back."""
    await _suffers(subject, Trouble.PULLED, (NoAnswer,))


async def commands_end(subject: Subject) -> None:
    """A command to a silent device ends with a ``HardwareError``, in time."""
    begin = subject.troubles.get(Trouble.SILENT)
    if begin is None:
        return
    async with subject.connected() as device:
        begin(True)
        try:
            for call in CALLS[subject.kind]:
                if call.method not in ("read", _SELF_TEST):
                    await _ends(call, device)
        finally:
            begin(False)
        await _answers_again(subject, device)


async def _suffers(
    subject: Subject, trouble: Trouble, may_raise: tuple[type[HardwareError], ...]
) -> None:
    begin = subject.troubles.get(trouble)
    if begin is None or not any(c.method == "read" for c in CALLS[subject.kind]):
        return
    async with subject.connected() as device:
        await device.read()
        begin(True)
        try:
            await _notices(subject, device, trouble, may_raise)
        finally:
            begin(False)
        await _answers_again(subject, device)


async def _notices(
    subject: Subject,
    device: Any,
    trouble: Trouble,
    may_raise: tuple[type[HardwareError], ...],
) -> None:
    began_s = subject.now_s()
    while True:
        asked_s = subject.now_s()
        try:
            async with asyncio.timeout(_GIVES_UP_WITHIN_S):
                reading = await device.read()
        except may_raise:
            return
        except TimeoutError:
            expect(False, f"read: ends by itself while the device is {trouble}")
        except HardwareError as error:
            names = " or ".join(each.__name__ for each in may_raise)
            expect(False, f"read: raises {names} while {trouble}, not {error!r}")
        if subject.kind in STAMPED:
            oldest_s = asked_s - _OLDEST_S
            expect(reading.at_s >= oldest_s, f"read: nothing old while {trouble}")
        lasted_s = subject.now_s() - began_s
        expect(lasted_s <= _SAID_WITHIN_S, f"read: says that the device is {trouble}")
        await asyncio.sleep(_GLANCE_S)


async def _ends(call: Call, device: Any) -> None:
    try:
        async with asyncio.timeout(_GIVES_UP_WITHIN_S):
            await call.on(device)
    except HardwareError:
        return
    except TimeoutError:
        expect(False, f"{call.method}: ends by itself while the device is silent")


async def _answers_again(subject: Subject, device: Any) -> None:
    limit_s = subject.now_s() + _BACK_WITHIN_S
    while True:
        try:
            await device.read()
        except HardwareError as error:
            late = subject.now_s() > limit_s
            expect(not late, f"read: works again after the trouble: {error}")
            await asyncio.sleep(_GLANCE_S)
        else:
            return
