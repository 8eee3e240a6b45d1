"""Recorded segments in a real browser: MSE takes them from any segment on, seeks, and shows the picture of the moment asked for."""

import msgspec
import pytest

from tests.video.cameras import clip as clips
from tests.video.record.tapes import SMALL, info_of, units
from tests.video.sources.webserver import WebServer
from tests.video.webrtc import pages
from video.media import CLOCK_RATE
from video.record.tape import Tape

pytestmark = pytest.mark.browser
PAGE = """<!doctype html><video id=v muted></video><script>
%s
async function bytes(name) { return new Uint8Array(await (await fetch(name, {cache: 'no-store'})).arrayBuffer()); }
async function show(codec, init, segments, seconds) {
  const video = document.getElementById('v'), source = new MediaSource();
  video.src = URL.createObjectURL(source);
  await new Promise(done => source.onsourceopen = done);
  const buffer = source.addSourceBuffer(`video/mp4; codecs="${codec}"`);
  for (const name of [init, ...segments]) {
    buffer.appendBuffer(await bytes(name));
    await new Promise((done, failed) => { buffer.onupdateend = done; buffer.onerror = () => failed(new Error('append ' + name)); });
  }
  const from = buffer.buffered.start(0), to = buffer.buffered.end(buffer.buffered.length - 1), parts = buffer.buffered.length;
  const numbers = [];
  for (const at of seconds) {
    const painted = new Promise(done => video.requestVideoFrameCallback(done)); // seeked may come before the first picture is there
    const sought = new Promise(done => video.onseeked = done);
    video.currentTime = at;
    await Promise.all([painted, sought]);
    const canvas = document.createElement('canvas');
    canvas.width = video.videoWidth; canvas.height = video.videoHeight;
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0);
    numbers.push(readNumber(context, 0, 0, canvas.width));
  }
  return {from, to, parts, numbers, width: video.videoWidth};
}
</script>"""  # the test's own: the product's player is tested where it lives


@pytest.fixture
async def page():
    web = WebServer()
    await web.start()
    web.routes["/"], web.types["/"] = (PAGE % clips.READ_JS).encode(), "text/html"
    async with pages.browser() as chromium:
        found = await chromium.new_page()
        await found.goto(web.url("/"))
        found.web = web
        yield found
    await web.stop()


async def test_a_browser_plays_from_any_segment_and_finds_each_moment(page, tmp_path):
    """Two segments from the middle, with a gap between: what is shown at a moment is what was taken then; with and without
    pictures that are sent out of their order."""
    for kind, recipe in {"plain": SMALL, "reordered": msgspec.structs.replace(SMALL, profile="main", bframes=2)}.items():
        await page.reload()
        await _played(page, tmp_path / kind, recipe)


async def _played(page, tmp_path, recipe):
    clip = clips.make(recipe)
    tape = Tape(tmp_path / "t")
    tape.begin(info_of(clip))
    for unit in units(clip, 250) + units(clip, 100, first=300):
        tape.take(unit)
    tape.cut()
    chosen = tape.lines[1:4]
    for path in (tmp_path / "t").iterdir():
        page.web.routes[f"/{path.name}"] = path.read_bytes()
    second = [line.pts / CLOCK_RATE for line in chosen]
    moments = [second[0] + 0.05, second[0] + 3.75, second[1] + 0.35, second[2] + 1.25]
    asked = [info_of(clip).codec, chosen[0].init, [f"{line.number:06d}.m4s" for line in chosen], moments]
    shown = await page.evaluate("([codec, init, segments, seconds]) => show(codec, init, segments, seconds)", asked)
    assert shown["numbers"] == [100 % 40, 137 % 40, 203 % 40, 312 % 40]
    assert abs(shown["from"] - second[0]) < 0.01 and shown["parts"] == 2 and shown["width"] == recipe.width
