"""From a terminal's socket to the board: real TCP, real Valkey, the whole intake."""

import asyncio

from tests.feeds.special.test_jt808 import encoded, report
from tests.feeds.transports.test_jt808 import Terminal
from tests.running import free_port_pair
from tests.tasks import ended


async def test_a_report_is_on_the_board_when_its_terminal_is_told_so(bench):
    port = free_port_pair()
    bench.configure(f'[[feeds]]\nname = "gps"\nkind = "position"\nurl = "jt808://127.0.0.1:{port}"\ncrs = "GCJ-02"\n')
    bench.set_clock("2026-07-20T09:15:00")
    rim = await bench.rim("gps")
    running = asyncio.create_task(rim.decoding.transport.run(rim.feed, rim))
    reader = None
    async with asyncio.timeout(10):
        while reader is None:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0)  # it is about to listen
    terminal = Terminal(reader, writer)
    await terminal.send(encoded(0x0200, "13800138000", 7, report()), encoded(0x0200, "13800138000", 8, report(status=1)))
    await terminal.send(encoded(0x0200, "13800138001", 9, report(lat=95_000_000)))
    assert [(await terminal.answer())[3] for _ in range(3)] == [0, 0, 2]
    found = await bench.documents("position")
    assert list(found) == ["position/gps/13800138000"]
    document = found["position/gps/13800138000"]
    assert 0.003 < 113.92 - document["lon"] < 0.009 and document["extra"]["altitude_m"] == 72
    assert rim.total.filtered == 1
    await rim.parking.flush()
    assert [entry["reason"] for entry in await bench.parked("gps")] == ["coordinates-out-of-range"]
    await ended(running)
    writer.close()
