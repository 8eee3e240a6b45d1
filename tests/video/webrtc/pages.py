"""Pages for Chromium: `play(url, ticket)` by hand, and players that are not ours."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

from tests.browserflags import DISABLED
from tests.video.cameras import READ_JS

PLAYERS = Path(__file__).parent / "players"
CHROMIUM = {
    "executable_path": "/usr/bin/chromium",
    "args": [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
        "--autoplay-policy=no-user-gesture-required", DISABLED,
    ],
    "ignore_default_args": ["--headless"],
}  # fmt: skip

#: `numbers` fills with [burnt-in number or null, wall seconds] of each picture as it is shown
BY_HAND = (
    "<video id=v autoplay muted playsinline></video><canvas id=c></canvas><script>"
    + READ_JS
    + """
const v = document.getElementById('v'), c = document.getElementById('c'), numbers = [];
async function play(url, ticket) {
  const began = performance.now(), pc = window.pc = new RTCPeerConnection({iceServers: []});
  pc.addTransceiver('video', {direction: 'recvonly'});
  pc.ontrack = e => { v.srcObject = new MediaStream([e.track]); };
  const first = new Promise(ok => v.requestVideoFrameCallback(() => ok(performance.now() - began)));
  await pc.setLocalDescription(await pc.createOffer());
  const headers = {'content-type': 'application/sdp', 'x-hall-ticket': ticket};
  const answer = await fetch(url, {method: 'POST', body: pc.localDescription.sdp, headers});
  if (answer.status != 201) return {status: answer.status, ...await answer.json()};
  window.place = answer.headers.get('location');
  await pc.setRemoteDescription({type: 'answer', sdp: await (window.through || (text => text))(await answer.text())});
  const first_ms = await first, x = c.getContext('2d', {willReadFrequently: true});
  const step = () => {
    const now = Date.now() / 1000;
    c.width = v.videoWidth; c.height = 64;
    x.drawImage(v, 0, 0);
    numbers.push([readNumber(x, 0, 0, v.videoWidth), now]);
    v.requestVideoFrameCallback(step);
  };
  v.requestVideoFrameCallback(step);
  return {status: 201, first_ms};
}
async function stats() {
  const found = {};
  (await pc.getStats()).forEach(s => { if (s.type == 'inbound-rtp' || s.type == 'transport') found[s.type] = s; });
  return found;
}
</script>"""
)

MEDOOZE = """<video id=v autoplay muted playsinline></video><script type=module>
import {WHEPClient} from '/players/medooze-whep.js';
window.play = async url => {
  const pc = new RTCPeerConnection({iceServers: []}), whep = window.player = new WHEPClient();
  pc.addTransceiver('video', {direction: 'recvonly'});
  pc.addTransceiver('audio', {direction: 'recvonly'});
  pc.ontrack = e => { if (e.track.kind == 'video') document.getElementById('v').srcObject = new MediaStream([e.track]); };
  await whep.view(pc, url);
};
</script>"""

EYEVINN = """<video id=v autoplay muted playsinline></video><script src="/players/eyevinn-webrtc-player.js"></script><script>
window.play = url => {
  const player = window.player = new WebRTCPlayer({video: document.getElementById('v'), type: 'whep', iceServers: []});
  return player.load(new URL(url));
};
</script>"""

SHOWN = "() => document.getElementById('v').getVideoPlaybackQuality().totalVideoFrames"


@contextlib.contextmanager
def started(folder: Path):
    """A Chromium without any switch for WebRTC, for many tests; gives the address that `browser` connects to."""
    flags = [*CHROMIUM["args"], "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]
    program = subprocess.Popen([CHROMIUM["executable_path"], *flags], stderr=subprocess.PIPE, text=True)
    try:
        yield next(line.split()[-1] for line in program.stderr if line.startswith("DevTools listening on"))
    finally:
        program.terminate()
        program.stderr.read()
        program.wait(10)


@contextlib.asynccontextmanager
async def browser(address: str = ""):
    """A Chromium of its own, or a fresh profile of the one that listens at `address`."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        if address:
            found = await (await playwright.chromium.connect_over_cdp(address)).new_context()
        else:
            found = await playwright.chromium.launch(**CHROMIUM)
        try:
            yield found
        finally:
            await found.close()


async def at(chromium, origin: str, html: str):
    """A page of `origin` with this text; the players lie under /players/ there."""
    page = await chromium.new_page()

    async def serve(route):
        name = route.request.url.rpartition("/")[2]
        if "/players/" in route.request.url:
            await route.fulfill(body=(PLAYERS / name).read_text(), content_type="text/javascript")
        else:
            await route.fulfill(body=html, content_type="text/html")

    await page.route(f"{origin}/players/*", serve)
    await page.route(f"{origin}/stage", serve)
    await page.goto(f"{origin}/stage")
    return page
