"""Our Modbus frames against pymodbus, which knows nothing of them, over a line."""

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from pymodbus.client import AsyncModbusSerialClient
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from hal.errors import BadAnswer
from hal.wire import modbus, modbus_slave
from hal.wire.modbus import Function
from hal.wire.registers import Form, laid_out, number

UNIT = 7
WITHIN_S = 2.0


@contextmanager
def line() -> Any:
    """Yield our end as a descriptor, and the path of the other."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    os.set_blocking(ours, False)
    try:
        yield ours, os.ttyname(theirs)
    finally:
        os.close(theirs)
        os.close(ours)


async def heard_on(end: int) -> bytes:
    """Return the next bytes that come."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(end, readable.set)
    try:
        async with asyncio.timeout(WITHIN_S):
            await readable.wait()
    finally:
        loop.remove_reader(end)
    return os.read(end, 1024)


async def asked(end: int, request: bytes) -> bytes:
    """Return the checked answer of the server to ``request``."""
    os.write(end, request)
    cut = modbus.answer_to(request, "pymodbus")
    heard = b""
    while (answer := cut(heard)) is None:
        heard += await heard_on(end)
    return answer


@asynccontextmanager
async def server() -> AsyncIterator[int]:
    """Let pymodbus be a device with a hundred of each."""
    registers = [SimData(0, count=100, values=0, datatype=DataType.REGISTERS)]
    bits = [SimData(0, count=7, values=[False] * 16, datatype=DataType.BITS)]
    device = SimDevice(UNIT, simdata=(bits, bits, registers, registers))
    with line() as (ours, path):
        peer = ModbusSerialServer(device, framer=FramerType.RTU, port=path)
        await peer.serve_forever(background=True)
        try:
            yield ours
        finally:
            await peer.shutdown()  # type: ignore[no-untyped-call]


async def test_an_independent_device_takes_and_gives_what_we_ask_of_it() -> None:
    double = laid_out(-12.25, Form.F32)
    words = tuple(int.from_bytes(double[at : at + 2], "big") for at in (0, 2))
    async with server() as end:
        await asked(end, modbus.write_registers(UNIT, 10, words))
        await asked(end, modbus.write_register(UNIT, 12, 0xBEEF))
        read = await asked(end, modbus.read(UNIT, Function.READ_HOLDING, 10, 3))
        assert number(modbus.octets(read), 0, Form.F32) == -12.25
        assert modbus.words(read)[2] == 0xBEEF

        await asked(end, modbus.write_coil(UNIT, 3, True))
        await asked(end, modbus.write_coils(UNIT, 8, (True, False, True)))
        read = await asked(end, modbus.read(UNIT, Function.READ_COILS, 0, 12))
        states = modbus.bits(read, 12)
        assert [index for index, on in enumerate(states) if on] == [3, 8, 10]

        read = await asked(end, modbus.read(UNIT, Function.READ_INPUT, 0, 100))
        assert modbus.words(read) == (0,) * 100
        with pytest.raises(BadAnswer, match="illegal address"):
            await asked(end, modbus.read(UNIT, Function.READ_HOLDING, 99, 2))


class Device:
    """Our side of a device with eight registers and eight coils."""

    def __init__(self, end: int) -> None:
        self._end = end
        self.registers = bytearray(16)
        self.coils = 0

    def hear(self) -> None:
        frame = os.read(self._end, 1024)
        try:
            request = modbus_slave.request_in(frame, UNIT)
            if request:
                os.write(self._end, self._answer(request, frame))
        except modbus_slave.Refusal as refusal:
            os.write(self._end, modbus_slave.refusal(frame, refusal.code))

    def _answer(self, request: modbus_slave.Request, frame: bytes) -> bytes:
        first, last = request.address, request.address + request.count
        if last > 8:
            raise modbus_slave.Refusal(modbus_slave.ILLEGAL_ADDRESS)
        if request.function == Function.READ_HOLDING:
            octets = bytes(self.registers[2 * first : 2 * last])
            return modbus_slave.answer(request, octets)
        if request.function == Function.READ_COILS:
            return modbus_slave.answer(request, bytes((self.coils >> first,)))
        if request.function == Function.WRITE_COIL:
            self.coils |= bool(request.octets[0]) << first
        else:
            self.registers[2 * first : 2 * last] = request.octets
        return modbus_slave.confirmation(frame)


@asynccontextmanager
async def client() -> AsyncIterator[AsyncModbusSerialClient]:
    """Let pymodbus be the master of our device."""
    loop = asyncio.get_running_loop()
    with line() as (ours, path):
        loop.add_reader(ours, Device(ours).hear)
        master = AsyncModbusSerialClient(path, timeout=WITHIN_S, retries=0)
        try:
            assert await master.connect()
            yield master
        finally:
            master.close()
            loop.remove_reader(ours)


async def registers(
    master: AsyncModbusSerialClient, address: int, count: int
) -> Sequence[int]:
    answer = await master.read_holding_registers(address, count=count, device_id=UNIT)
    return answer.registers


async def test_an_independent_master_is_understood_and_understands() -> None:
    async with client() as master:
        await master.write_registers(2, [1, 2, 3], device_id=UNIT)
        await master.write_register(5, 0x1234, device_id=UNIT)
        assert await registers(master, 1, 5) == [0, 1, 2, 3, 0x1234]
        await master.write_coil(6, True, device_id=UNIT)
        coils = await master.read_coils(4, count=4, device_id=UNIT)
        assert coils.bits[:4] == [False, False, True, False]
        refused = await master.read_holding_registers(7, count=2, device_id=UNIT)
        assert refused.isError()
        assert refused.exception_code == modbus_slave.ILLEGAL_ADDRESS
