"""chargerctl as a process of its own: start, signals, pipes, terminals, bash."""

import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.cli.station import CHARGING, ENVIRONMENT, STATUS, Station, served

PROGRAM = (sys.executable, "-c", "from chargerd.cli.main import main; exit(main())")
NOT_FOR_A_FAST_START = {"asyncio", "dataclasses", "importlib.metadata", "curses"}


@contextmanager
def started(socket_path: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*PROGRAM, *words],
        env={**ENVIRONMENT, "CHARGERD_SOCKET": socket_path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]


def test_it_starts_without_what_is_slow_to_import(socket_path: str) -> None:
    code = (
        "import sys; from chargerd.cli.main import main; main(['-q']);"
        "print(*sys.modules, file=sys.stderr)"
    )
    environment = {**ENVIRONMENT, "CHARGERD_SOCKET": socket_path}
    result = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(result.stderr.split())
    assert "argparse" in loaded
    assert not loaded & NOT_FOR_A_FAST_START
    assert {name for name in loaded if name.startswith("chargerd.")} <= {
        name for name in loaded if name.startswith(("chargerd.cli", "chargerd.control"))
    }


def test_watch_prints_one_line_for_every_change(
    station: Station, socket_path: str
) -> None:
    paused = {**CHARGING, "status": "SuspendedEV", "power_w": 0.0}
    more = {**CHARGING, "session_energy_wh": 21_500}
    for connector in (more, paused):
        status = {**STATUS, "connectors": [connector, STATUS["connectors"][1]]}
        station.updates.append({"status": status, "happenings": []})
    with started(socket_path, "watch") as process:
        told = lines(process, 6)
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 130
    assert told == [
        "14:21:20  ccs1      MeterValues queued",
        "14:21:23  station   dialling csms.example",
        "14:21:24  link      ✗ offline  csms.example: name or service not known",
        "14:21:24  ccs1      ● Charging  energized, limit 60 kW profile, 60 kW, 63 %",
        "14:21:24  ccs2      ✗ Faulted  finished, limit –",
        "14:21:24  ccs1      ▲ SuspendedEV  energized, limit 60 kW profile, 0 kW, 63 %",
    ]


def test_watch_speaks_json_lines(station: Station, socket_path: str) -> None:
    station.updates.append({"status": station.status, "happenings": []})
    with started(socket_path, "watch", "--json") as process:
        documents = [json.loads(line) for line in lines(process, 2)]
    assert {one["schema"] for one in documents} == {"chargerctl/watch/1"}
    assert documents[0]["status"] == STATUS


def test_a_reader_who_leaves_ends_it_without_a_traceback(
    station: Station, socket_path: str
) -> None:
    station.updates = [{"status": station.status, "happenings": []}] * 200
    with started(socket_path, "watch", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(5) == 141
        assert process.stderr.read() == ""


def test_who_may_not_open_the_socket_hears_what_to_do(socket_path: str) -> None:
    os.chmod(socket_path, 0)
    code = (
        "import os, sys; from chargerd.cli.main import main;"
        "main(['completion', 'bash']);"  # loads all that root alone may read
        "os.getuid() or os.setuid(65534); sys.exit(main(sys.argv[1:]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "--socket", socket_path],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 4
    assert result.stderr.startswith(f"chargerctl: {socket_path}: you may not open it; ")


@contextmanager
def answering(path: str, answer: bytes) -> Iterator[None]:
    """Serve one client the given bytes, and nothing more until it hangs up."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(1000)
                client.sendall(answer)
                client.recv(1000)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join(5)


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (b"", 7, "no answer within 0.05 s"),
        (b"HTTP/1.1 400 Bad Request\0", 1, "no chargerd"),
        (b'{"error":"org.example.New","parameters":{"code":1}}\0', 1, "New"),
    ],
)
def test_a_daemon_that_answers_strangely_is_named(
    tmp_path: Path, answer: bytes, code: int, words: str
) -> None:
    path = str(tmp_path / "strange.sock")
    with (
        answering(path, answer),
        started(path, "link", "--timeout", "0.05", "--json") as process,
    ):
        out, err = process.communicate()
    assert process.returncode == code
    assert words in err
    assert json.loads(out)["error"].get("pending") is (True if code == 7 else None)


@contextmanager
def on_a_terminal(
    words: list[str], environment: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run chargerctl on a terminal of 80x24; yield it and our end of the line."""
    line, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    process = subprocess.Popen(
        [*PROGRAM, *words],
        env=environment,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    with process:
        try:
            yield process, line
        finally:
            process.kill()
            os.close(line)


def read_until(line: int, wanted: str, within_s: float = 5.0) -> str:
    """Collect what is drawn until ``wanted`` is there; the end of it ends that, too."""
    seen = b""
    end_s = time.monotonic() + within_s
    while wanted.encode() not in seen or not wanted:
        if not select.select([line], [], [], end_s - time.monotonic())[0]:
            raise AssertionError(f"{wanted!r} was not drawn, but {seen!r}")
        try:
            seen += os.read(line, 65_536)
        except OSError:  # the terminal's other end is closed
            break
    return seen.decode()


def test_top_draws_draws_again_and_quits_by_key(
    station: Station, socket_path: str
) -> None:
    station.updates.append(
        {
            "status": station.status,
            "happenings": [{"time": STATUS["time"], "connector": 2, "what": "rattled"}],
        }
    )
    environment = {**ENVIRONMENT, "TERM": "xterm", "CHARGERD_SOCKET": socket_path}
    with on_a_terminal(["top"], environment) as (top, line):
        seen = read_until(line, "rattled")
        os.write(line, b"q")
        read_until(line, "")
        assert top.wait(5) == 0
    assert "DC-0417" in seen
    assert "59.9/60 kW" in seen


def test_top_goes_on_while_the_daemon_is_away(station: Station, tmp_path: Path) -> None:
    path = str(tmp_path / "control.sock")
    environment = {**ENVIRONMENT, "TERM": "xterm", "CHARGERD_SOCKET": path}
    daemon = ExitStack()
    with daemon:
        daemon.enter_context(served(station, path))
        with on_a_terminal(["top"], environment) as (top, line):
            read_until(line, "q quit")
            daemon.close()
            read_until(line, "trying again")
            os.write(line, b"q")
            read_until(line, "")
            assert top.wait(5) == 0


def test_a_terminal_gets_colors_unless_it_asks_for_none(socket_path: str) -> None:
    environment = {**ENVIRONMENT, "TERM": "xterm", "CHARGERD_SOCKET": socket_path}
    for extra, colored in (({}, True), ({"NO_COLOR": "1"}, False)):
        with on_a_terminal(["fault"], {**environment, **extra}) as (_, line):
            seen = read_until(line, "")
        assert "contactor-weld" in seen
        assert ("\x1b[31m" in seen) is colored
