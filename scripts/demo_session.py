"""One unattended charging session over the real WebSocket, and its bill.

Exit 0 only if the CSMS accepted StartTransaction and StopTransaction and the
energy on the bill agrees with the meter; otherwise 1 and the reason.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final

from stage import Stage, StageFailed, asked, perform

_CONNECTOR: Final = 1
_CARD: Final = "04A1B2C3D4E5F6"
_RATE: Final = 30.0
_ENOUGH_WH: Final = 10_000
_TOLERANCE_WH: Final = 1
_PATIENCE_S: Final = 15.0

_WORTH_TELLING: Final = (
    "connectorId",
    "status",
    "errorCode",
    "idTag",
    "idTagInfo",
    "transactionId",
    "meterStart",
    "meterStop",
    "reason",
)

Bill = Mapping[str, Any]


class Session:
    """Plays one session and tells what happens while it does."""

    def __init__(self, on: Stage) -> None:
        self._stage = on
        (first, *_) = on.bench.ask("log")["log"]
        self._start = datetime.fromisoformat(first["time"])
        self._heard = 0
        self._told = 0

    def play(self) -> tuple[Bill, int]:
        """Return the transaction as the CSMS has it, and its energy by the meter."""
        self._until_status("Available")
        self._tell(f"the station is at {self._stage.link()}")
        self._do(f"the world runs {_RATE:g} times as fast", "SetRate", factor=_RATE)
        before_wh = self._register_wh()
        self._do("a car is plugged in", "Plug", connector=_CONNECTOR, soc_percent=30.0)
        self._until_status("Preparing")
        self._do("a card is held to the reader", "PresentTag", uid=_CARD)
        self._until("StartTransaction")
        self._until_status("Charging")
        self._charge()
        self._do("the card is held there again", "PresentTag", uid=_CARD)
        self._until("StopTransaction")
        self._do("the car is unplugged", "Unplug", connector=_CONNECTOR)
        self._until_status("Available")
        transactions = self._stage.bench.ask("transactions")["transactions"]
        if len(transactions) != 1:
            raise StageFailed(f"the CSMS has {len(transactions)} transactions, not one")
        return transactions[0], self._register_wh() - before_wh

    def _charge(self) -> None:
        told_wh = 0
        with closing(self._stage.watch()) as statuses:
            for status in statuses:
                connector = status["connectors"][_CONNECTOR - 1]
                if connector["status"] != "Charging":
                    raise StageFailed(f"charging ended early: {connector['reason']}")
                energy_wh = connector.get("session_energy_wh", 0)
                if energy_wh >= told_wh + _ENOUGH_WH / 5:
                    told_wh = energy_wh
                    self._tell(_progress(connector))
                if energy_wh >= _ENOUGH_WH:
                    return

    def _register_wh(self) -> int:
        (meter,) = self._stage.ask("ReadMeters", connector=_CONNECTOR)["meters"]
        register_wh: int = meter["energy_wh"]
        return register_wh

    def _do(self, words: str, method: str, **parameters: Any) -> None:
        self._tell(words)
        self._stage.mock(method, **parameters)

    def _until_status(self, status: str) -> None:
        self._until("StatusNotification", connectorId=_CONNECTOR, status=status)

    def _until(self, action: str, **match: Any) -> None:
        """Wait for the CSMS to hear something new, and tell what else it heard."""
        entry = self._stage.bench.ask(
            "wait",
            action=action,
            kind="call",
            match=match,
            since=self._heard,
            timeout_s=_PATIENCE_S,
        )["entry"]
        self._heard = entry["seq"]
        self._tell_dialogue()

    def _tell(self, words: str) -> None:
        self._tell_dialogue()
        self._print(datetime.now(UTC), words)

    def _tell_dialogue(self) -> None:
        for entry in self._stage.bench.ask("log", since=self._told)["log"]:
            self._told = entry["seq"]
            if words := _frame(entry):
                self._print(datetime.fromisoformat(entry["time"]), words)

    def _print(self, at: datetime, words: str) -> None:
        print(f"{(at - self._start).total_seconds():7.2f} s  {words}", flush=True)


def _progress(connector: Mapping[str, Any]) -> str:
    return (
        f"charging: {connector['power_w'] / 1000:.1f} kW, "
        f"{connector['session_energy_wh'] / 1000:.2f} kWh, "
        f"{connector['soc_percent']:.0f} %"
    )


def _frame(entry: Mapping[str, Any]) -> str:
    """Return a line for a frame, or nothing for an answer that says nothing."""
    payload = entry["payload"]
    told = {name: payload[name] for name in _WORTH_TELLING if name in payload}
    if "idTagInfo" in told:
        told["idTagInfo"] = told["idTagInfo"]["status"]
    if entry["kind"] != "call" and not told:
        return ""
    arrow = "→" if entry["direction"] == "received" else "←"
    fields = ", ".join(f"{name} {value}" for name, value in told.items())
    return f"  {arrow} {entry['action']} {fields}".rstrip()


def defects(bill: Bill, measured_wh: int) -> Iterator[str]:
    """Yield what is wrong with a bill; nothing if it is right."""
    for message in ("start", "stop"):
        if (status := bill[f"{message}_status"]) != "Accepted":
            yield f"the CSMS answered the {message} with {status}"
    if bill["meter_start"] is None or bill["meter_stop"] is None:
        yield "the bill has no start or no end"
        return
    billed_wh = bill["meter_stop"] - bill["meter_start"]
    if billed_wh < _ENOUGH_WH:
        yield f"only {billed_wh} Wh are billed, at least {_ENOUGH_WH} Wh were charged"
    if abs(billed_wh - measured_wh) > _TOLERANCE_WH:
        yield f"{billed_wh} Wh are billed, {measured_wh} Wh were measured"


def show(bill: Bill, measured_wh: int) -> None:
    """Print the bill."""
    rows = {
        "transaction id": bill["id"],
        "idTag": bill["id_tag"],
        "meterStart": f"{bill['meter_start']} Wh",
        "meterStop": f"{bill['meter_stop']} Wh",
        "energy": f"{bill['meter_stop'] - bill['meter_start']} Wh",
        "by the meter": f"{measured_wh} Wh",
        "stop reason": bill["reason"] or "Local",
    }
    print("\nThe bill")
    for name, value in rows.items():
        print(f"  {name:15} {value}")


def session(on: Stage) -> int:
    """Play one session; return 0 if its bill is right, else say why it is not."""
    bill, measured_wh = Session(on).play()
    found = list(defects(bill, measured_wh))
    for defect in found:
        print(f"demo: {defect}", file=sys.stderr)
    if bill["meter_stop"] is not None:
        show(bill, measured_wh)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(perform(session, asked()))
