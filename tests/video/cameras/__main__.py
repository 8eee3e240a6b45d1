"""A fake camera in a process of its own: prints one line `{"port": …, "urls": […]}`, runs until its standard input ends.

`python -m tests.video.cameras --mounts 40 --width 1280 --height 720 --fps 25 --kbit 2000 --gop 50 --scatter`
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from tests.video.cameras import FakeCamera, Mount, Recipe, make


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mounts", type=int, default=1)
    parser.add_argument("--family", default="h264")
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=360)
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--kbit", type=int, default=800)
    parser.add_argument("--gop", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--noise", type=int, default=12)
    parser.add_argument("--bframes", type=int, default=0)
    parser.add_argument("--profile", default="baseline")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--scatter", action="store_true", help="the mounts' pictures are due at different moments")
    parser.add_argument("--starts-with-key", action="store_true")
    return parser.parse_args()


async def serve(asked: argparse.Namespace) -> None:
    recipe = Recipe(family=asked.family, width=asked.width, height=asked.height, fps=asked.fps, seconds=asked.seconds, gop=asked.gop,
                    kbit_s=asked.kbit, noise=asked.noise, bframes=asked.bframes, profile=asked.profile)  # fmt: skip
    clip, step = make(recipe), 1 / asked.fps / asked.mounts if asked.scatter else 0.0
    mounts = {f"c{i}": Mount(clip=clip, phase=i * step, starts_with_key=asked.starts_with_key) for i in range(asked.mounts)}
    camera = await FakeCamera(mounts, port=asked.port).start()
    print(json.dumps({"port": camera.port, "urls": [camera.url(name) for name in mounts]}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await camera.stop()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(arguments()))
