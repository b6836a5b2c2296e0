"""What no story on the bench comes to, for it needs a moment between two steps."""

from datetime import UTC, datetime
from typing import Final

import pytest

from chargerd.clock import Instant
from chargerd.core.policy import Policy
from chargerd.ocpp16.attachment_values import Filed
from chargerd.ocpp16.consequences import Consequences
from chargerd.ocpp16.jobs import MakeKey
from chargerd.ocpp16.keyring import Keyring
from chargerd.ocpp16.keyring_events import (
    KeyMade,
    Origin,
    OwnInstalled,
    Root,
    RootInstalled,
    SigningAnswered,
    SigningUnanswered,
    SigningWanted,
)
from chargerd.ocpp16.own_certificates import Own
from chargerd.ocpp16.pki.own_keys import new_key
from chargerd.ocpp16.pki.reading import read
from chargerd.ocpp16.pki.values import KeyKind, KeyPair
from chargerd.ocpp16.records import Drawer, Record, Sheet, SheetDropped, SheetKept
from chargerd.ocpp16.signing import Question
from tests.authority import DAY, root
from tests.scenarios.keyring_bench import CSMS, MANUFACTURER

NOW: Final = Instant(1000.0, datetime(2026, 3, 2, 8, tzinfo=UTC))
POLICY: Final = Policy(cpo_name="Example")
ROOT: Final = root("CPO")
WANTED: Final = SigningWanted(Origin.CSMS)


class Disk:
    """What a keyring has kept."""

    def __init__(self) -> None:
        self.drawers: dict[Drawer, dict[str, Sheet]] = {}

    def keyring(self) -> Keyring:
        return Keyring(self.drawers, "SN-0042", (ROOT.pem,), lambda: POLICY, Filed())

    def write(self, records: tuple[Record, ...]) -> None:
        for record in records:
            match record:
                case SheetKept(drawer, name, sheet):
                    self.drawers.setdefault(drawer, {})[name] = sheet
                case SheetDropped(drawer, name):
                    self.drawers.get(drawer, {}).pop(name, None)


def asked(keyring: Keyring) -> Question | None:
    return keyring.certification.question(NOW, accepted=True)


def with_key(keyring: Keyring) -> KeyPair:
    key = new_key()
    keyring.take(WANTED, NOW)
    keyring.take(KeyMade(key), NOW)
    return key


def own(key: KeyPair, keyring: Keyring) -> Own:
    question = asked(keyring)
    assert question is not None
    return Own((read(ROOT.certify(question.csr)),), key, NOW.utc)


def test_a_keyring_begins_once() -> None:
    keyring = Keyring({}, None, ("none",), Policy, Filed())
    assert keyring.begin(NOW).told
    assert keyring.begin(NOW) == Consequences()
    assert keyring.expire(NOW) == Consequences()
    assert keyring.next_deadline_s(NOW) is None


@pytest.mark.requirement("PERS-11")
def test_a_key_that_was_not_made_before_a_restart_is_made_after_it() -> None:
    disk = Disk()
    wanted = disk.keyring().take(WANTED, NOW)
    assert wanted.jobs == (MakeKey(KeyKind.EC_P256),)
    disk.write(wanted.records)
    again = disk.keyring()
    assert again.begin(NOW).jobs == wanted.jobs
    disk.write(again.take(KeyMade(new_key()), NOW).records)
    question = asked(again)
    assert question is not None
    restored = disk.keyring()
    assert restored.begin(NOW).jobs == ()
    found = asked(restored)
    assert found is not None
    assert found.fingerprint == question.fingerprint


def test_the_record_of_a_key_stands_before_its_question() -> None:
    keyring = Disk().keyring()
    keyring.take(WANTED, NOW)
    assert asked(keyring) is None
    key = new_key()
    first, second = keyring.take(KeyMade(key), NOW).records
    assert isinstance(first, SheetKept)
    assert first.name == key.fingerprint
    assert isinstance(second, SheetKept)
    assert second.sheet["key"] == key.fingerprint
    assert "PRIVATE" not in repr((first, second))


def test_a_key_that_nobody_waits_for_is_not_kept() -> None:
    keyring = Disk().keyring()
    assert keyring.take(KeyMade(new_key()), NOW) == Consequences()
    with_key(keyring)
    assert keyring.take(KeyMade(new_key()), NOW) == Consequences()


def test_answers_to_a_question_that_is_not_asked_any_more_change_nothing() -> None:
    keyring = Disk().keyring()
    old = with_key(keyring)
    with_key(keyring)
    for event in (
        SigningAnswered(old.fingerprint, accepted=True),
        SigningAnswered(old.fingerprint, accepted=False),
        SigningUnanswered(old.fingerprint),
    ):
        assert keyring.take(event, NOW) == Consequences()
    assert asked(keyring) is not None


def test_a_certificate_that_was_judged_is_kept_though_another_is_wanted_since() -> None:
    disk = Disk()
    keyring = disk.keyring()
    key = with_key(keyring)
    made = own(key, keyring)
    newer = with_key(keyring)
    disk.write(keyring.take(OwnInstalled(made), NOW).records)
    assert keyring.own(NOW) == made
    question = asked(keyring)
    assert question is not None
    assert question.fingerprint == newer.fingerprint
    assert disk.keyring().own(NOW) == made


def test_of_two_certificates_that_begin_together_the_last_one_counts() -> None:
    keyring = Disk().keyring()
    first = own(with_key(keyring), keyring)
    keyring.take(OwnInstalled(first), NOW)
    second = own(with_key(keyring), keyring)
    keyring.take(OwnInstalled(second), NOW)
    assert keyring.own(NOW) == second
    assert keyring.fallback(NOW) == first


def test_a_root_that_comes_twice_is_there_once() -> None:
    keyring = Disk().keyring()
    maker = read(root("Maker").pem)
    for _ in range(2):
        keyring.take(RootInstalled(Root(MANUFACTURER, maker, maker)), NOW)
    assert keyring.roots(MANUFACTURER) == (maker,)
    assert [each.pem for each in keyring.roots(CSMS)] == [ROOT.pem]
    assert keyring.in_use(NOW) == (*keyring.roots(CSMS), maker)


def test_a_clock_that_is_far_ahead_costs_no_certificate() -> None:
    disk = Disk()
    keyring = disk.keyring()
    for begin in (NOW.utc - DAY, NOW.utc + 10 * DAY):
        key = with_key(keyring)
        question = asked(keyring)
        assert question is not None
        life = {"not_before": begin, "not_after": begin + 90 * DAY}
        made = Own((read(ROOT.certify(question.csr, **life)),), key, NOW.utc)
        disk.write(keyring.take(OwnInstalled(made), NOW).records)
    used = keyring.own(NOW)
    assert used is not None
    ahead = disk.keyring()
    disk.write(ahead.begin(Instant(0.0, NOW.utc + 5_000 * DAY)).records)
    assert disk.keyring().own(NOW) == used
