"""Mutual TLS with a private key in hardware: both versions, then a charged car.

OPENSSL_CONF must name the token at the start; scripts/try-hardware-key sees to it.
"""

import socket
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from chargerd.runtime import tls
from demo_session import session
from stage import Setting, Stage, StageFailed, perform

_HOST: Final = "127.0.0.1"
_VERSIONS: Final = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
_PATIENCE_S: Final = 10.0


def shake_hands(authority: Path, version: ssl.TLSVersion) -> str:
    """Return what was agreed on in one handshake, and how long it took.

    Raises:
        Unusable: The token or the key in it cannot be reached.
        OSError: Nothing was agreed on.
    """
    own = tls.OwnCertificate(authority / "station.pem", authority / "station.key")
    begun_s = perf_counter()
    dialing = tls.context(tls.TlsSettings((authority / "root.pem").read_text(), own))
    loaded_s = perf_counter()
    dialing.minimum_version = dialing.maximum_version = version
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.settimeout(_PATIENCE_S)
    with ThreadPoolExecutor(1) as threads, ours, theirs:
        listening = threads.submit(_listen, authority, theirs)
        with dialing.wrap_socket(ours, server_hostname=_HOST) as secured:
            secured.recv(1)  # under TLS 1.3 only now our certificate has been believed
            agreed = secured.cipher()
        name = listening.result()
    assert agreed is not None
    suite, spoken, _ = agreed
    return (
        f"{spoken}, {suite}: the other end knows {name}; "
        f"key loaded in {(loaded_s - begun_s) * 1000:.0f} ms, "
        f"handshake {(perf_counter() - loaded_s) * 1000:.0f} ms"
    )


def _listen(authority: Path, end: socket.socket) -> str:
    listening = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    listening.load_cert_chain(authority / "bench.pem", authority / "bench.key")
    listening.load_verify_locations(authority / "root.pem")
    listening.verify_mode = ssl.CERT_REQUIRED
    with listening.wrap_socket(end, server_side=True) as secured:
        shown = secured.getpeercert() or {}
        secured.send(b"!")
        subject: Any = shown["subject"]
        names = {kind: text for part in subject for kind, text in part}
        return str(names["commonName"])


def charge(on: Stage) -> int:
    """Play a session; the daemon must also end well with the token's library in it."""
    code = session(on)
    on.daemon.terminate()
    ended = on.daemon.wait(_PATIENCE_S)
    if ended != 0:
        raise StageFailed(f"chargerd should have ended with 0, not {ended}")
    return code


def main(authority: Path) -> int:
    """Try all of it; return the exit code."""
    try:
        for version in _VERSIONS:
            print(shake_hands(authority, version), flush=True)
    except (tls.Unusable, OSError) as error:
        print(f"try-hardware-key: {error}", file=sys.stderr)
        return 1
    return perform(charge, Setting(profile=3, issued=authority))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
