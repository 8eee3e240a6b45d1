"""Analysers at work: pictures in from the relay, readings out as observations with confidence and a picture.

A reading below its task's least confidence is told without a value, marked `uncertain`: screens see that nothing is known,
thresholds see nothing. The sensor's name carries the least confidence, and with it every alarm's label.
"""

from __future__ import annotations

import contextlib
import logging
import uuid
from typing import Any

import msgspec

from hall.core.clock import real_ms
from hall.core.errors import BusLost, Refused
from hall.core.model import Channel, Observation, Sensor
from hall.core.process import Process
from hall.core.secrets import Secrets
from video.analysis.drawings import FILE, Drawings
from video.analysis.evidence import Evidence
from video.analysis.job import Job
from video.analysis.plan import MOST_TASKS, analysers, begun, tasks
from video.analysis.references import References
from video.analysis.seam import Reading, Task
from video.analysis.watching import Watching
from video.decode import Decoders, Picture, StreamDecoder, Undecodable
from video.directory import Directory

log = logging.getLogger("hall.video")
FEED = "video-analysis"


class _Event(msgspec.Struct):
    data: Channel


_event = msgspec.json.Decoder(_Event).decode


class Analysis:
    """All regions of one hall. `counters`: pictures, readings, uncertain, undecodable."""

    def __init__(self, process: Process, directory: Directory, secrets: Secrets) -> None:
        self._process, self._directory = process, directory
        self.kinds = analysers()
        folder = process.settings.data_dir
        written = tasks(process.config, self.kinds)
        self.drawings = Drawings(folder / FILE, lambda task: begun(task, self.kinds), written, MOST_TASKS)
        self._references = References(folder / "analysis-dry")
        self.jobs: dict[str, list[Job]] = {}  # by channel
        self._watching = Watching(process, secrets, self.take)
        self._decoders, self._streams = Decoders(1), dict[str, StreamDecoder]()
        self._introduced: set[str] = set()
        self.evidence = Evidence(folder / "analysis")
        self.counters: dict[str, float] = {"pictures": 0, "readings": 0, "uncertain": 0, "undecodable": 0}

    async def run(self) -> None:
        """Works for ever."""
        try:
            await self.apply()
            await self._watching.run()
        finally:
            self._decoders.close()

    async def apply(self) -> None:
        """Takes the drawings as they are now."""
        gone = await self._decoders.run(self._apply)  # where pictures are looked at: never in the middle of a look
        self._watching.watch({channel: not any(job.kind.moving for job in jobs) for channel, jobs in self.jobs.items()})
        with contextlib.suppress(BusLost):
            for job in gone:
                self._withdraw(job)

    def _apply(self) -> list[Job]:
        """In the thread: jobs that go on keep what they remember; returns those whose measuring point is no more."""
        before = {job.key: job for jobs in self.jobs.values() for job in jobs}
        found: dict[str, list[Job]] = {}
        for key, drawing in self.drawings.current().items():
            channel, known = drawing.task.channel, before.get(key)
            number = len(found.setdefault(channel, []))
            suffix = (f":{number}" if number else "") if key in self.drawings.written else f":{key}"
            place = channel.split("/", 2)[2] + suffix
            job = (
                known
                if known is not None and known.drawing == drawing
                else Job(key, drawing, self.kinds, self._references, place)
            )
            if known is not None and job is not known and known.task.channel == channel:
                job.seen = known.seen
            found[channel].append(job)
        self.jobs = found
        self._streams = {channel: self._streams.get(channel) or StreamDecoder() for channel in found}
        kept = {job.place: job.task.analyser for jobs in found.values() for job in jobs}
        for job in before.values():
            if job not in found.get(job.task.channel, []):
                self._introduced -= set(job.subjects())  # its name or its least confidence may be another now
        return [job for job in before.values() if kept.get(job.place) != job.task.analyser]

    async def refer(self, key: str, channel: str, by: str, name: str) -> None:
        """The place is dry now: what was seen of it last is what it is compared with from now on. Raises Refused."""
        job = next((job for job in self.jobs.get(channel, ()) if job.key == key), None)
        if job is None or not job.kind.referred:
            raise Refused("region-unknown", "there is no such region, or it is compared with nothing", 404)
        if not job.seen:
            raise Refused("no-picture-yet", "no picture of this channel was looked at yet", 409)
        reference = uuid.uuid4().hex[:16]
        try:
            await self._decoders.run(lambda: self._references.keep(reference, job.looks()))
        except OSError as error:
            raise Refused("not-kept", f"the picture could not be kept: {error.strerror or error}", 503) from None
        self.drawings.refer(key, channel, reference, by, name, real_ms())
        await self.apply()
        await self._decoders.run(lambda: self._references.clear(self.drawings.pictures()))

    # -- looking -----------------------------------------------------------------------------------------------------

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
            for job, readings, evidence in found:
                self._tell(job, readings, evidence, captured)

    def _work(self, channel: str, family: str, key: bool, broken: bool, captured: float, coded: bytes) -> list[Any]:
        """In the thread: decode once, look with each analyser whose turn it is."""
        jobs, stream = self.jobs.get(channel, []), self._streams.get(channel)
        picture = stream.decode(coded, family, key, broken) if stream is not None else None
        found = []
        if picture is None or picture.corrupt:
            return found
        for job in jobs:
            if readings := job.look(picture, captured):
                wanted = not job.kind.moving or any(
                    reading.value for reading in readings
                )  # where nothing moves is no proof needed
                found.append((job, readings, self._evidence(channel, int(captured), picture) if wanted else ""))
        return found

    def _evidence(self, channel: str, at: int, picture: Picture) -> str:
        try:
            return self.evidence.keep(channel, at, picture)
        except OSError as error:
            log.warning("analysis: a picture cannot be kept: %s", error.strerror or error)
            return ""

    # -- telling -----------------------------------------------------------------------------------------------------

    def _tell(self, job: Job, readings: list[Reading], evidence: str, captured: float) -> None:
        task, channel = job.task, self._channel(job.task.channel)
        for reading in readings:
            sensor = f"{job.place}:{reading.quantity}".replace("/", "_")
            self._introduce(task, channel, sensor, reading)
            sure = reading.confidence >= task.min_confidence
            self.counters["readings" if sure else "uncertain"] += 1
            extra: dict[str, Any] = {
                "confidence": reading.confidence, "channel": task.channel, "analyser": task.analyser, "region": job.key,
            }  # fmt: skip
            if evidence:
                extra["picture"] = f"/video/poster/{evidence}"
            if reading.doubt and not sure:
                extra["doubt"] = reading.doubt
            doc = Observation(
                feed=FEED, sensor_id=sensor, quantity=reading.quantity, value=reading.value if sure else None,
                unit=reading.unit, quality="estimated" if sure else "uncertain", extra=extra,
            )  # fmt: skip
            if channel is not None:
                doc.lon, doc.lat, doc.district, doc.cell = channel.lon, channel.lat, channel.district, channel.cell
            said = {"quantity": reading.quantity, "value": doc.value, "unit": doc.unit, "at": int(captured)}
            job.latest[reading.quantity] = said | extra
            event = self._process.event(f"observation/{FEED}/{sensor}/{reading.quantity}", doc)
            self._process.bulk.put(event)

    def _withdraw(self, job: Job) -> None:
        """Its measuring points are no more; screens and thresholds forget them."""
        for quantity, sensor in zip(job.latest, job.subjects(), strict=True):
            self._introduced.discard(sensor)
            self._process.bulk.put(self._process.event(f"observation/{FEED}/{sensor}/{quantity}", None))
            self._process.bulk.put(self._process.event(f"sensor/{FEED}/{sensor}", None))

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
