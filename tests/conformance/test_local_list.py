"""The local list that the CSMS sends (LocalAuthListManagement)."""

from typing import Final

import pytest

from tests.conformance.order import Json, Wanted
from tests.conformance.stage import ANOTHER, SINGLE, Stage
from tests.conformance.states import (
    ACCEPTED,
    until_begun,
    until_listed,
    until_occupied,
    until_remotely_started,
)

ENTRIES: Final[list[Json]] = [{"idTag": SINGLE, "idTagInfo": ACCEPTED}]
MORE: Final[list[Json]] = [{"idTag": ANOTHER, "idTagInfo": ACCEPTED}]


async def sends(
    stage: Stage, kind: str, version: int, entries: list[Json] | None
) -> str:
    """Send a list; return the word that it got."""
    payload: Json = {"listVersion": version, "updateType": kind}
    if entries is not None:
        payload["localAuthorizationList"] = entries
    answer = await stage.asks("SendLocalList", **payload)
    return str(answer["status"])


async def version(stage: Stage) -> int:
    answer = await stage.asks("GetLocalListVersion")
    return int(answer["listVersion"])


@pytest.mark.requirement("LIST-05")
@pytest.mark.key("LocalAuthListEnabled")
async def test_tc_042_1_version_of_a_list_that_is_off(stage: Stage) -> None:
    await stage.sets(LocalAuthListEnabled=False)
    assert await version(stage) == -1


@pytest.mark.requirement("LIST-06")
async def test_tc_042_2_version_of_an_empty_list(stage: Stage) -> None:
    await stage.sets(LocalAuthListEnabled=True)
    assert await sends(stage, "Full", 1, None) == "Accepted"
    assert await version(stage) == 0


@pytest.mark.requirement("LIST-07", "LIST-11")
async def test_tc_043_send_a_list(stage: Stage) -> None:
    assert await sends(stage, "Full", 1, ENTRIES) == "Accepted"
    assert await sends(stage, "Differential", 2, MORE) == "Accepted"


@pytest.mark.requirement("LIST-10")
async def test_tc_043_2_send_an_old_list(stage: Stage) -> None:
    assert await sends(stage, "Full", 2, ENTRIES) == "Accepted"
    assert await version(stage) == 2
    assert await sends(stage, "Differential", 5, MORE) == "Accepted"
    assert await version(stage) == 5
    assert await sends(stage, "Differential", 4, ENTRIES) == "VersionMismatch"
    assert await version(stage) == 5


@pytest.mark.requirement("LIST-14", "LIST-17")
async def test_tc_043_3_send_a_list_that_cannot_be(stage: Stage) -> None:
    assert await sends(stage, "Full", 1, ENTRIES) == "Accepted"
    assert await sends(stage, "Full", 2, [*MORE, *MORE]) == "Failed"
    assert await version(stage) == 1


async def knows_a_card(stage: Stage) -> None:
    """Let a card be in the list, and nowhere else."""
    await stage.sets(
        AuthorizationCacheEnabled=False,
        AuthorizeRemoteTxRequests=True,
        LocalAuthListEnabled=True,
        LocalPreAuthorize=True,
    )
    await until_listed(stage)
    await until_occupied(stage)


@pytest.mark.requirement("AUTH-05")
@pytest.mark.key("LocalPreAuthorize")
async def test_tc_008_1_start_with_a_listed_card(stage: Stage) -> None:
    await knows_a_card(stage)
    await stage.card(SINGLE)
    await until_begun(stage)
    assert not stage.heard(Wanted("Authorize"))


@pytest.mark.requirement("AUTH-05", "REM-05")
@pytest.mark.key("LocalPreAuthorize")
async def test_tc_008_2_remote_start_with_a_listed_card(stage: Stage) -> None:
    await knows_a_card(stage)
    await until_remotely_started(stage, known=True)
    await until_begun(stage)
    assert not stage.heard(Wanted("Authorize"))
