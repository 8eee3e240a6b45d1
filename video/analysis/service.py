"""Analysers at work: pictures in from the relay, readings out as observations with confidence and a picture.

A reading below its task's least confidence is told without a value, marked `uncertain`: screens see that nothing is known,
thresholds see nothing. The sensor's name carries the least confidence, and with it every alarm's label.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hall.core.errors import BusLost, Refused
from hall.core.model import Channel, Observation, Sensor
from hall.core.process import Process
from hall.core.secrets import Secrets
from video.analysis.evidence import Evidence
from video.analysis.plan import analysers, tasks
from video.analysis.seam import Reading, Task
from video.analysis.watching import Watching
from video.catalogue.scope import scope_of
from video.decode import Decoders, Picture, StreamDecoder, Undecodable
from video.directory import Directory

log = logging.getLogger("hall.video")
FEED = "video-analysis"


class _Event(msgspec.Struct):
    data: Channel


_event = msgspec.json.Decoder(_Event).decode


class Analysis:
    """All tasks of one hall. `counters`: pictures, readings, uncertain, undecodable."""

    def __init__(self, process: Process, directory: Directory, secrets: Secrets) -> None:
        self._process, self._directory = process, directory
        self._kinds = analysers()
        self._tasks: dict[str, list[tuple[Task, Any]]] = {}
        for task, state in tasks(process.config, self._kinds):
            self._tasks.setdefault(task.channel, []).append((task, state))
        # who needs moving pictures gets them for all tasks of its channel
        keys_only = {c: not any(self._kinds[t.analyser].moving for t, _ in found) for c, found in self._tasks.items()}
        self._watching = Watching(process, secrets, keys_only, self.take)
        self._decoders, self._streams = Decoders(1), {channel: StreamDecoder() for channel in self._tasks}
        self._looked: dict[tuple[str, int], float] = {}
        self._introduced: set[str] = set()
        self.evidence = Evidence(process.settings.data_dir / "analysis")
        self.counters: dict[str, float] = {"pictures": 0, "readings": 0, "uncertain": 0, "undecodable": 0}

    async def run(self) -> None:
        """Works for ever; without tasks there is nothing to do."""
        if self._tasks:
            try:
                await self._watching.run()
            finally:
                self._decoders.close()

    async def take(self, channel: str, family: str, key: bool, broken: bool, captured: float, coded: bytes) -> None:
        """One picture of a channel, in order."""
        try:
            found = await self._decoders.run(self._work, channel, family, key, broken, captured, coded)
        except Undecodable:
            self.counters["undecodable"] += 1
            return
        except Exception:  # one picture that an analyser does not stand must not end posters, rounds and steering
            log.exception("analysis: a picture of %s could not be looked at", channel)
            self.counters["undecodable"] += 1
            return
        self.counters["pictures"] += 1
        with contextlib.suppress(BusLost):  # it takes nothing more: the next reading comes in a while
            for task, number, readings, evidence in found:
                self._tell(task, number, readings, evidence)

    def _work(self, channel: str, family: str, key: bool, broken: bool, captured: float, coded: bytes) -> list[Any]:
        """In the thread: decode once, look with each analyser whose turn it is."""
        picture = self._streams[channel].decode(coded, family, key, broken)
        found = []
        if picture is None or picture.corrupt:
            return found
        for number, (task, state) in enumerate(self._tasks[channel]):
            kind = self._kinds[task.analyser]
            turn = channel, number
            if not kind.moving and captured - self._looked.get(turn, -1e18) < task.every_seconds * 1000:
                continue
            self._looked[turn] = captured
            if readings := kind.look(state, picture, int(captured)):
                found.append((task, number, readings, self._evidence(channel, int(captured), picture, readings)))
        return found

    def _evidence(self, channel: str, at: int, picture: Picture, readings: list[Reading]) -> str:
        if not any(reading.value for reading in readings):
            return ""  # nothing there needs no proof
        try:
            return self.evidence.keep(channel, at, picture)
        except OSError as error:
            log.warning("analysis: a picture cannot be kept: %s", error.strerror or error)
            return ""

    def _tell(self, task: Task, number: int, readings: list[Reading], evidence: str) -> None:
        channel, place = self._channel(task.channel), task.channel.split("/", 2)[2] + (f":{number}" if number else "")
        for reading in readings:
            sensor = f"{place}:{reading.quantity}".replace("/", "_")
            self._introduce(task, channel, sensor, reading)
            sure = reading.confidence >= task.min_confidence
            self.counters["readings" if sure else "uncertain"] += 1
            extra: dict[str, Any] = {"confidence": reading.confidence, "channel": task.channel, "analyser": task.analyser}
            if evidence:
                extra["picture"] = f"/video/poster/{evidence}"
            doc = Observation(
                feed=FEED, sensor_id=sensor, quantity=reading.quantity, value=reading.value if sure else None,
                unit=reading.unit, quality="estimated" if sure else "uncertain", extra=extra,
            )  # fmt: skip
            if channel is not None:
                doc.lon, doc.lat, doc.district, doc.cell = channel.lon, channel.lat, channel.district, channel.cell
            event = self._process.event(f"observation/{FEED}/{sensor}/{reading.quantity}", doc)
            self._process.bulk.put(event)

    def _introduce(self, task: Task, channel: Channel | None, sensor: str, reading: Reading) -> None:
        """Tells of the measuring point once; its name says how sure its readings are at least."""
        if sensor in self._introduced:
            return
        self._introduced.add(sensor)
        name = task.name or (channel.name if channel else "") or task.channel
        doc = Sensor(
            feed=FEED, sensor_id=sensor, name=f"{name} (≥{round(100 * task.min_confidence)}%)", quantity=reading.quantity,
            unit=reading.unit, kind="video", owner=channel.owner if channel else "",
        )  # fmt: skip
        if channel is not None:
            doc.lon, doc.lat, doc.district, doc.cell = channel.lon, channel.lat, channel.district, channel.cell
        self._process.bulk.put(self._process.event(f"sensor/{FEED}/{sensor}", doc))

    def _channel(self, subject: str) -> Channel | None:
        raw = self._directory.raw(subject)
        return None if raw is None else _event(raw).data

    def routes(self) -> list[Route]:
        """`GET /poster/analysis/<at>/<channel>.jpg`: the picture behind a reading, for who may see the channel."""

        async def kept(request: Request) -> Response:
            channel, at = request.path_params["subject"], request.path_params["at"]
            try:
                if reason := self._directory.unseen(channel, scope_of(request.headers.get("x-hall-scope"))):
                    raise Refused(reason, "this channel is not one of yours", 403)
                body = await asyncio.to_thread(self.evidence.picture, channel, at)
            except Refused as error:
                return JSONResponse({"reason": error.reason, "detail": error.detail}, status_code=error.status)
            return Response(body, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400"})

        return [Route("/poster/analysis/{at:int}/{subject:path}.jpg", kept)]
