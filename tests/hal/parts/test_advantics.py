"""What an ADVANTICS controller's messages make of its vehicle, without a bus."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.errors import BadAnswer
from hal.parts.advantics import Secc
from hal.parts.advantics_answers import PRESS_S, Answers
from hal.values import POWERED, VehiclePhase
from hal.wire.advantics import Function, Message, PowerControl, SequenceControl, State
from hal.wire.advantics_vehicle import ExtraInformation, Pilot

P = VehiclePhase
IN_ORDER = [
    (State.NEGOTIATING_CONNECTION, P.NEGOTIATING),
    (State.CCS_AUTHORISATION_PROCESS, P.AUTHORIZING),
    (State.CONNECTED_WITH_FULL_INFO, P.AUTHORIZING),
    (State.INSULATION_TEST, P.CABLE_CHECK),
    (State.PRECHARGE, P.PRECHARGE),
    (State.WAITING_FOR_CHARGE, P.READY),
    (State.CHARGING, P.CHARGING),
    (State.CHARGE_PAUSE, P.PAUSED),
    (State.ENDING_CHARGE, P.ENDING),
    (State.WELDING_DETECTION, P.WELDING_CHECK),
    (State.CLOSING_COMMUNICATION, P.WELDING_CHECK),
    (State.WAITING_FOR_PEV, P.FINISHED),
]
CHARGE = PowerControl(
    420.0, 125.0, 125.0, Function.POWER_TRANSFER, close_contactors=True
)


class Talk:
    """A controller that says what a test wants, a tenth of a second apart."""

    def __init__(self) -> None:
        self.secc = Secc()
        self.now_s = 100.0

    def says(self, message: Message, data: bytes) -> bool:
        self.now_s += 0.1
        return self.secc.hear(message, data, self.now_s)

    def stands(self, state: State) -> VehiclePhase:
        self.says(Message.CONTROLLER_STATUS, bytes((state,)))
        return self.secc.phase(self.now_s)

    def pilot(self, pilot: Pilot) -> VehiclePhase:
        self.says(Message.CCS_EXTRA_INFORMATION, ExtraInformation(pilot, 5.0).encode())
        return self.secc.phase(self.now_s)


@pytest.fixture
def talk() -> Talk:
    talk = Talk()
    talk.stands(State.WAITING_FOR_PEV)
    talk.pilot(Pilot.A)
    return talk


def test_each_state_is_a_phase(talk: Talk) -> None:
    talk.pilot(Pilot.B)
    assert [talk.stands(state) for state, _ in IN_ORDER] == [p for _, p in IN_ORDER]


def test_a_controller_that_is_not_available_knows_of_the_plug(talk: Talk) -> None:
    assert talk.stands(State.NOT_AVAILABLE) is P.UNPLUGGED
    assert talk.pilot(Pilot.B) is P.NEGOTIATING
    assert talk.pilot(Pilot.A) is P.UNPLUGGED


def test_a_handshake_that_fails_is_no_session(talk: Talk) -> None:
    talk.pilot(Pilot.B)
    talk.stands(State.NEGOTIATING_CONNECTION)
    assert talk.stands(State.WAITING_FOR_PEV) is P.NEGOTIATING


def test_a_plug_that_is_torn_out_is_unplugged_whatever_the_state(talk: Talk) -> None:
    talk.pilot(Pilot.C)
    assert talk.stands(State.CHARGING) is P.CHARGING
    assert talk.pilot(Pilot.A) is P.UNPLUGGED
    talk.stands(State.CLOSING_COMMUNICATION)
    talk.stands(State.WAITING_FOR_PEV)
    assert talk.pilot(Pilot.B) is P.NEGOTIATING


@pytest.mark.parametrize(
    ("before", "phase"), [(Pilot.C, P.CHARGING), (Pilot.A, P.UNPLUGGED)]
)
def test_a_pilot_without_level_says_nothing_of_the_plug(
    talk: Talk, before: Pilot, phase: VehiclePhase
) -> None:
    talk.stands(State.CHARGING)
    talk.pilot(before)
    assert talk.pilot(Pilot.E_OR_F) is phase


def test_a_session_is_over_when_the_controller_says_so_each_time(talk: Talk) -> None:
    talk.pilot(Pilot.B)
    for _ in range(2):
        talk.stands(State.NEGOTIATING_CONNECTION)
        talk.stands(State.CCS_AUTHORISATION_PROCESS)
        assert talk.stands(State.CLOSING_COMMUNICATION) is P.WELDING_CHECK
        talk.says(Message.CHARGE_SESSION_FINISHED, b"\x00")
        assert talk.secc.phase(talk.now_s) is P.FINISHED


def test_a_controller_without_a_pilot_message_is_judged_by_its_state() -> None:
    talk = Talk()
    assert talk.stands(State.WAITING_FOR_PEV) is P.UNPLUGGED
    assert talk.stands(State.CHARGING) is P.CHARGING
    assert talk.secc.reading(talk.now_s).at_s == talk.now_s


def test_what_the_vehicle_told_is_read_and_forgotten_with_it(talk: Talk) -> None:
    told = (
        (Message.EV_INFORMATION_BATTERY, "4D 00 22 00 50 64"),
        (Message.EV_INFORMATION_VOLTAGES, "00 00 68 10 00 00"),
        (Message.EV_INFORMATION_CHARGE_LIMITS, "00 00 C4 09 00 00 AA 00"),
        (Message.EV_ID_CCS, "00 7D FA 06 9F 4E"),
    )
    for _ in range(2):
        talk.pilot(Pilot.B)
        talk.stands(State.CONNECTED_WITH_FULL_INFO)
        for message, data in told:
            assert talk.says(message, bytes.fromhex(data))
            assert not talk.says(message, bytes.fromhex(data))
        reading = talk.secc.reading(talk.now_s)
        assert (reading.capacity_wh, reading.soc_percent) == (77_000.0, 34.0)
        assert (reading.max_voltage_v, reading.max_current_a) == (420.0, 250.0)
        assert (reading.max_power_w, reading.evccid) == (170_000.0, "007DFA069F4E")

        talk.pilot(Pilot.A)
        reading = talk.secc.reading(talk.now_s)
        assert (reading.evccid, reading.soc_percent, reading.max_power_w) == (None,) * 3


def test_what_a_vehicle_leaves_out_is_not_told(talk: Talk) -> None:
    talk.pilot(Pilot.B)
    talk.stands(State.CONNECTED_WITH_FULL_INFO)
    talk.says(Message.EV_INFORMATION_BATTERY, bytes(6))
    talk.says(Message.EV_INFORMATION_CHARGE_LIMITS, bytes(8))
    reading = talk.secc.reading(talk.now_s)
    assert (reading.capacity_wh, reading.soc_percent) == (None, None)
    assert (reading.max_current_a, reading.max_power_w) == (None, None)


WISHES = [
    (State.INSULATION_TEST, "88 13 00 00 00 00 42", True, 500.0, 2.0),
    (State.PRECHARGE, "7D 0F 14 00 00 00 64", True, 396.5, 2.0),
    (State.CHARGING, "68 10 E2 04 E2 04 48", True, 420.0, 125.0),
    (State.WAITING_FOR_CHARGE, "00 00 00 00 00 00 41", True, 0.0, 0.0),
    (State.ENDING_CHARGE, "00 00 00 00 00 00 81", False, 0.0, 0.0),
]


@pytest.mark.parametrize(
    ("state", "data", "contactors", "voltage_v", "current_a"), WISHES
)
def test_a_request_is_a_wish(
    talk: Talk,
    state: State,
    data: str,
    contactors: bool,
    voltage_v: float,
    current_a: float,
) -> None:
    talk.pilot(Pilot.C)
    talk.stands(state)
    talk.says(Message.DC_POWER_CONTROL, bytes.fromhex(data))
    reading = talk.secc.reading(talk.now_s)
    assert reading.wants_contactors is contactors
    assert (reading.target_voltage_v, reading.target_current_a) == (
        voltage_v,
        current_a,
    )


@pytest.mark.parametrize("state", set(State) - {s for s, p in IN_ORDER if p in POWERED})
def test_a_request_counts_only_while_there_is_power(talk: Talk, state: State) -> None:
    talk.pilot(Pilot.C)
    talk.says(Message.DC_POWER_CONTROL, CHARGE.encode())
    talk.stands(state)
    reading = talk.secc.reading(talk.now_s)
    assert not reading.wants_contactors
    assert reading.target_current_a == 0.0


@pytest.mark.parametrize(("origin", "who"), [(1, "the controller"), (3, "the vehicle")])
def test_an_emergency_lasts_as_long_as_it_is_said(
    talk: Talk, origin: int, who: str
) -> None:
    talk.pilot(Pilot.C)
    talk.stands(State.CHARGING)
    talk.says(Message.DC_POWER_CONTROL, CHARGE.encode())
    talk.says(Message.EMERGENCY_STOP, bytes((origin,)))
    reading = talk.secc.reading(talk.now_s)
    assert reading.phase is P.EMERGENCY
    assert reading.error is not None
    assert reading.error.startswith(who)
    assert not reading.wants_contactors

    said_s = talk.now_s
    assert talk.secc.phase(said_s + 0.34) is P.EMERGENCY
    assert talk.secc.phase(said_s + 0.36) is P.CHARGING


def test_a_reading_is_as_old_as_the_oldest_of_what_must_keep_coming(talk: Talk) -> None:
    talk.pilot(Pilot.B)
    at_s = talk.now_s
    talk.stands(State.NEGOTIATING_CONNECTION)
    talk.says(Message.EV_ID_CCS, bytes(6))
    assert talk.secc.reading(talk.now_s).at_s == at_s


@pytest.mark.parametrize(
    ("message", "data", "complaint"),
    [
        (Message.DC_POWER_CONTROL, "99 3A 00 00 00 00 42", "target voltage: 1500.1 V"),
        (Message.DC_POWER_CONTROL, "68 10 31 75 31 75 48", "target current: 3000.1 A"),
        (Message.DC_POWER_CONTROL, "68 10 83 FF 83 FF 48", "give back 12.5 A"),
        (Message.EV_INFORMATION_VOLTAGES, "00 00 99 3A 00 00", "highest voltage"),
        (Message.EV_INFORMATION_CHARGE_LIMITS, "00 00 31 75 00 00 AA 00", "current"),
    ],
)
def test_what_no_vehicle_asks_for_is_not_believed(
    talk: Talk, message: Message, data: str, complaint: str
) -> None:
    talk.pilot(Pilot.C)
    talk.stands(State.CHARGING)
    before = talk.secc.reading(talk.now_s)
    with pytest.raises(BadAnswer, match=complaint):
        talk.says(message, bytes.fromhex(data))
    assert talk.secc.reading(talk.now_s) == before


messages = st.one_of(
    st.tuples(st.sampled_from(list(Message)), st.binary(max_size=8)),
    st.tuples(
        st.just(Message.CONTROLLER_STATUS),
        st.sampled_from([bytes((s,)) for s in State]),
    ),
    st.tuples(
        st.just(Message.CCS_EXTRA_INFORMATION),
        st.sampled_from([ExtraInformation(p, 5.0).encode() for p in Pilot]),
    ),
    st.just((Message.DC_POWER_CONTROL, CHARGE.encode())),
)


@given(st.lists(messages, max_size=40))
@settings(max_examples=50, deadline=None)
def test_no_talk_makes_power_of_anything_but_a_powered_phase(
    said: list[tuple[Message, bytes]],
) -> None:
    talk = Talk()
    for message, data in said:
        try:
            talk.says(message, data)
        except BadAnswer:
            continue
        reading = talk.secc.reading(talk.now_s)
        asks = reading.wants_contactors or reading.target_current_a > 0.0
        assert not asks or reading.phase in POWERED
        assert 0.0 <= reading.target_current_a <= 3000.0
        assert 0.0 <= reading.target_voltage_v <= 1500.0
        assert reading.plugged or reading.evccid is None


def flags(answers: Answers, *, over: bool = False, now_s: float = 0.0) -> str:
    return answers.flags(over, now_s).encode().hex(" ")


def test_the_flags_follow_the_session() -> None:
    answers = Answers()
    answers.settle(P.AUTHORIZING, State.CCS_AUTHORISATION_PROCESS, offering=True)
    assert flags(answers) == "01 00 00"
    answers.authorize(True, P.AUTHORIZING)
    assert flags(answers) == "01 03 00"
    answers.settle(P.AUTHORIZING, State.CONNECTED_WITH_FULL_INFO, offering=False)
    assert flags(answers) == "01 03 00"
    answers.settle(P.AUTHORIZING, State.CONNECTED_WITH_FULL_INFO, offering=True)
    answers.settle(P.CABLE_CHECK, State.INSULATION_TEST, offering=False)
    assert flags(answers) == "01 07 00"
    answers.stop(P.CHARGING, 10.0)
    assert flags(answers, now_s=10.0) == "01 07 01"
    assert flags(answers, now_s=10.0 + PRESS_S) == "01 07 00"
    answers.settle(P.FINISHED, State.WAITING_FOR_PEV, offering=False)
    assert flags(answers, over=True, now_s=20.0) == "00 00 00"


@pytest.mark.parametrize("phase", [P.NEGOTIATING, P.AUTHORIZING])
def test_a_stop_before_there_is_power_is_a_refusal(phase: VehiclePhase) -> None:
    answers = Answers()
    answers.authorize(True, phase)
    answers.stop(phase, 10.0)
    said = answers.flags(False, 10.0)
    assert said.authorization_done
    assert not said.authorization_valid


@pytest.mark.parametrize("phase", [P.UNPLUGGED, P.FINISHED])
def test_an_answer_does_not_outlive_its_session(phase: VehiclePhase) -> None:
    answers = Answers()
    answers.authorize(True, P.AUTHORIZING)
    answers.settle(phase, State.WAITING_FOR_PEV, offering=False)
    assert answers.flags(False, 0.0) == SequenceControl(start=True)


def test_a_finished_vehicle_is_woken_by_the_next_authorization() -> None:
    answers = Answers()
    answers.settle(P.FINISHED, State.NOT_AVAILABLE, offering=False)
    answers.authorize(True, P.FINISHED)
    answers.settle(P.FINISHED, State.WAITING_FOR_PEV, offering=False)
    assert flags(answers, over=True) == "01 03 00"
    answers.settle(P.NEGOTIATING, State.NEGOTIATING_CONNECTION, offering=False)
    answers.settle(P.FINISHED, State.WAITING_FOR_PEV, offering=False)
    assert flags(answers, over=True, now_s=20.0) == "00 00 00"


def test_without_a_vehicle_nobody_is_answered_and_nothing_stopped() -> None:
    answers = Answers()
    answers.authorize(True, P.UNPLUGGED)
    answers.stop(P.UNPLUGGED, 10.0)
    assert answers.flags(False, 10.0) == SequenceControl(start=True)
