"""Who may do on the spot what not everybody on the socket may."""

import os

from chargerd import control
from chargerd.runtime.control_server import failed
from chargerd.runtime.control_socket import Peer


def permit(peer: Peer, group: str) -> None:
    """Return if a peer may act: it is the daemon's own user, root, or of the group.

    Args:
        peer: Who asks.
        group: The Unix group whose members may; "": root alone.

    Raises:
        ControlFailed: With ``NotPermitted``.
    """
    if peer.uid != os.geteuid() and not peer.belongs_to(group):
        raise failed(control.STATION, "NotPermitted", group=group or "root")
