"""Tells the CSMS once after a boot in whose words faults are named."""

import json
from typing import Final

from chargerd.core.dialects import VENDOR_IDS, Dialect
from chargerd.core.policy import Policy
from chargerd.ocpp16.status import VENDOR_ID
from chargerd.ocpp16.wire import Json

MESSAGE_ID: Final = "VendorErrorDialect"


class Advertisement:
    """Knows what the CSMS was told since it has accepted the station."""

    def __init__(self) -> None:
        self._told: Dialect | None = None

    def booted(self) -> None:
        """The CSMS may have forgotten what it was told."""
        self._told = None

    def next(self, policy: Policy) -> Json | None:
        """Take the DataTransfer that is due; it is not repeated if it fails."""
        dialect = policy.vendor_error_dialect
        if not policy.advertise_dialect or dialect is self._told:
            return None
        self._told = dialect
        told = {"dialect": dialect, "vendorId": VENDOR_IDS[dialect]}
        return {
            "vendorId": VENDOR_ID,
            "messageId": MESSAGE_ID,
            "data": json.dumps(told, separators=(",", ":")),
        }
