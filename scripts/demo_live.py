"""Cars come and go on the mock station, while chargerctl shows it live."""

import subprocess
import sys
from itertools import count
from typing import Any, Final

from stage import PROGRAMS, Stage, asked, perform

_RATE: Final = 20.0
_ROUND_S: Final = 100.0
_SCENARIO: Final[tuple[tuple[float, str, dict[str, Any]], ...]] = (
    # at s  who does what
    (2, "Plug", {"connector": 1, "soc_percent": 18.0}),
    (5, "PresentTag", {"uid": "04A1B2C3D4E5F6"}),
    (16, "Plug", {"connector": 2, "soc_percent": 55.0, "max_power_w": 60_000.0}),
    (18, "PresentTag", {"uid": "04DEADBEEF0042"}),
    (40, "Pause", {"connector": 1}),
    (46, "Resume", {"connector": 1}),
    (62, "PresentTag", {"uid": "04DEADBEEF0042"}),
    (67, "Unplug", {"connector": 2}),
    (80, "PresentTag", {"uid": "04A1B2C3D4E5F6"}),
    (86, "Unplug", {"connector": 1}),
)


def live(on: Stage) -> int:
    """Show the scenario until whoever watches has seen enough."""
    verb = "top" if sys.stdin.isatty() and sys.stdout.isatty() else "watch"
    with subprocess.Popen(
        [PROGRAMS / "chargerctl", "--socket", on.socket, verb]
    ) as view:
        try:
            _play(on, view)
        except KeyboardInterrupt:
            view.wait()  # the same Ctrl-C reached it, and it tidies the terminal
            return 0
        finally:
            view.terminate()
    return view.returncode


def _play(on: Stage, view: subprocess.Popen[bytes]) -> None:
    on.mock("SetRate", factor=_RATE)
    before_s = 0.0
    for turn in count():
        for at_s, method, parameters in _SCENARIO:
            due_s = turn * _ROUND_S + at_s
            if _ended(view, due_s - before_s):
                return
            on.mock(method, **parameters)
            before_s = due_s


def _ended(view: subprocess.Popen[bytes], within_s: float) -> bool:
    try:
        view.wait(within_s)
    except subprocess.TimeoutExpired:
        return False
    return True


if __name__ == "__main__":
    sys.exit(perform(live, asked()))
