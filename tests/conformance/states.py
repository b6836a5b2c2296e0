"""The states that several cases begin in, and how a station is brought there."""

from typing import Any

from tests.conformance.order import (
    LOCAL,
    Heard,
    Json,
    authorize,
    boot,
    started,
    status,
    stopped,
)
from tests.conformance.stage import EVERYWHERE, SINGLE, Stage

ACCEPTED: Json = {"status": "Accepted"}
REJECTED: Json = {"status": "Rejected"}


async def until_booted(stage: Stage, word: str = "Available") -> None:
    """Hear a boot, and then the statuses of all connectors."""
    await stage.expects(boot())
    await expect_everywhere(stage, word)


async def expect_everywhere(stage: Stage, word: str) -> None:
    """Hear a status of the station and of each of its connectors."""
    await _expect_at(stage, 0, word)


async def _expect_at(stage: Stage, connector: int, word: str) -> None:
    told = (connector,) if connector else EVERYWHERE
    await stage.expects_each(*(status(word, connector=n) for n in told))


async def until_authorized(stage: Stage) -> None:
    """Hold a card to the reader before a car is there."""
    await stage.card(SINGLE)
    await stage.expects_each(authorize(SINGLE), status("Preparing"))


async def until_occupied(stage: Stage, connector: int = 1) -> None:
    await stage.plug(connector)
    await stage.expects(status("Preparing", connector=connector))


async def until_charging(
    stage: Stage, id_tag: str = SINGLE, connector: int = 1, *, reserved: bool = False
) -> Heard:
    """Begin a transaction from afar; return its StartTransaction."""
    preparing = status("Preparing", connector=connector)
    await stage.plug(connector)
    if not reserved:
        await stage.expects(preparing)
    await until_remotely_started(stage, id_tag, connector)
    if reserved:
        await stage.expects(preparing)
    start = await until_begun(stage, id_tag, connector)
    await stage.transaction(connector)
    return start


async def until_remotely_started(
    stage: Stage,
    id_tag: str = SINGLE,
    connector: int = 1,
    *,
    known: bool = False,
    **more: Any,
) -> None:
    """Start from afar, and hear the Authorize if there is to be one."""
    key = "AuthorizeRemoteTxRequests"
    answer = await stage.asks("GetConfiguration", key=[key])
    asks = answer["configurationKey"][0]["value"].lower() == "true"
    payload = {"connectorId": connector, "idTag": id_tag, **more}
    assert await stage.asks("RemoteStartTransaction", **payload) == ACCEPTED
    if asks and not known:
        await stage.expects(authorize(id_tag))


async def until_begun(
    stage: Stage, id_tag: str = SINGLE, connector: int = 1, **fields: Any
) -> Heard:
    """Hear that a transaction has begun."""
    start = await stage.expects(started(id_tag, connector, **fields))
    await stage.expects(status("Charging", connector=connector))
    return start


async def until_ended(stage: Stage, *reasons: str | None, **fields: Any) -> None:
    """Hear that the transaction has ended, and why."""
    await stage.expects(stopped(*reasons, **fields))
    await stage.expects(status("Finishing"))


async def until_cached(stage: Stage) -> None:
    """Let the station learn a card in a transaction."""
    await until_charging(stage)
    await stage.card(SINGLE)
    await until_ended(stage, *LOCAL)
    await stage.unplug()
    await stage.expects(status("Available"))


async def until_listed(stage: Stage) -> None:
    """Send a local list of one card."""
    entry = {"idTag": SINGLE, "idTagInfo": ACCEPTED}
    answer = await stage.asks(
        "SendLocalList",
        listVersion=1,
        updateType="Full",
        localAuthorizationList=[entry],
    )
    assert answer == ACCEPTED


async def until_unavailable(stage: Stage, connector: int) -> None:
    """Take a connector, or as 0 the station, out of service."""
    answer = await stage.asks(
        "ChangeAvailability", connectorId=connector, type="Inoperative"
    )
    assert answer == ACCEPTED
    await _expect_at(stage, connector, "Unavailable")


async def until_broken(stage: Stage, connector: int) -> None:
    """Provoke a fault of a connector, or as 0 of the station."""
    await stage.breaks(connector)
    await _expect_at(stage, connector, "Faulted")
