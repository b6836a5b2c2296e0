"""What is wrong with one frame of a station, by the schemas and by OCPP-J."""

from collections.abc import Iterator
from typing import Final

from benchcsms import frames, schemas
from benchcsms.frames import Frame
from benchcsms.schemas import Breach

_LONGEST_ID: Final = 36
_LONGEST_DESCRIPTION: Final = 255
_CODES: Final = frozenset(
    {
        "FormationViolation",
        "GenericError",
        "InternalError",
        "NotImplemented",
        "NotSupported",
        "OccurenceConstraintViolation",
        "PropertyConstraintViolation",
        "ProtocolError",
        "SecurityError",
        "TypeConstraintViolation",
    }
)


def of_call(frame: Frame) -> Breach | None:
    """Return why a CALL, which may be malformed, gets a CALLERROR."""
    if frame.flaw:
        return Breach("FormationViolation", frame.flaw)
    if not 0 < len(frame.id) <= _LONGEST_ID:
        text = f"a message id of {len(frame.id)} characters; 1 to {_LONGEST_ID} allowed"
        return Breach("FormationViolation", text)
    return schemas.breach(frame.action, frame.payload or {})


def of_answer(frame: Frame) -> Iterator[str]:
    """Yield what is wrong with an answer; its action is empty if nobody asked."""
    if frame.flaw:
        yield frame.flaw
    elif frame.type == frames.CALLERROR:
        yield from _of_error(frame)
    elif broken := schemas.breach_of_answer(frame.action, frame.payload or {}):
        yield broken.text


def _of_error(frame: Frame) -> Iterator[str]:
    said = frame.payload or {}
    if said["code"] not in _CODES:
        yield f"{said['code']!r} is no error code of OCPP 1.6"
    if len(said["description"]) > _LONGEST_DESCRIPTION:
        yield f"a description longer than {_LONGEST_DESCRIPTION} characters"
