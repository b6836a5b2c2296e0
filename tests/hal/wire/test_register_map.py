"""Register maps as people write them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.wire.modbus import Function
from hal.wire.register_map import Block, Entry, blocks, entry
from hal.wire.registers import Form

INPUT, HOLDING = Function.READ_INPUT, Function.READ_HOLDING

WRITTEN = [
    ("input 0x0048 f32 *1000", Entry(INPUT, 0x48, 2, Form.F32, 1000.0)),
    ("Holding 12 U32", Entry(HOLDING, 12, 2, Form.U32)),
    ("input 0 s32 /10", Entry(INPUT, 0, 2, Form.S32, 0.1)),
    ("input  2  s16 * -0.001", Entry(INPUT, 2, 1, Form.S16, -0.001)),
    ("holding 0x500 s64", Entry(HOLDING, 0x500, 4, Form.S64)),
    ("holding 60 text8", Entry(HOLDING, 60, 8, None)),
    ("holding 65535 u16", Entry(HOLDING, 65535, 1, Form.U16)),
]


@pytest.mark.parametrize(("written", "meant"), WRITTEN, ids=[w for w, _ in WRITTEN])
def test_an_entry_is_read(written: str, meant: Entry) -> None:
    assert entry(written) == meant


WRONG = [
    ("", "cannot be read"),
    ("input 0x48", "cannot be read"),
    ("coil 0x48 u16", "cannot be read"),
    ("input 0x48 f64", "cannot be read"),
    ("input -1 u16", "cannot be read"),
    ("input 0x48 f32 1000", "cannot be read"),
    ("input 0x48 f32 *1e3", "cannot be read"),
    ("input 0x48 text8 *2", "cannot be read"),
    ("input 65535 u32", "ends behind the last register"),
    ("input 0 text0", "ends behind the last register"),
    ("input 0 text126", "ends behind the last register"),
    ("input 0 u16 *0", "makes nothing of every value"),
    ("input 0 u16 /0.0", "makes nothing of every value"),
]


@pytest.mark.parametrize(("written", "reason"), WRONG, ids=[w for w, _ in WRONG])
def test_what_is_no_entry_is_refused(written: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        entry(written)


SDM630 = {
    "voltage_v": entry("input 0x00 f32"),
    "current_a": entry("input 0x06 f32"),
    "power_w": entry("input 0x34 f32"),
    "energy_wh": entry("input 0x48 f32 *1000"),
    "energy_export_wh": entry("input 0x4A f32 *1000"),
}


def test_neighbors_are_read_at_once() -> None:
    assert blocks(SDM630, 80) == (
        Block(INPUT, 0x00, 2, (("voltage_v", 0),)),
        Block(INPUT, 0x06, 2, (("current_a", 0),)),
        Block(INPUT, 0x34, 2, (("power_w", 0),)),
        Block(INPUT, 0x48, 4, (("energy_wh", 0), ("energy_export_wh", 2))),
    )


def test_a_gap_that_may_be_read_joins_more() -> None:
    assert [(b.address, b.count) for b in blocks(SDM630, 80, 4)] == [
        (0x00, 8),
        (0x34, 2),
        (0x48, 4),
    ]
    assert [(b.address, b.count) for b in blocks(SDM630, 80, 79)] == [(0x00, 0x4C)]
    assert [(b.address, b.count) for b in blocks(SDM630, 60, 59)] == [
        (0x00, 0x36),
        (0x48, 4),
    ]


def test_functions_are_never_read_together() -> None:
    mixed = {"a": entry("input 0 u16"), "b": entry("holding 1 u16")}
    assert len(blocks(mixed, 125, 100)) == 2


PLACES = st.builds(
    Entry,
    st.sampled_from((INPUT, HOLDING)),
    st.integers(0, 60),
    st.integers(1, 4),
    st.none(),
)


@given(st.lists(PLACES, max_size=8), st.integers(4, 30), st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_every_entry_lies_whole_in_one_read(
    places: list[Entry], most: int, gap: int
) -> None:
    entries = {str(index): place for index, place in enumerate(places)}
    planned = blocks(entries, most, gap)
    assert sorted(n for b in planned for n, _ in b.held) == sorted(entries)
    for block in planned:
        assert block.count <= most
        for name, index in block.held:
            assert block.function == entries[name].function
            assert block.address + index == entries[name].address
            assert index + entries[name].count <= block.count
