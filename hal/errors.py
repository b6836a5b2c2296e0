"""What a driver may raise, and what each class obliges the caller to do.

    HardwareError
     +-- NoAnswer       the device is silent: keep polling, report it as lost
     +-- BadAnswer      the device spoke nonsense: treat the value as unknown
     +-- Unconfirmed    a command was sent, its effect was not observed: assume
                        the worse of the two states and stop the session

A driver raises nothing else. A bug in a driver is not a ``HardwareError``: it
ends the process, systemd restarts it, and the outputs fall back to off.
"""


class HardwareError(Exception):
    """Something between a driver and its device. The text says what and where."""


class NoAnswer(HardwareError):
    """The device did not answer in time."""


class BadAnswer(HardwareError):
    """The device answered something that cannot be true."""


class Unconfirmed(HardwareError):
    """The device accepted a command, but its feedback never followed."""
