"""``chargerctl status`` and ``chargerctl link``: how the station is doing."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from chargerd.cli import certificates, options, tables, units, update_words
from chargerd.cli.commands import Context, Document, reads
from chargerd.cli.tables import Column
from chargerd.cli.terminal import FAULT, GOOD, OFF, WARNING, Cell, Line, Terminal, mark

Values = Mapping[str, Any]

LINK_TONES: Final = {"online": GOOD, "registering": WARNING, "offline": FAULT}
STATUS_TONES: Final = {
    "Available": OFF,
    "Unavailable": WARNING,
    "Faulted": FAULT,
    "SuspendedEV": WARNING,
    "SuspendedEVSE": WARNING,
}
CONSEQUENCE_TONES: Final = {"stop": FAULT, "warning": WARNING}
_CLOCKS: Final = {
    "unset": mark(FAULT, "not set"),
    "file": mark(WARNING, "a guess (last time on the disk)"),
    "ocpp": mark(GOOD, "set by the CSMS"),
    "system": mark(GOOD, "set by the system"),
}
_NEEDS_NO_WORD: Final = frozenset({"Available", "Charging"})

_COLUMNS: Final = (
    Column("CONN"),
    Column("STATUS"),
    Column("SESSION", drops=2),
    Column("TAG", drops=3),
    Column("SOC"),
    Column("POWER"),
    Column("ENERGY"),
    Column("LIMIT"),
    Column("SINCE", drops=1),
)


def add(nouns: options.Verbs) -> None:
    """Add the commands of this module."""
    options.command(nouns, "status", "all on one screen (default)", status)
    link = options.command(nouns, "link", "the connection to the CSMS", _link)
    options.command(options.verbs(link, "VERB"), "status", "the connection", _link)


def header(status: Values) -> Iterator[Line]:
    """Yield the lines on the station as a whole."""
    kind = "simulated" if status["simulated"] else f"HAL {status['hardware']}"
    yield (
        mark(_tone(status), ""),
        Cell(f"{status['station']} ({kind})   chargerd {status['version']}   "),
        Cell(f"up {units.duration(status['uptime_s'])}"),
    )
    yield _link_line(status["link"], status["time"])
    yield (Cell("  Clock     "), _clock(status), *_offset(status["link"]))
    yield (
        Cell("  Queue     "),
        _queue(status),
        Cell("   Faults "),
        _fault_count(status),
        Cell("   Storage "),
        mark(GOOD if status["storage"] == "ok" else FAULT, status["storage"]),
    )
    if "update" in status:
        yield (Cell("  Update    "), update_words.state(status["update"]))


def connector_table(status: Values, terminal: Terminal) -> Iterator[Line]:
    """Yield one row for each connector."""
    rows = [_row(one, status["time"]) for one in status["connectors"]]
    return tables.table(terminal, _COLUMNS, rows)


def hints(status: Values) -> Iterator[Cell]:
    """Yield what needs somebody's attention, with the command that says more."""
    names = {one["number"]: one["name"] for one in status["connectors"]}
    for fault in status["faults"]:
        name = names.get(fault["connector"], "station")
        yield mark(
            CONSEQUENCE_TONES[fault["consequence"]],
            f"{name}: {fault['means']} ({fault['name']}). Do: {fault['remedy']}. "
            f"See: chargerctl fault show {fault['id']}",
        )
    yield from _link_hint(status["link"])
    if amount := status["messages_quarantined"]:
        yield mark(
            WARNING,
            f"{units.count(amount, 'message')} in quarantine: the CSMS keeps refusing. "
            "See: chargerctl queue",
        )
    for connector in status["connectors"]:
        yield from _connector_hint(connector)


def limit(connector: Values) -> str:
    """Return what bounds a connector's power, and who set it."""
    bound = connector.get("limit")
    if bound is None:
        return units.NOTHING
    return f"{_kilowatt(bound['power_w'])} kW {bound['set_by']}"


def power(connector: Values) -> str:
    """Return the power, against its limit if there is one."""
    bound, power_w = connector.get("limit"), connector.get("power_w")
    if power_w is None or bound is None:
        return units.power(power_w)
    return f"{power_w / 1000:.1f}/{_kilowatt(bound['power_w'])} kW"


def soc(connector: Values) -> str:
    """Return the vehicle's state of charge."""
    return units.number(connector.get("soc_percent"), "%")


def status_cell(connector: Values) -> Cell:
    """Return OCPP's word for a connector's state, with its symbol."""
    word = connector["status"]
    return mark(STATUS_TONES.get(word, GOOD), word)


def _fetch(context: Context) -> Document:
    return context.station("GetStatus")


def _render(document: Document, context: Context) -> Iterator[Line]:
    current, terminal = document["status"], context.terminal
    yield from header(current)
    yield ()
    yield from connector_table(current, terminal)
    told = () if terminal.quiet else tuple(hints(current))
    if told:
        yield ()
    for hint in told:
        yield from tables.paragraph(terminal, hint)


def _row(connector: Values, now: str) -> Sequence[Cell | str]:
    return (
        connector["name"],
        status_cell(connector),
        units.short(connector.get("session")),
        connector.get("tag") or units.NOTHING,
        soc(connector),
        power(connector),
        units.energy(connector.get("session_energy_wh")),
        limit(connector),
        units.between(connector["since"], now),
    )


def _kilowatt(power_w: float) -> str:
    return f"{power_w / 1000:.1f}".removesuffix(".0")


def _tone(status: Values) -> str:
    if any(one["consequence"] == "stop" for one in status["faults"]):
        return FAULT
    if status["faults"] or status["link"]["state"] != "online":
        return WARNING
    return GOOD


