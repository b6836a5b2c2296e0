"""The catalogue of faults itself: each row is whole, and fits what OCPP carries."""

import pytest

from chargerd.core.dialects import NAMES, VENDOR_IDS, Dialect, Words, told
from chargerd.core.faults import FAULTS, Consequence, Fault, Recovers
from tests.ocpp16.samples import schema

STATUS = schema("StatusNotification")["properties"]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_every_fault_says_what_it_means_and_what_to_do(fault: Fault) -> None:
    for text in (fault.means, fault.part, fault.remedy):
        assert text
        assert text == text.strip(" .")
    assert fault.error_code in STATUS["errorCode"]["enum"]
    assert fault.error_code != "NoError"
    assert fault.stops is (fault.consequence is Consequence.STOP)


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_every_fault_can_be_told_in_every_dialect(
    fault: Fault, dialect: Dialect
) -> None:
    vendor_id, code = fault.told(dialect)
    assert 0 < len(code) <= STATUS["vendorErrorCode"]["maxLength"]
    assert len(vendor_id) <= STATUS["vendorId"]["maxLength"]
    if code == fault.name:
        assert vendor_id == VENDOR_IDS[Dialect.CHARGERD]
    else:
        assert vendor_id == VENDOR_IDS[dialect]
        assert code in NAMES[dialect]


def test_what_a_dialect_has_no_word_for_is_told_in_ours() -> None:
    words = Words(chargex="CX017")
    assert told("weld", words, Dialect.CHARGEX) == ("https://chargex.inl.gov", "CX017")
    assert told("weld", words, Dialect.EVGO) == ("org.chargerd", "weld")
    assert told("weld", words, Dialect.CHARGERD) == ("org.chargerd", "weld")


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_only_what_goes_away_by_itself_waits_before_it_does(fault: Fault) -> None:
    assert 0.0 <= fault.clears_after_s <= 5.0
    if fault.recovers is not Recovers.BY_ITSELF:
        assert fault.clears_after_s == 0.0


def test_the_codes_of_the_dialects_are_complete() -> None:
    chargex = [f"CX{number:03}" for number in range(1, 27)]
    evgo = [f"A{number:03}" for number in range(6)]
    evgo += [f"F{number:03}" for number in range(11)]
    assert list(NAMES[Dialect.CHARGEX]) == chargex
    assert list(NAMES[Dialect.EVGO]) == evgo
