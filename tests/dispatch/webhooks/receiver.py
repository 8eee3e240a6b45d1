"""A receiver whose manners the test writes down: a status per call, or to hang, or to hang up."""

from __future__ import annotations

import asyncio
import json


class Receiver:
    """`plan` holds what the next calls get (an int, "hang", "drop", or (status, header line)); then 200. `calls` what came."""

    def __init__(self) -> None:
        self.plan, self.calls, self.at_once, self.most = [], [], 0, 0
        self._news = asyncio.Condition()
        self.let_go = asyncio.Event()

    async def __aenter__(self) -> Receiver:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.let_go.set()
        self.server.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/tasks?from=hall"

    async def wait_for(self, count: int) -> list[dict]:
        """The calls once there are `count`."""
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: len(self.calls) >= count)
        return self.calls

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                headers = {}
                while (header := await reader.readline()).strip():
                    name, _, value = header.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                if not await self._answer(line.decode().split()[1], headers, body, writer, reader):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _until_given_up(self, reader: asyncio.StreamReader) -> None:
        """Answers nothing until the caller hangs up or the test lets go."""
        waiting = [asyncio.create_task(reader.read(1)), asyncio.create_task(self.let_go.wait())]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()

    async def _answer(
        self, path: str, headers: dict, body: bytes, writer: asyncio.StreamWriter, reader: asyncio.StreamReader
    ) -> bool:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        what = self.plan.pop(0) if self.plan else 200
        try:
            async with self._news:
                self.calls.append({"path": path, "headers": headers, "body": body, "event": json.loads(body), "got": what})
                self._news.notify_all()
            if what == "hang":
                await self._until_given_up(reader)
                return False
            if what == "drop":
                return False
            status, extra = what if isinstance(what, tuple) else (what, "")
            writer.write(f"HTTP/1.1 {status} X\r\n{extra}content-length: 2\r\n\r\nok".encode())
            await writer.drain()
            return True
        finally:
            self.at_once -= 1
