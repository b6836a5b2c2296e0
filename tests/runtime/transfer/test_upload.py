"""A file goes whole, and as it was when it was opened."""

from pathlib import Path

import pytest

from chargerd.runtime.transfer.reasons import TransferFailed, Why
from chargerd.runtime.transfer.upload import upload
from chargerd.runtime.transfer.values import Access, Progress
from tests.runtime.transfer.served import ALL, BODY, LIMITS, OPEN, OTHER, serving
from tests.servers.web import Web, web_server


@ALL
async def test_a_file_goes_whole(scheme: str, tmp_path: Path, there: Path) -> None:
    log = tmp_path / "log 1.zip"
    log.write_bytes(BODY)
    async with serving(scheme, there) as server:
        await upload(log, f"{server.url}/", LIMITS, server.access)
        name = "log%201.zip" if scheme.startswith("http") else "log 1.zip"
        assert server.got(name) == BODY


@pytest.mark.parametrize("scheme", ["ftp", "sftp"])
async def test_an_upload_makes_no_folders(
    scheme: str, tmp_path: Path, there: Path
) -> None:
    log = tmp_path / "log.zip"
    log.write_bytes(BODY)
    async with serving(scheme, there) as server:
        with pytest.raises(TransferFailed) as caught:
            await upload(log, f"{server.url}/none/", LIMITS, server.access)
    assert caught.value.why in (Why.DENIED, Why.NOT_FOUND)
    assert list(there.iterdir()) == []


@pytest.mark.requirement("DIAG-05")
async def test_put_names_the_file_and_post_sends_a_form(tmp_path: Path) -> None:
    log = tmp_path / "log.zip"
    log.write_bytes(BODY)
    with web_server() as web:
        url = f"http://127.0.0.1:{web.port}"
        for place in ("/logs", "/logs/", "/logs/?a=b", "/signed?a=b"):
            await upload(log, url + place, LIMITS, OPEN)
        await upload(log, f"{url}/form", LIMITS, Access(post=True))
        assert [seen[:2] for seen in web.seen] == [
            ("PUT", "/logs/log.zip"),
            ("PUT", "/logs/log.zip"),
            ("PUT", "/logs/log.zip?a=b"),
            ("PUT", "/signed?a=b"),
            ("POST", "/form"),
        ]
        assert web.put["/logs/log.zip"] == BODY
        assert BODY in web.put["/form"]
        assert b'name="file"; filename="log.zip"' in web.put["/form"]


async def test_an_upload_that_is_refused_or_led_elsewhere(tmp_path: Path) -> None:
    log = tmp_path / "log.zip"
    log.write_bytes(BODY)
    with web_server(Web(answers={"/b/log.zip": (307, "/c/log.zip")})) as web:
        url = f"http://127.0.0.1:{web.port}"
        await upload(log, f"{url}/b", LIMITS, OPEN)
        assert web.put["/c/log.zip"] == BODY
        web.answers["/b/log.zip"] = (403, "")
        with pytest.raises(TransferFailed) as caught:
            await upload(log, f"{url}/b", LIMITS, OPEN)
    assert caught.value.why is Why.DENIED


async def test_a_log_that_grows_goes_as_long_as_it_was(
    tmp_path: Path, there: Path
) -> None:
    log = tmp_path / "log.zip"
    log.write_bytes(BODY)

    def grow(progress: Progress) -> None:
        with log.open("ab") as file:
            file.write(OTHER)

    for scheme in ("http", "ftp", "sftp"):
        log.write_bytes(BODY)
        async with serving(scheme, there) as server:
            await upload(log, server.url, LIMITS, server.access, grow)
            assert server.got("log.zip") == BODY
        assert log.stat().st_size > len(BODY)
