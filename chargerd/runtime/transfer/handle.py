"""One use of libcurl: what both directions have in common."""

import ssl
import threading
import time
from typing import Any, Final

import pycurl

from chargerd.runtime.transfer.beside import Stopped
from chargerd.runtime.transfer.places import WEB, Place
from chargerd.runtime.transfer.reasons import TransferFailed, Why, failure
from chargerd.runtime.transfer.values import Access, Limits, Progress, Report
from chargerd.runtime.transfer.verdicts import why

REDIRECTS: Final = 5
REPORT_EVERY_S: Final = 1.0

_TOLD_BY_STATUS: Final = (Why.DENIED, Why.NOT_FOUND, Why.SERVER_ERROR)
_NEED_WORDS: Final = (Why.TLS_OWN, Why.TLS_OTHER, Why.SERVER_ERROR)
# Lower than its own scheme nobody is led, and nowhere but to a web server.
_REDIRECTS_TO: Final = {
    "http": pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
    "https": pycurl.PROTO_HTTPS,
}
_ALWAYS: Final[dict[int, Any]] = {
    pycurl.NOSIGNAL: 1,
    pycurl.NOPROGRESS: 0,
    pycurl.FAILONERROR: 1,
    pycurl.FOLLOWLOCATION: 1,
    pycurl.MAXREDIRS: REDIRECTS,
    pycurl.POSTREDIR: pycurl.REDIR_POST_ALL,
    pycurl.PROTOCOLS: pycurl.PROTO_HTTP
    | pycurl.PROTO_HTTPS
    | pycurl.PROTO_FTP
    | pycurl.PROTO_FTPS
    | pycurl.PROTO_SFTP,
    pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
    pycurl.HTTPAUTH: pycurl.HTTPAUTH_BASIC,
    pycurl.USERAGENT: "chargerd",
    pycurl.NETRC: pycurl.NETRC_IGNORED,
    pycurl.TCP_KEEPALIVE: 1,
    pycurl.SSLVERSION: pycurl.SSLVERSION_TLSv1_2,
    pycurl.SSL_VERIFYPEER: 1,
    pycurl.SSL_VERIFYHOST: 2,
    pycurl.FTP_USE_EPSV: 1,
    pycurl.FTP_SKIP_PASV_IP: 1,
    pycurl.FTP_CREATE_MISSING_DIRS: 0,
    # Keys of whoever runs the daemon, or of an agent, are nobody's business.
    pycurl.SSH_AUTH_TYPES: pycurl.SSH_AUTH_PASSWORD | pycurl.SSH_AUTH_KEYBOARD,
}


class Transfer:
    """What both directions have in common; runs on a thread of its own."""

    def __init__(
        self, place: Place, limits: Limits, access: Access, report: Report
    ) -> None:
        self.stop = threading.Event()
        self._place = place
        self._limits = limits
        self._access = access
        self._report = report
        self._report_at_s = 0.0
        self._failure: Exception | None = None
        self._heard = False

    def _handle(self) -> pycurl.Curl:
        curl = pycurl.Curl()
        for option, value in self._options().items():
            curl.setopt(option, value)
        curl.setopt(pycurl.HEADERFUNCTION, self._on_header)
        curl.setopt(pycurl.XFERINFOFUNCTION, self._on_look)
        self._trust_roots(curl)
        self._trust_host_key(curl)
        self._show_certificate(curl)
        if not self._access.environment_proxies:
            curl.setopt(pycurl.PROXY, "")
        if self._place.user is not None:
            curl.setopt(pycurl.USERNAME, self._place.user.encode())
            curl.setopt(pycurl.PASSWORD, (self._place.password or "").encode())
        return curl

    def _options(self) -> dict[int, Any]:
        limits, tls = self._limits, self._access.ftp_tls
        return _ALWAYS | {
            pycurl.URL: self._place.address,
            pycurl.REDIR_PROTOCOLS: _REDIRECTS_TO.get(self._place.scheme, 0),
            pycurl.USE_SSL: pycurl.USESSL_ALL if tls else pycurl.USESSL_NONE,
            pycurl.CONNECTTIMEOUT: limits.answer_within_s,
            pycurl.FTP_RESPONSE_TIMEOUT: limits.answer_within_s,
            pycurl.LOW_SPEED_LIMIT: limits.least_bytes_s,
            pycurl.LOW_SPEED_TIME: limits.stall_s,
            pycurl.MAX_RECV_SPEED_LARGE: limits.most_bytes_s,
            pycurl.MAX_SEND_SPEED_LARGE: limits.most_bytes_s,
        }

    def _trust_roots(self, curl: pycurl.Curl) -> None:
        if self._access.roots_pem is None:
            system = ssl.get_default_verify_paths()
            if system.cafile is not None:
                curl.setopt(pycurl.CAINFO, system.cafile)
            if system.capath is not None:
                curl.setopt(pycurl.CAPATH, system.capath)
            return
        # A folder that was compiled in must not add to the roots that we were given.
        curl.unsetopt(pycurl.CAPATH)
        curl.setopt(pycurl.CAINFO_BLOB, self._access.roots_pem)

    def _show_certificate(self, curl: pycurl.Curl) -> None:
        own = self._access.own_pem
        if own is not None:
            # Each option finds its own part of the text.
            curl.setopt(pycurl.SSLCERT_BLOB, own)
            curl.setopt(pycurl.SSLKEY_BLOB, own)

    def _trust_host_key(self, curl: pycurl.Curl) -> None:
        access = self._access
        if self._place.scheme != "sftp" or access.any_host_key:
            return
        if access.host_key_sha256 is not None:
            fingerprint = access.host_key_sha256.removeprefix("SHA256:").rstrip("=")
            curl.setopt(pycurl.SSH_HOST_PUBLIC_KEY_SHA256, fingerprint)
        elif access.known_hosts is not None:
            curl.setopt(pycurl.SSH_KNOWNHOSTS, str(access.known_hosts))
        else:
            raise self._failed(Why.HOST_KEY)

    def _perform(self, curl: pycurl.Curl) -> None:
        self._failure = None
        code, words = pycurl.E_OK, ""
        try:
            curl.perform()
        except pycurl.error as error:
            code, words = error.args
        if self.stop.is_set():
            raise Stopped
        if self._failure is not None:
            raise self._failure
        if code != pycurl.E_OK:
            place = self._place
            reason = why(curl, code, words, place.scheme, self._heard)
            status = curl.getinfo(pycurl.RESPONSE_CODE)
            protocol = "HTTP" if place.scheme in WEB else "FTP"
            if reason in _TOLD_BY_STATUS and status >= 400:
                raise self._failed(reason, f"{protocol} {status}")
            raise self._failed(
                reason, place.clean(words) if reason in _NEED_WORDS else ""
            )

    def _failed(self, reason: Why, detail: str = "") -> TransferFailed:
        return failure(self._place.shown, reason, detail)

    def _on_header(self, line: bytes) -> None:
        self._heard = True

    def _on_look(self, *counts: int) -> int:
        """Stop here if we shall; libcurl asks once a second at the least."""
        down, up = counts[1], counts[3]
        moves = down + up > 0
        self._heard = self._heard or moves
        now_s = time.monotonic()
        if moves and now_s >= self._report_at_s and not self.stop.is_set():
            self._report_at_s = now_s + REPORT_EVERY_S
            self._report(self._progress(up))
        return int(self.stop.is_set())

    def _progress(self, up: int) -> Progress:
        raise NotImplementedError
