"""What can be wrong with a message, in OCPP-J's own words (section 4.2.3)."""

from typing import ClassVar


class CallFailed(Exception):
    """A CALL that is answered with a CALLERROR. The text becomes its description."""

    code: ClassVar[str] = "GenericError"


class NotImplementedHere(CallFailed):
    """OCPP 1.6 has no such action."""

    code = "NotImplemented"


class NotSupportedHere(CallFailed):
    """OCPP 1.6 has the action, this station does not offer it."""

    code = "NotSupported"


class InternalError(CallFailed):
    """The charge point failed at something that was asked rightly."""

    code = "InternalError"


class ProtocolError(CallFailed):
    """The payload lacks a field that its message needs."""

    code = "ProtocolError"


class SecurityError(CallFailed):
    """A matter of security forbids it."""

    code = "SecurityError"


class FormationViolation(CallFailed):
    """The frame has the wrong shape, or a field that its message does not know."""

    code = "FormationViolation"


class PropertyConstraintViolation(CallFailed):
    """A field has the right type and an impossible value."""

    code = "PropertyConstraintViolation"


class TextTooLong(PropertyConstraintViolation):
    """A text has more characters than its field."""


class OccurenceConstraintViolation(CallFailed):
    """A list has too few or too many entries."""

    code = "OccurenceConstraintViolation"  # OCPP-J 1.6 spells it so


class TypeConstraintViolation(CallFailed):
    """A field has the wrong type."""

    code = "TypeConstraintViolation"


INVALID = (
    FormationViolation,
    OccurenceConstraintViolation,
    PropertyConstraintViolation,
    ProtocolError,
    TypeConstraintViolation,
)
"""The errors of a message that is not one of OCPP's."""


class GenericError(CallFailed):
    """Anything that none of the others tells better."""

    code = "GenericError"


_COARSE = (
    OccurenceConstraintViolation,
    ProtocolError,
    TextTooLong,
    TypeConstraintViolation,
)


def coarse(error: CallFailed) -> CallFailed:
    """Return an error as those know it who tell only bad values from bad messages."""
    return FormationViolation(str(error)) if isinstance(error, _COARSE) else error