def _link_line(link: Values, now: str) -> Line:
    words = (
        f"   {link['url']}",
        f"   profile {link['security_profile']}",
        f"   since {units.between(link['since'], now)}" if "since" in link else "",
        f"   rtt {link['rtt_ms']:.0f} ms" if "rtt_ms" in link else "",
    )
    state = mark(LINK_TONES[link["state"]], link["state"])
    return (Cell("  Link      "), state, Cell("".join(words)))


def _clock(status: Values) -> Cell:
    return _CLOCKS[status["clock"]]


def _offset(link: Values) -> Line:
    offset_s = link.get("clock_offset_s")
    return () if offset_s is None else (Cell(f", offset to CSMS {offset_s:+.1f} s"),)


def _queue(status: Values) -> Cell:
    waiting, held = status["messages_waiting"], status["messages_quarantined"]
    if held:
        return mark(WARNING, f"{waiting} waiting, {held} in quarantine")
    return mark(GOOD, f"{waiting} waiting") if waiting else mark(OFF, "empty")


def _fault_count(status: Values) -> Cell:
    faults = status["faults"]
    if not faults:
        return mark(OFF, "none")
    stops = any(one["consequence"] == "stop" for one in faults)
    return mark(FAULT if stops else WARNING, str(len(faults)))


def _link_hint(link: Values) -> Iterator[Cell]:
    if link["state"] == "offline":
        why = link.get("failure") or link.get("failed_at") or "not tried yet"
        yield mark(FAULT, f"no connection to the CSMS: {why}. See: chargerctl link")
    elif link["state"] == "registering":
        yield mark(
            WARNING,
            f"the CSMS has not accepted this station yet ({link['registration']}). "
            "See: chargerctl link",
        )


def _connector_hint(connector: Values) -> Iterator[Cell]:
    name, status, bound = connector["name"], connector["status"], connector.get("limit")
    if (
        status == "Charging"
        and bound
        and bound["set_by"] not in ("vehicle", "hardware")
    ):
        yield mark(
            WARNING, f"{name}: {connector['reason']}. See: chargerctl why {name}"
        )
    elif status not in _NEEDS_NO_WORD | {"Faulted"}:
        yield mark(OFF, f"{name}: {connector['reason']}")


def _render_link(document: Document, context: Context) -> Iterator[Line]:
    link = document["link"]
    number, clock = units.number, units.clock
    failed_at = link.get("failed_at")
    next_try_s = link.get("next_try_s")
    yield from tables.pairs(
        (
            ("Link", mark(LINK_TONES[link["state"]], link["state"])),
            ("Since", units.date(link["since"]) if "since" in link else None),
            ("CSMS", link["url"]),
            ("Identity", link["identity"]),
            ("Profile", str(link["security_profile"])),
            ("Registered", link["registration"]),
            ("Heartbeat", clock(link.get("last_heartbeat"))),
            ("Round trip", number(link.get("rtt_ms"), "ms")),
            (
                "Clock",
                f"{link['clock_offset_s']:+.1f} s to the CSMS"
                if "clock_offset_s" in link
                else None,
            ),
            ("Failed at", mark(FAULT, failed_at) if failed_at else None),
            ("Because", link.get("failure")),
            (
                "Next try",
                f"in {units.duration(next_try_s)}" if next_try_s is not None else None,
            ),
        )
    )
    remedy = _REMEDIES.get(failed_at or "")
    if remedy and not context.terminal.quiet:
        yield from tables.paragraph(context.terminal, mark(WARNING, remedy))
    if not context.terminal.quiet:
        known = context.station("ListCertificates")
        for hint in islice(certificates.hints(known), 1):
            yield from tables.paragraph(context.terminal, hint)


_REMEDIES: Final = {
    "dns": "The name of the CSMS is not known here. Do: check the uplink and csms.url.",
    "tcp": "The CSMS is not reached. Do: check uplink, firewall and csms.url.",
    "tls": "There is no TLS with the CSMS. Do: check the port in csms.url, and that it "
    "begins with wss://.",
    "tls-time": "By our clock the certificate of the CSMS is not valid now. Do: check "
    "the clock (status), then ask its operator.",
    "tls-trust": "The certificate of the CSMS comes from nobody we believe. Do: get "
    "the root of its operator, then: chargerctl csms cert import --root csms FILE",
    "tls-name": "The certificate of the CSMS is another host's. Do: write the name in "
    "it into csms.url.",
    "tls-version": "The CSMS knows nothing newer than TLS 1.1. Do: ask its operator "
    "for TLS 1.2.",
    "tls-cipher": "The CSMS and we have no cipher suite in common, or it wants a "
    "certificate of ours (security profile 3). Do: ask its operator.",
    "tls-refused": "The CSMS does not take our certificate. Do: have its operator "
    "install the root that has issued it, or sign another: chargerctl csms cert csr",
    "http-auth": "The CSMS refuses our password. Do: compare identity and "
    "AuthorizationKey with what the CSMS has.",
    "http-path": "The CSMS does not know this station. Do: compare the path of "
    "csms.url and the identity with what the CSMS has.",
    "subprotocol": "The CSMS does not speak OCPP 1.6. Do: ask its operator for the "
    "address for ocpp1.6.",
    "ping": "The CSMS went silent. Do: if it comes back often, set "
    "WebSocketPingInterval below the time limit of the network.",
    "closed": "The CSMS ended the connection. Do: ask its operator why.",
    "held": "The link is held down by hand. Do: chargerctl mock link up.",
}

status = reads("status", _fetch, _render)
_link = reads("link", lambda context: context.station("GetLink"), _render_link)
