"""The certification cases of OCPP 1.6 charge points, each written once and run on
two stages.

* On the *bench* the charge point without I/O goes through a case in no time. There
  the CSMS also has bad manners: it answers late, oddly, or loses the link.
* On the *daemon* the same case runs against the real process, a real WebSocket and
  the simulated station, with the case's times cut short by configuration.

The cases of security and of files run on the daemon alone, under the security profiles
that they are for: ``secured.py``.

``stage.py`` is what a case can do and hear, ``order.py`` which messages may come in
which order, ``states.py`` the states that cases begin in, and ``catalogue.py`` says of
every case where it is, or why it is not.
"""
