"""benchcsms as a process of its own, and as a client of one."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchcsms.cli import main
from benchcsms.client import control_path
from benchcsms.options import parser, settings
from tests.benchcsms.conftest import BOOT, START

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-c", "from benchcsms.cli import main; exit(main())")
PATIENCE_S = 10.0


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*PROGRAM, *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def failed(*words: str) -> tuple[int, str]:
    """Return the exit code and the one line of a bench that cannot start."""
    with started(*words) as process:
        _, said = process.communicate(timeout=PATIENCE_S)
        return process.returncode, said


class Bench:
    """A running bench with all its options, and one station."""

    def __init__(self, folder: Path) -> None:
        self.control = str(folder / "bench.sock")
        self.log = folder / "log.jsonl"
        self.script = folder / "answers.json"
        self.url = ""

    def words(self) -> tuple[str, ...]:
        pending = {"change": {"status": "Pending", "interval": 2}}
        script = [{"action": "BootNotification", "replies": [pending]}]
        self.script.write_text(json.dumps(script))
        return (
            *("--port", "0", "--control", self.control, "--log", str(self.log)),
            *("--verbose", "--answer", str(self.script), "--first-transaction-id=7"),
        )


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("bench"))
    with started(*bench.words()) as process:
        found = re.fullmatch(
            r"benchcsms: listening on (ws://127\.0\.0\.1:[1-9]\d*/ocpp) control (.*)",
            line_of(process),
        )
        assert found is not None
        assert found[2] == bench.control
        bench.url = found[1]
        yield bench
        process.send_signal(signal.SIGTERM)
        _, verbose = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
        assert "CP1 ← call BootNotification {" in verbose
    assert not Path(bench.control).exists()


@pytest.fixture
def station(bench: Bench) -> Iterator[ClientConnection]:
    offered = [Subprotocol("ocpp1.6")]
    with connect(f"{bench.url}/CP1", subprotocols=offered, proxy=None) as station:
        told(station, "Heartbeat", {})  # then the bench has it on its list
        yield station


def told(station: ClientConnection, action: str, payload: object) -> object:
    station.send(json.dumps([2, str(uuid4()), action, payload]))
    return json.loads(station.recv(PATIENCE_S))[2]


def test_the_program_is_a_bench(
    bench: Bench, station: ClientConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    pending = told(station, "BootNotification", BOOT)
    assert isinstance(pending, dict)
    assert (pending["status"], pending["interval"]) == ("Pending", 2)
    bill = told(station, "StartTransaction", START)
    assert bill == {"transactionId": 7, "idTagInfo": {"status": "Accepted"}}
    assert main(["transactions", "--control", bench.control, "CP1"]) == 0
    (printed,) = json.loads(capsys.readouterr().out)
    assert (printed["id"], printed["id_tag"]) == (7, "04A1B2C3")
    assert main(["stations", "--control", bench.control]) == 0
    assert capsys.readouterr().out == "CP1, connected, 0 violations\n"
    assert main(["log", "--control", bench.control]) == 0
    readable = capsys.readouterr().out.splitlines()
    written = [json.loads(line) for line in bench.log.read_text().splitlines()]
    assert len(readable) == len(written)
    assert [entry["seq"] for entry in written] == list(range(1, len(written) + 1))


@pytest.mark.parametrize(
    ("frame", "code", "out", "err"),
    [
        ([3, {"status": "Accepted"}], 0, '{\n  "status": "Accepted"\n}\n', ""),
        ([4, "InternalError", "oh", {}], 1, "", "InternalError: oh\n"),
    ],
)
def test_a_station_can_be_asked_from_the_command_line(
    bench: Bench,
    station: ClientConnection,
    frame: list[object],
    code: int,
    out: str,
    err: str,
) -> None:
    words = ("call", "--control", bench.control, "CP1", "Reset", '{"type": "Soft"}')
    with started(*words) as process:
        _, id_, *asked = json.loads(station.recv(PATIENCE_S))
        station.send(json.dumps([frame[0], id_, *frame[1:]]))
        said = process.communicate(timeout=PATIENCE_S)
        assert (asked, process.returncode) == (["Reset", {"type": "Soft"}], code)
        assert said == (out, err)


def test_the_log_can_be_followed(bench: Bench, station: ClientConnection) -> None:
    with started("log", "-f", "--control", bench.control) as process:
        assert process.stdout is not None
        assert any("← open" in line for line in process.stdout)
        told(station, "DataTransfer", {"vendorId": "follow.me"})
        assert any("follow.me" in line for line in process.stdout)
        assert any("UnknownVendorId" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 130


def test_what_cannot_be_done_is_one_line(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["call", "--control", bench.control, "CP9", "Reset"]) == 1
    assert capsys.readouterr().err.startswith("benchcsms: station 'CP9': not conn")


def test_a_client_without_a_bench_says_how_to_start_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stations", "--control", str(tmp_path / "none")]) == 1
    said = capsys.readouterr().err
    assert said == (
        f"benchcsms: no bench at {tmp_path}/none (No such file or directory); start "
        "one with benchcsms serve, or name its socket with --control\n"
    )


def test_a_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        control = str(tmp_path / "bench.sock")
        code, said = failed("serve", "--port", str(port), "--control", control)
    assert code == 2
    assert said == (
        f"benchcsms: 127.0.0.1:{port}: Address already in use; name another host or "
        "port, 0 being a free port\n"
    )


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("{", "Expecting property name"),
        ("{}", 'not a list; write [{"action": "…", "replies": [{…}]}]'),
        ("[5]", "script: 5 is not an object"),
        ('[{"replies": []}]', "script: action: missing; write a text"),
    ],
)
def test_a_mistake_in_a_script_ends_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], script: str, words: str
) -> None:
    path = tmp_path / "answers.json"
    path.write_text(script)
    assert main(["--port", "0", "--answer", str(path)]) == 2
    assert f"benchcsms: --answer {path}: {words}" in capsys.readouterr().err


def test_a_file_that_cannot_be_opened_ends_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for option in ("--log", "--answer"):
        assert main(["serve", option, str(tmp_path / "no" / "file")]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"benchcsms: {option} {tmp_path}/no/file: No such file")


def test_options_become_settings(tmp_path: Path) -> None:
    kept = tmp_path / "key=of B"
    kept.write_text("03ff\n")
    words = (
        *("serve", "--station", "A", "--station", "B", "--key", "A=00ff"),
        *("--key", f"B=@{kept}", "--key", "C@x=04"),
        *("--key", "0102", "--tag", "X=Blocked", "--tag", "Y=Accepted/P"),
        *("--heartbeat-interval", "60", "--port", "8000", "--host", "::1"),
    )
    found = settings(parser().parse_args(words))
    assert found.stations == {"A", "B"}
    assert found.keys == {"A": b"\x00\xff", "B": b"\x03\xff", "C@x": b"\x04"}
    assert found.key == b"\x01\x02"
    assert found.tags == {
        "X": {"status": "Blocked"},
        "Y": {"status": "Accepted", "parentIdTag": "P"},
    }
    assert (found.host, found.port, found.heartbeat_interval_s) == ("::1", 8000, 60)
    alone = settings(parser().parse_args(["serve", "--key", f"@{kept}"]))
    assert alone.key == b"\x03\xff"


@pytest.mark.parametrize(
    ("words", "mistake"),
    [
        (["--key", "A=xyz"], "argument --key: not HEX or ID=HEX"),
        (["--key", f"@{sys.executable}"], "argument --key: not HEX or ID=HEX"),
        (["--key", "A=@/no/key"], "argument --key: /no/key: No such file or direc"),
        (["--tag", "X"], "argument --tag: 'X'; write UID=STATUS or"),
        (["call", "A", "Reset", "{"], "argument JSON: not JSON: "),
        (["call", "A", "Reset", "5"], "argument JSON: '5' is no object"),
    ],
)
def test_a_mistake_on_the_command_line_is_named(
    capsys: pytest.CaptureFixture[str], words: list[str], mistake: str
) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    assert mistake in capsys.readouterr().err


def test_the_socket_is_where_the_system_wants_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert str(control_path()) == "/run/user/1000/benchcsms.sock"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert re.fullmatch(r"/tmp/benchcsms-\d+\.sock", str(control_path()))
