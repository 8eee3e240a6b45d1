"""`hall replay`: reads and steers the city clock of a running replay."""

from __future__ import annotations

import argparse
import datetime
import zoneinfo

import msgspec

from hall.core import settings as settings_module
from hall.core.bus import Bus
from hall.core.clock import ClockState, city_ms, real_ms
from hall.core.errors import HallError, Refused
from hall.core.process import parse_moment


def steered(state: ClockState, real: int, do: str, value: str | None, timezone: str) -> ClockState:
    """The clock after a command; raises Refused with what is wrong. A replay never goes back: what was shown was shown."""
    if state.live:
        raise Refused("clock-live", "the hall runs live; only a replay's clock can be steered ([clock] in hall.toml)")
    now = city_ms(state, real)
    anchored = ClockState(real, now, state.rate, state.stop_city)
    if do == "resume":
        return msgspec.structs.replace(anchored, stop_city=None)
    if do == "speed":
        try:
            rate = float(value or "")
        except ValueError:
            raise Refused("speed-missing", "give city seconds per second, for example: hall replay speed 60") from None
        if not 0 < rate <= 3600:
            raise Refused("speed-range", "the speed must be above 0 and at most 3600")
        return msgspec.structs.replace(anchored, rate=rate)
    try:
        moment = parse_moment(value, timezone) if value else now
    except ValueError:
        raise Refused("moment-unreadable", f"{value!r}: write it like 2011-08-28T14:00:00") from None
    if moment < now:
        raise Refused("moment-past", "that moment has passed; start again with `hall run --fresh`")
    if do == "pause":
        return msgspec.structs.replace(anchored, stop_city=moment)
    return msgspec.structs.replace(anchored, anchor_city=moment, stop_city=None)


async def main(options: argparse.Namespace) -> int:
    settings = settings_module.read()
    if not settings.config_path:
        raise HallError("which hall? set HALL_CONFIG and HALL_DATA_DIR as for the running one")
    timezone = settings_module.load_config(settings).city.timezone
    bus = Bus(settings.redis_url, settings.bus_prefix)
    try:
        stored = await bus.get("clock")
        if stored is None:
            raise HallError("no hall runs on this bus")
        state = msgspec.json.decode(stored, type=ClockState)
        if options.do != "status":
            state = steered(state, real_ms(), options.do, options.value, timezone)
            await bus.set(msgspec.json.encode(state), "clock")
        city = datetime.datetime.fromtimestamp(city_ms(state, real_ms()) / 1000, zoneinfo.ZoneInfo(timezone))
        stop = ""
        if state.stop_city is not None:
            stop = f", stops at {datetime.datetime.fromtimestamp(state.stop_city / 1000, zoneinfo.ZoneInfo(timezone)):%F %T}"
        print(f"city time {city:%F %T} {timezone}, {state.rate:g}x{stop}" + (" (live)" if state.live else ""))
        return 0
    finally:
        await bus.close()
