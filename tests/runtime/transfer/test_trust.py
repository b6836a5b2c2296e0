"""Who is believed, and who is told our password."""

import socket
import ssl
import warnings
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from chargerd.runtime.transfer.download import download
from chargerd.runtime.transfer.reasons import Why
from chargerd.runtime.transfer.values import Access
from tests.runtime.transfer.served import BODY, LIMITS, OPEN, failure, sha256
from tests.servers.ftp import Ftp, ftp_server
from tests.servers.login import LOGIN, PASSWORD, USER
from tests.servers.papers import Papers
from tests.servers.sftp import Sftp, sftp_server
from tests.servers.web import Web, web_server


@pytest.mark.parametrize(
    ("host", "days", "own_root", "why"),
    [
        ("127.0.0.1", 1, False, Why.TLS_TRUST),
        ("elsewhere.example", 1, True, Why.TLS_NAME),
        ("127.0.0.1", -1, True, Why.TLS_TIME),
    ],
)
@pytest.mark.parametrize("scheme", ["https", "ftps"])
async def test_a_certificate_must_be_trusted_for_this_host_today(
    scheme: str, host: str, days: int, own_root: bool, why: Why, to: Path, there: Path
) -> None:
    papers = Papers.made(there, host, timedelta(days=days))
    roots = papers if own_root else Papers.made(to.parent)
    for path in to.parent.iterdir():
        path.unlink()
    async with AsyncExitStack() as stack:
        if scheme == "https":
            port = stack.enter_context(web_server(papers=papers)).port
        else:
            ftp = ftp_server(Ftp(there), papers, implicit=True)
            port = stack.enter_context(ftp).port
        url = f"{scheme}://127.0.0.1:{port}/a"
        error = await failure(url, to, access=Access(roots.root_pem))
    assert error.why is why


async def test_the_roots_of_the_system_do_not_know_ours(to: Path, there: Path) -> None:
    with web_server(papers=Papers.made(there)) as web:
        error = await failure(f"https://127.0.0.1:{web.port}/a", to)
    assert error.why is Why.TLS_TRUST


async def test_a_server_without_tls_or_with_an_old_one(to: Path, there: Path) -> None:
    papers = Papers.made(there)
    access = Access(papers.root_pem, ftp_tls=True)
    with web_server() as web, ftp_server(Ftp(there)) as ftp:
        for url in (
            f"https://127.0.0.1:{web.port}/a",
            f"ftp://{LOGIN}@127.0.0.1:{ftp.port}/a",
        ):
            assert (await failure(url, to, access=access)).why is Why.TLS_OTHER
        assert not any(line.startswith(("USER", "PASS")) for line in ftp.commands)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with web_server(papers=papers, newest=ssl.TLSVersion.TLSv1_1) as web:
            url = f"https://127.0.0.1:{web.port}/a"
            assert (await failure(url, to, access=access)).why is Why.TLS_OTHER


async def test_redirects_end_after_five(to: Path) -> None:
    with web_server(Web(files={"/5": BODY})) as web:
        url = f"http://127.0.0.1:{web.port}"
        web.answers |= {f"/{n}": (302, f"/{n + 1}") for n in range(5)}
        await download(f"{url}/0", to, LIMITS, OPEN)
        to.unlink()
        web.answers["/start"] = (302, "/0")
        assert (await failure(f"{url}/start", to)).why is Why.REDIRECTED


async def test_no_redirect_leads_out_of_tls_or_of_the_web(
    to: Path, there: Path
) -> None:
    papers = Papers.made(there)
    (there / "a").write_bytes(BODY)
    access = Access(papers.root_pem, any_host_key=True)
    with (
        web_server(Web(files={"/a": BODY})) as plain,
        web_server(papers=papers) as web,
        ftp_server(Ftp(there)) as ftp,
    ):
        for location in (
            f"http://127.0.0.1:{plain.port}/a",
            f"ftp://{LOGIN}@127.0.0.1:{ftp.port}/a",
            f"file://{there}/a",
        ):
            web.answers["/a"] = (302, location)
            url = f"https://127.0.0.1:{web.port}/a"
            error = await failure(url, to, access=access)
            assert error.why is Why.REDIRECTED
            assert "s3cr" not in str(error)
        assert (plain.seen, ftp.commands) == ([], [])


async def test_a_password_follows_no_redirect_to_another_server(to: Path) -> None:
    with web_server(Web(files={"/a": BODY})) as other, web_server() as web:
        web.answers["/a"] = (302, f"http://127.0.0.1:{other.port}/a")
        await download(f"http://{LOGIN}@127.0.0.1:{web.port}/a", to, LIMITS, OPEN)
        assert "Authorization" in web.seen[0][2]
        assert "Authorization" not in other.seen[0][2]


async def test_no_host_key_is_taken_unseen(to: Path, there: Path) -> None:
    (there / "a").write_bytes(BODY)
    known, strange = there / "known", there / "strange"
    async with sftp_server(Sftp(there)) as sftp, sftp_server(Sftp(there)) as other:
        known.write_text(sftp.known_hosts)
        strange.write_text(other.known_hosts)
        url = f"sftp://{LOGIN}@127.0.0.1:{sftp.port}/a"
        for access in (
            Access(),
            Access(known_hosts=strange),
            Access(known_hosts=there / "none"),
            Access(host_key_sha256=other.fingerprint),
        ):
            assert (await failure(url, to, access=access)).why is Why.HOST_KEY
        for access in (
            Access(known_hosts=known),
            Access(host_key_sha256=sftp.fingerprint),
            Access(any_host_key=True),
        ):
            received = await download(url, to, LIMITS, access)
            assert received.sha256 == sha256(BODY)
            to.unlink()


async def test_neither_proxies_nor_netrc_are_used_unasked(
    to: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("HOME", str(there))
    netrc = f"machine 127.0.0.1 login {USER} password netrc-word\n"
    (there / ".netrc").write_text(netrc)
    with web_server(Web(files={"/a": BODY})) as web:
        url = f"http://127.0.0.1:{web.port}/a"
        await download(url, to, LIMITS, OPEN)
        to.unlink()
        access = Access(environment_proxies=True)
        assert (await failure(url, to, access=access)).why is Why.REFUSED
        web.login = f"{USER}:netrc-word"
        assert (await failure(url, to)).why is Why.DENIED


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_server_may_want_our_certificate(
    newest: ssl.TLSVersion, to: Path, there: Path
) -> None:
    papers = Papers.made(there)
    (there / "ours").mkdir()
    ours = Papers.made(there / "ours", "station")
    with web_server(Web(files={"/a": BODY}), papers, newest, ours) as web:
        url = f"https://127.0.0.1:{web.port}/a"
        for own, why in (
            (None, Why.TLS_OTHER),
            (papers.chain.read_text(), Why.TLS_OTHER),
            ("no PEM", Why.TLS_OWN),
            (ours.root_pem, Why.TLS_OWN),
        ):
            access = Access(papers.root_pem, own_pem=own)
            assert (await failure(url, to, access=access)).why is why
        assert web.seen == []
        access = Access(papers.root_pem, own_pem=ours.chain.read_text())
        assert (await download(url, to, LIMITS, access)).sha256 == sha256(BODY)


def test_settings_do_not_show_what_they_hold() -> None:
    assert "BEGIN" not in repr(Access("-----BEGIN CERTIFICATE-----"))
    assert PASSWORD not in repr(Access(roots_pem=PASSWORD, own_pem=PASSWORD))
