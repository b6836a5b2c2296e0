"""How a message stands in the file: as JSON, deflated, with what most messages say.

A page of the file is small, and a commit writes whole pages. Deflate finds nothing
twice in one short message; what messages have in common it knows from a dictionary.
"""

import json
import zlib
from typing import Final

from chargerd.ocpp16.wire import Json

_SAID_OFTEN: Final = (
    b'{"connectorId":1,"idTag":"","meterStart":,"timestamp":"20'
    b'"reservationId":"meterStop":"reason":"EVDisconnected","Remote","Other","Local"'
    b'"transactionData":[{"timestamp":"20T"sampledValue":[{"value":"'
    b'"format":"SignedData","measurand":"Energy.Active.Import.Register"}]}'
    b'"phase":"location":"Inlet","location":"Body","unit":"kWh","unit":"Percent"'
    b'"context":"Transaction.Begin","context":"Transaction.End","context":"Trigger"'
    b'"context":"Sample.Clock","measurand":"Temperature","location":"Cable",'
    b'"unit":"Celcius"},{"value":"Energy.Active.Export.Register"'
    b'Energy.Active.Import.Interval","Power.Active.Export","Current.Export"'
    b'"context":"Sample.Periodic","measurand":"SoC","location":"EV","unit":"Percent"}'
    b'"measurand":"Current.Offered","measurand":"Power.Offered","location":"Outlet",'
    b'"measurand":"Voltage","location":"Outlet","unit":"V"},{"value":"'
    b'"context":"Sample.Periodic","measurand":"Current.Import","location":"Outlet",'
    b'"unit":"A"},{"value":"","context":"Sample.Periodic","measurand":"'
    b'Power.Active.Import","location":"Outlet","unit":"W"},{"value":"'
    b'{"connectorId":1,"meterValue":[{"timestamp":"2026-00-00T00:00:00.000Z",'
    b'"sampledValue":[{"value":"00","context":"Sample.Periodic","measurand":"'
    b'Energy.Active.Import.Register","location":"Outlet","unit":"Wh"}]}]}'
)
"""Never to be changed: what is on disks was written with it. The last is found best."""


def packed(message: Json) -> bytes:
    """Return a message as it stands in the file: a meter value shrinks to a fifth."""
    deflater = zlib.compressobj(zdict=_SAID_OFTEN)
    text = json.dumps(message, separators=(",", ":")).encode()
    return deflater.compress(text) + deflater.flush()


def unpacked(blob: bytes) -> Json:
    """Return a message of the file, be it packed without the dictionary."""
    inflater = zlib.decompressobj(zdict=_SAID_OFTEN)
    message: Json = json.loads(inflater.decompress(blob) + inflater.flush())
    return message
