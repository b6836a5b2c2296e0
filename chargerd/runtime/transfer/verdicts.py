"""What libcurl's codes, the server's status and OpenSSL's verdict mean to us."""

import errno
from typing import Final

import pycurl

from chargerd.runtime.transfer.places import WEB
from chargerd.runtime.transfer.reasons import Why

_E_SSL_CLIENTCERT: Final = 98
"""Our certificate was wanted, and we have none; pycurl has no name for it."""
_ALERT: Final = " alert "
"""By which OpenSSL tells that the other side ended TLS: under TLS 1.3 a server refuses
our certificate only after the handshake. If it hangs up hastily, even that is lost."""
_BY_HTTP_STATUS: Final = {
    401: Why.DENIED,
    403: Why.DENIED,
    407: Why.DENIED,
    404: Why.NOT_FOUND,
    410: Why.NOT_FOUND,
}
# What OpenSSL says of a chain. Zero and one: the chain is good, so it was the name,
# which libcurl looks at before it takes over the verdict.
_BY_VERDICT: Final = {
    0: Why.TLS_NAME,
    1: Why.TLS_NAME,
    9: Why.TLS_TIME,
    10: Why.TLS_TIME,
    62: Why.TLS_NAME,
    64: Why.TLS_NAME,
}
_BY_CODE: Final = {
    pycurl.E_UNSUPPORTED_PROTOCOL: Why.REDIRECTED,
    pycurl.E_URL_MALFORMAT: Why.BAD_URL,
    pycurl.E_TOO_MANY_REDIRECTS: Why.REDIRECTED,
    pycurl.E_COULDNT_RESOLVE_HOST: Why.NO_HOST,
    pycurl.E_COULDNT_RESOLVE_PROXY: Why.NO_HOST,
    pycurl.E_LOGIN_DENIED: Why.DENIED,
    pycurl.E_FTP_USER_PASSWORD_INCORRECT: Why.DENIED,
    pycurl.E_REMOTE_ACCESS_DENIED: Why.DENIED,
    pycurl.E_UPLOAD_FAILED: Why.DENIED,
    pycurl.E_REMOTE_FILE_NOT_FOUND: Why.NOT_FOUND,
    pycurl.E_FTP_COULDNT_RETR_FILE: Why.NOT_FOUND,
    pycurl.E_SSL_CONNECT_ERROR: Why.TLS_OTHER,
    pycurl.E_USE_SSL_FAILED: Why.TLS_OTHER,
    pycurl.E_SSL_CIPHER: Why.TLS_OTHER,
    pycurl.E_SSL_CERTPROBLEM: Why.TLS_OWN,
    _E_SSL_CLIENTCERT: Why.TLS_OTHER,
    # To OpenSSL, a private key that is not there is a wrong argument.
    pycurl.E_BAD_FUNCTION_ARGUMENT: Why.TLS_OWN,
    pycurl.E_SSL_CACERT_BADFILE: Why.TLS_TRUST,
    pycurl.E_WRITE_ERROR: Why.DISK,
    pycurl.E_READ_ERROR: Why.DISK,
    pycurl.E_PARTIAL_FILE: Why.CUT_OFF,
    pycurl.E_RECV_ERROR: Why.CUT_OFF,
    pycurl.E_SEND_ERROR: Why.CUT_OFF,
    pycurl.E_GOT_NOTHING: Why.CUT_OFF,
}


def why(curl: pycurl.Curl, code: int, words: str, scheme: str, heard: bool) -> Why:
    """Return why a transfer failed.

    Args:
        curl: The handle, which knows more.
        code: What libcurl gave up with.
        words: What it says of that.
        scheme: Of the URL.
        heard: Whether the server has said anything.
    """
    status = curl.getinfo(pycurl.RESPONSE_CODE)
    if scheme in WEB and status >= 400:
        return _BY_HTTP_STATUS.get(status, Why.SERVER_ERROR)
    if code == pycurl.E_PEER_FAILED_VERIFICATION:
        if scheme == "sftp":
            return Why.HOST_KEY
        verdict = curl.getinfo(pycurl.SSL_VERIFYRESULT)
        return _BY_VERDICT.get(verdict, Why.TLS_TRUST)
    if code == pycurl.E_COULDNT_CONNECT:
        refused = curl.getinfo(pycurl.OS_ERRNO) == errno.ECONNREFUSED
        return Why.REFUSED if refused else Why.NO_ANSWER
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return Why.STALLED if heard else Why.NO_ANSWER
    if code == pycurl.E_RECV_ERROR and _ALERT in words:
        return Why.TLS_OTHER
    return _BY_CODE.get(code, Why.SERVER_ERROR)
