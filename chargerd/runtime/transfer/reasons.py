"""Why a file did not come or go, and what people are told to do about it."""

import errno
from enum import StrEnum
from typing import Final


class Why(StrEnum):
    """Why a transfer failed."""

    UNSUPPORTED_SCHEME = "unsupported_scheme"
    BAD_URL = "bad_url"
    NO_HOST = "no_host"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    STALLED = "stalled"
    DENIED = "denied"
    NOT_FOUND = "not_found"
    SERVER_ERROR = "server_error"
    TLS_TRUST = "tls_trust"
    TLS_NAME = "tls_name"
    TLS_TIME = "tls_time"
    TLS_OWN = "tls_own"
    TLS_OTHER = "tls_other"
    TOO_LARGE = "too_large"
    NO_ROOM = "no_room"
    EMPTY = "empty"
    REDIRECTED = "redirected"
    HOST_KEY = "host_key"
    DISK = "disk"
    CUT_OFF = "cut_off"
    NO_LIBRARY = "no_library"


class TransferFailed(Exception):
    """A file did not come or go; the text holds no credentials."""

    def __init__(self, why: Why, text: str) -> None:
        super().__init__(text)
        self.why = why
        self.resumable = False
        """Whether the server has a beginning of the file that was to go there."""


_WORDS: Final = {
    Why.BAD_URL: "the server takes no such path; check it",
    Why.NO_HOST: "the host is unknown; check its name, and the station's DNS",
    Why.REFUSED: "nobody listens there; check host and port",
    Why.NO_ANSWER: "no answer; check host and port, and firewalls on the way",
    Why.STALLED: "the server went silent; try again",
    Why.DENIED: "the server does not let us; check user, password and rights",
    Why.NOT_FOUND: "the server has no such file or folder; check the path",
    Why.SERVER_ERROR: "the server failed; see its log",
    Why.TLS_TRUST: "the certificate is of nobody we trust; install its root",
    Why.TLS_NAME: "the certificate is for another host; check the host's name",
    Why.TLS_TIME: "the certificate is not valid today; renew it, or check the clock",
    Why.TLS_OWN: "our own certificate is unusable; install it anew, with its key",
    Why.TLS_OTHER: "TLS came to no agreement; the server must speak TLS 1.2 or newer,"
    " and take our certificate if it wants one",
    Why.TOO_LARGE: "the file is too large; check that it is the right one",
    Why.NO_ROOM: "the disk has no room; free some",
    Why.EMPTY: "the file is empty; check that it is the right one",
    Why.REDIRECTED: "the server sends us elsewhere; write the address where it ends",
    Why.HOST_KEY: "the server's host key is not known; install its fingerprint",
    Why.DISK: "the station's own disk failed; check path and rights",
    Why.CUT_OFF: "the connection ended too early; try again",
    Why.NO_LIBRARY: "libcurl cannot be loaded; install pycurl anew for this system",
}
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def failure(shown: str, why: Why, detail: str = "") -> TransferFailed:
    """Return what is to be raised about the URL that people see as ``shown``."""
    detail = f" ({detail})" if detail else ""
    return TransferFailed(why, f"{shown}: {_WORDS[why]}{detail}")


def disk_failure(shown: str, error: OSError) -> TransferFailed:
    """Return what is to be raised when the station's own disk has failed."""
    why = Why.NO_ROOM if error.errno in _FULL else Why.DISK
    return failure(shown, why, error.strerror or type(error).__name__)
