"""What the tests of playback ask a page: numbers in the pictures on the glass, their moments, how far films run apart."""

from __future__ import annotations

from tests.video.cameras import READ_JS, Recipe

#: a loop longer than what a test records: a number names one moment
RECIPE = Recipe(width=320, height=180, kbit_s=300, seconds=240, gop=25)
FPS, NUMBERS = 25, 240 * 25
#: per film: the number burnt into the picture on the glass, and the moment that the playback says it is, as a number
SHOWN_JS = (
    READ_JS
    + """
window.shownNow = () => hall.video.playing.films.map((film) => {
  const canvas = document.createElement('canvas'), video = film.element;
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0);
  return {number: readNumber(context, 0, 0, canvas.width), film: film.shown, slider: Number(hall.video.playing.axis.range.value), at: hall.video.playing.at};
});
window.settled = () => hall.video.playing && hall.video.playing.films.every((film) =>
  film.element.paused && !film.element.seeking && film.shown != null && film.buffered(hall.video.playing.at) && Math.abs(film.shown - hall.video.playing.at) < 200);
"""
)


def until(page, look: str, given) -> None:
    """Asks the hall in the page, again and again, until what the async function `look` gives is true."""
    page.evaluate(f"async given => {{ while (!(await ({look})(given))) await new Promise(go => setTimeout(go, 150)) }}", given)


def number_at(ms: float) -> float:
    """What a camera burns into the picture of that moment (tests/video/cameras): its place in the loop."""
    return ms / 1000 * FPS % NUMBERS


def apart(a: float, b: float) -> float:
    """Pictures between two numbers of the loop."""
    return abs((a - b + NUMBERS / 2) % NUMBERS - NUMBERS / 2)


#: JavaScript: plays the last seconds, over a segment's end, at `rate`, notes at each frame of the screen how far two running films are apart (ms of
#: footage), until the end; how fast footage went by meanwhile (the middle of many stretches: a stall spoils a few), and whether the end was reached
STEP_JS = """rate => new Promise((done) => {
  const { player, films } = hall.video.playing, apart = [];
  player.rate = rate;
  hall.video.playing.jump(Math.max(player.from, player.to - 4500 * rate));
  if (!player.playing) player.play();
  const passed = [], asked = performance.now(), order = (a, b) => a - b;
  const stretch = () => Math.min(12, Math.ceil(passed.length / 4)); // looks
  const speeds = () => passed.slice(stretch()).map((one, i) => (one.now - passed[i].now) / (one.at - passed[i].at)).sort(order);
  const look = () => {
    const ended = passed.length > 0 && !player.playing;
    if (performance.now() - asked > 60000 || ended) return void done({ ended, apart: apart.sort(order), speed: speeds()[Math.floor(speeds().length / 2)], looks: passed.length });
    requestAnimationFrame(look);
    if (!player.lead || films.some(f => f.element.paused) || player.at > player.to - 500) return;
    passed.push({ at: performance.now(), now: player.lead.now });
    apart.push(Math.abs(films[0].now - films[1].now));
  };
  look();
})"""
