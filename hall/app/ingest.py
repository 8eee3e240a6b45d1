"""Suppliers push: `POST /api/v1/ingest/{feed}` and a WebSocket of the same path, both into the bus queue `inbox:<feed>`.

Nothing is decoded here: whatever the bytes hold is the feed's decoder's business, so a broken body is parked there with
its reason and never fails a request. A request is answered only once its bytes are on the bus.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import os
import zlib
from collections import Counter
from collections.abc import Callable, Iterator

import msgspec
from fastapi import APIRouter, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from hall.core.clock import monotonic, real_ms
from hall.core.config import FeedConfig
from hall.core.errors import BusLost, Refused
from hall.core.process import Process
from hall.core.room import has_room

MAX_BODY_BYTES = 8 * 1024 * 1024
BACKLOG_ENTRIES = 10_000
#: what one feed's inbox may hold on the bus; the bus refuses all writes when its memory ends, so no feed may fill it
BACKLOG_BYTES = 64 * 1024 * 1024
#: what one feed's bodies on their way may take of our memory, and how long one may take to come
RECEIVING_BYTES, BODY_SECONDS = 64 * 1024 * 1024, 60.0
SOCKETS_AT_ONCE = 256
RETRY_AFTER_SECONDS = 5
RETRY_STATUSES = (503, 507)
WAIT_SECONDS = 5.0


def push_feed(process: Process, name: str) -> FeedConfig:
    """The enabled feed of `url = "push://"` called `name`; raises Refused 404."""
    try:
        _, feed = process.config.feed(name)
    except KeyError:
        raise Refused("unknown-feed", f"no feed is called {name[:80]!r}", 404) from None
    if not feed.url.startswith("push:") or not feed.enabled:
        raise Refused("not-a-push-feed", f"feed {name!r} takes no pushed data", 404)
    return feed


def expected_token(feed: FeedConfig) -> str:
    """The token a supplier must show; `env:NAME` is read from the environment. Empty: nobody may push."""
    return os.environ.get(feed.token[4:], "") if feed.token.startswith("env:") else feed.token


def check_token(feed: FeedConfig, headers: dict | None, query_token: str | None) -> None:
    """Takes `Authorization: Bearer TOKEN` or `?token=TOKEN`; raises Refused 401. The comparison takes constant time."""
    scheme, _, shown = (headers or {}).get("authorization", "").partition(" ")
    shown = shown.strip() if scheme.lower() == "bearer" else (query_token or "")
    wanted = expected_token(feed)
    if not wanted:
        raise Refused("no-token-configured", f"feed {feed.name!r} has no token, so nobody may push to it", 401)
    if not hmac.compare_digest(shown.encode(), wanted.encode()):
        raise Refused("wrong-token", "send `Authorization: Bearer TOKEN` with this feed's token", 401)


async def read_body(request: Request, take: Callable[[int], None]) -> bytes:
    """The body, at most MAX_BODY_BYTES (also after gunzipping); raises Refused 400, 408, 413 or 415.

    `take` is told of every byte that is kept meanwhile, and may refuse.
    """
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > MAX_BODY_BYTES:
        raise _too_large()
    sent = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                if len(sent) + len(part) > MAX_BODY_BYTES:
                    raise _too_large()
                take(len(part))
                sent += part
    except TimeoutError:
        raise Refused("too-slow", f"the body did not come within {BODY_SECONDS:g} s", 408) from None
    body = _decompressed(bytes(sent), request.headers.get("content-encoding", "identity").lower())
    if not body:
        raise Refused("empty-body", "send the data as the request's body", 400)
    return body


def _decompressed(body: bytes, encoding: str) -> bytes:
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise Refused("unknown-encoding", f"Content-Encoding {encoding[:40]!r}: send gzip or none", 415)
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise Refused("bad-gzip", str(error), 400) from None
    if len(plain) > MAX_BODY_BYTES:
        raise _too_large()
    if not unpacker.eof:
        raise Refused("bad-gzip", "the body ends within the gzip data", 400)
    return plain


def _too_large() -> Refused:
    return Refused("too-large", f"at most {MAX_BODY_BYTES} bytes at once; send several", 413)


async def enqueue(process: Process, feed: FeedConfig, body: bytes, content_type: str, wait: bool = False) -> str:
    """Puts one body into the feed's inbox; returns its entry id once the bus has it.

    Raises Refused 503 when the backlog is full or the bus cannot be reached, 507 when the disk has no room.
    """
    if not has_room(process.settings):
        raise Refused("disk-full", "the hall's disk is nearly full and takes no data until there is room again", 507)
    fields: dict[str, bytes | str] = {"body": body, "type": content_type, "at": str(real_ms())}
    if wait:
        fields["wait"] = "1"
    try:
        if await process.bus.queue_length("inbox", feed.name) >= BACKLOG_ENTRIES or (
            await process.bus.queue_bytes("inbox", feed.name) + len(body) > BACKLOG_BYTES
        ):
            raise Refused("backlog-full", f"feed {feed.name!r} is behind; try again later", 503)
        at = await process.bus.queue_add(fields, "inbox", feed.name)
    except BusLost as error:
        raise Refused("bus-lost", str(error), 503) from None
    return f"{at[0]}-{at[1]}"


async def outcome_of(process: Process, feed: str, entry: str) -> dict | None:
    """What became of an entry that asked to be waited for; None when the feed has not got to it within WAIT_SECONDS."""
    until, pause = monotonic() + WAIT_SECONDS, 0.01
    while True:
        try:
            found = await process.bus.get("outcome", feed, entry)
        except BusLost:
            return None
        if found is not None:
            return msgspec.json.decode(found)
        if monotonic() + pause > until:
            return None
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def refusal(error: Refused) -> JSONResponse:
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if error.status in RETRY_STATUSES else {}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="ingest"'
    return JSONResponse({"accepted": False, "reason": error.reason, "detail": error.detail}, error.status, headers)


@contextlib.contextmanager
def _room(taken: Counter[str], feed: str, bound: int) -> Iterator[Callable[[int], None]]:
    """Gives a function that takes so much of a feed's `bound`, all of it given back at the end; it raises Refused 503 when
    there is no room: one supplier's flood costs only itself."""
    mine = 0

    def take(amount: int) -> None:
        nonlocal mine
        if taken[feed] + amount > bound:
            raise Refused("busy", f"feed {feed!r} sends too much at once; try again later", 503)
        taken[feed] += amount
        mine += amount

    try:
        yield take
    finally:
        taken[feed] -= mine


