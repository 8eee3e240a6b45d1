"""One connection to a fake camera: answers requests, then takes the pictures of its mount."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import re
import secrets
from urllib.parse import urlsplit

from tests.video.cameras import packets

REALM = "fake camera"
MOST_UNSENT = 8 << 20  # bytes after which a camera drops pictures of a client that does not read


class Session:
    def __init__(self, camera, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.camera, self.reader, self.writer = camera, reader, writer
        self.name, self.playing, self.channel = "", False, 0
        self.id, self.nonce, self.answered = secrets.token_hex(4), secrets.token_hex(8), 0
        self.luck = random.Random(1)
        self._began, self._reported, self._await_key = 0.0, 0.0, False

    async def run(self) -> None:
        self.camera.sessions.add(self)
        self.camera.connections += 1
        try:
            while True:
                first = await self.reader.readexactly(1)
                if first == b"$":
                    size = int.from_bytes((await self.reader.readexactly(3))[1:], "big")
                    await self.reader.readexactly(size)
                    self.camera.reports += 1
                    continue
                await self._request((first + await self.reader.readuntil(b"\r\n\r\n")).decode())
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
            pass
        finally:
            self.hang_up()

    def hang_up(self) -> None:
        self.camera.sessions.discard(self)
        self.playing = False
        self.writer.transport.abort()

    async def _request(self, text: str) -> None:
        line, *rest = text.split("\r\n")
        method, url, _ = line.split(" ", 2)
        headers = {k.lower(): v.strip() for k, _, v in (h.partition(":") for h in rest if ":" in h)}
        if int(headers.get("content-length", 0)):
            await self.reader.readexactly(int(headers["content-length"]))
        self.camera.asked.append(method)
        self.name = urlsplit(url).path.strip("/").split("/")[0] or self.name
        mount = self.camera.mounts.get(self.name)
        if mount is None and method != "OPTIONS":
            return self._answer(headers, 404, None)
        if mount and mount.half_open:
            return None
        if mount and mount.slow:
            await asyncio.sleep(mount.slow)
        if mount and mount.auth and method != "OPTIONS" and not self._known(mount, method, headers):
            return None
        self.answered += 1
        await getattr(self, f"_{method.lower()}", self._not_allowed)(mount, headers)

    def _answer(self, headers: dict, status: int, mount, more: dict | None = None, body: str = "") -> None:
        words = {200: "OK", 302: "Found", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed"}
        fields = {"CSeq": headers.get("cseq", "0"), "Server": "Fake/1.0", **(more or {})}
        if body:
            fields |= {"Content-Type": "application/sdp", "Content-Length": str(len(body.encode()))}
        eol = mount.eol if mount else "\r\n"
        lines = [f"RTSP/1.0 {status} {words.get(status, 'Odd')}"]
        for key, value in fields.items():
            for one in value if isinstance(value, list) else [value]:
                lines.append(f"{key.lower() if mount and mount.lower_case else key}: {one}")
        self.writer.write((eol.join(lines) + eol + eol + body).encode())

    def _known(self, mount, method: str, headers: dict) -> bool:
        given, stale = headers.get("authorization", ""), False
        if (
            mount.auth in ("basic", "both")
            and given == "Basic " + base64.b64encode(f"{mount.user}:{mount.password}".encode()).decode()
        ):
            return True
        if given.startswith("Digest ") and mount.auth != "basic":
            found = dict(re.findall(r'(\w+)="?([^",]*)"?', given[7:]))
            stale = found.get("nonce") != self.nonce or bool(
                mount.stale_every and self.answered and self.answered % mount.stale_every == 0
            )
            if not stale and found.get("response") == self._digest(mount, method, found):
                return True
            self.answered += stale
        self.nonce = secrets.token_hex(8)
        asks = {"basic": [f'Basic realm="{REALM}"'], "digest": [self._challenge(stale, "MD5")],
                "digest-sha256": [self._challenge(stale, "SHA-256")],
                "both": [f'Basic realm="{REALM}"', self._challenge(stale, "MD5")]}[mount.auth]  # fmt: skip
        self._answer(headers, 401, mount, {"WWW-Authenticate": asks})
        return False

    def _challenge(self, stale: bool, algorithm: str) -> str:
        qop = ', qop="auth", algorithm=SHA-256, opaque="zz"' if algorithm == "SHA-256" else ""
        return f'Digest realm="{REALM}", nonce="{self.nonce}"{qop}{", stale=true" if stale else ""}'

    def _digest(self, mount, method: str, found: dict) -> str:
        make = hashlib.sha256 if found.get("algorithm") == "SHA-256" else hashlib.md5
        h = lambda *parts: make(":".join(parts).encode()).hexdigest()  # noqa: E731
        one, two = (
            h(found["username"], REALM, mount.password if found["username"] == mount.user else "?"),
            h(method, found["uri"]),
        )
        if "qop" in found:
            return h(one, found["nonce"], found["nc"], found["cnonce"], found["qop"], two)
        return h(one, found["nonce"], two)

    async def _not_allowed(self, mount, headers: dict) -> None:
        self._answer(headers, 405, mount)

    async def _options(self, mount, headers: dict) -> None:
        self._answer(headers, 200, mount, {"Public": "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN" + (", GET_PARAMETER" if mount and mount.keepalive == "GET_PARAMETER" else "")})  # fmt: skip

    async def _describe(self, mount, headers: dict) -> None:
        if mount.redirect:
            return self._answer(headers, 302, mount, {"Location": mount.redirect})
        if mount.status != 200:
            return self._answer(headers, mount.status, mount)
        url = self.camera.url(self.name, login=False)
        base = {"Content-Base": url + "/"} if mount.content_base else {}
        self._answer(headers, 200, mount, base, self._sdp(mount, url))

    def _sdp(self, mount, url: str) -> str:
        clip = mount.lie or mount.clip
        control = {"relative": "trackID=0", "absolute": f"{url}/trackID=0"}.get(mount.control)
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=Fake", "c=IN IP4 0.0.0.0", "t=0 0", "a=control:*"]
        if mount.audio:
            lines += [
                "m=audio 0 RTP/AVP 8",
                "a=rtpmap:8 PCMA/8000",
                f"a=control:{url + '/' if mount.control == 'absolute' else ''}trackID=9",
            ]
        lines += ["m=video 0 RTP/AVP 96", f"a=rtpmap:96 {'H264' if clip.family == 'h264' else 'H265'}/90000"]
        if mount.sdp_sets:
            lines.append(f"a=fmtp:96 {packets.sprop(clip)}")
        if control:
            lines.append(f"a=control:{control}")
        return mount.eol.join(lines) + mount.eol

    async def _setup(self, mount, headers: dict) -> None:
        found = re.search(r"interleaved=(\d+)-(\d+)", headers.get("transport", ""))
        if not found:
            return self._answer(headers, 461, mount)
        self.channel = int(found[1])
        promise = "" if mount.timeout is None else f";timeout={mount.timeout}"
        self._answer(headers, 200, mount, {"Transport": f"RTP/AVP/TCP;unicast;interleaved={found[0].split('=')[1]};ssrc=1", "Session": self.id + promise})  # fmt: skip

    async def _play(self, mount, headers: dict) -> None:
        if headers.get("session", "").split(";")[0] != self.id:
            return self._answer(headers, 454, mount)
        if mount.early:
            self.writer.write(self.camera.early(self.name, self.channel, mount.early))
        self._answer(headers, 200, mount, {"Session": self.id, "Range": "npt=now-"})
        self._began, self.playing, self._await_key = packets.now(), True, mount.starts_with_key

    async def _get_parameter(self, mount, headers: dict) -> None:
        self._answer(headers, 200 if mount.keepalive == "GET_PARAMETER" else 405, mount, {"Session": self.id})

    async def _teardown(self, mount, headers: dict) -> None:
        self._answer(headers, 200, mount)
        self.playing = False

    def picture(self, tick: int, key: bool, framed: bytes) -> None:
        """What is due at this tick: the picture, and what goes wrong with it."""
        mount, played = self.camera.mounts[self.name], packets.now() - self._began
        if self._await_key and not key:
            return
        self._await_key = False
        if mount.dies_after is not None and played >= mount.dies_after:
            return self.hang_up()
        if mount.silent_after is not None and played >= mount.silent_after:
            return
        if mount.garbage_after is not None and played >= mount.garbage_after:
            framed = mount.garbage or self.luck.randbytes(2000)
        if self.writer.transport.get_write_buffer_size() > MOST_UNSENT:
            return
        if mount.rtcp is not None and packets.now() - self._reported >= mount.rtcp:
            self._reported = packets.now()
            framed = packets.interleaved(self.channel + 1, self.camera.report(self.name, tick)) + framed
        self.writer.write(framed)