def router(process: Process) -> APIRouter:
    """The two ingest routes of one hall."""
    routes = APIRouter(prefix="/api/v1/ingest", tags=["ingest"])
    receiving: Counter[str] = Counter()
    sockets: Counter[str] = Counter()

    @routes.post("/{feed}", status_code=202)
    async def push(feed: str, request: Request) -> JSONResponse:
        wait = request.query_params.get("wait", "") in ("1", "true")
        try:
            found = push_feed(process, feed)
            check_token(found, request.headers, request.query_params.get("token"))
            with _room(receiving, found.name, RECEIVING_BYTES) as take:
                body = await read_body(request, take)
                entry = await enqueue(process, found, body, request.headers.get("content-type", ""), wait)
        except Refused as error:
            return refusal(error)
        answer = {"accepted": True, "entry": entry}
        if wait:
            answer["outcome"] = await outcome_of(process, feed, entry)
        return JSONResponse(answer, 202)

    @routes.websocket("/{feed}")
    async def push_socket(socket: WebSocket, feed: str) -> None:
        with _room(sockets, feed, SOCKETS_AT_ONCE) as take:
            try:
                found = push_feed(process, feed)
                check_token(found, socket.headers, socket.query_params.get("token"))
                take(1)
            except Refused as error:
                return await _deny(socket, error)
            await socket.accept()
            await _take_messages(process, found, socket)

    return routes


async def _deny(socket: WebSocket, error: Refused) -> None:
    """Refuses the handshake with the status a POST would get, where the server can say so."""
    if "websocket.http.response" in socket.scope.get("extensions", {}):
        await socket.send_denial_response(refusal(error))
    else:
        await socket.close(1008, error.reason)


async def _take_messages(process: Process, feed: FeedConfig, socket: WebSocket) -> None:
    """Answers each message, in order: `{"n", "entry"}` once it is on the bus, `{"n", "refused", ...}` when it is not taken."""
    number = 0
    while True:
        try:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            number += 1
            await socket.send_json(await _answer(process, feed, message, number))
        except WebSocketDisconnect:
            return


async def _answer(process: Process, feed: FeedConfig, message: dict, number: int) -> dict:
    text = message.get("text")
    body = text.encode("utf-8", "surrogatepass") if text is not None else message.get("bytes") or b""
    try:
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
        if not body:
            raise Refused("empty-body", "the message is empty")
        return {"n": number, "entry": await enqueue(process, feed, body, "")}
    except Refused as error:
        answer = {"n": number, "refused": error.reason, "detail": error.detail}
        return answer | ({"retry_after": RETRY_AFTER_SECONDS} if error.status in RETRY_STATUSES else {})
