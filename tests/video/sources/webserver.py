"""A web server that does exactly what a test says, also what no web server should."""

import asyncio
import contextlib


class Asked:
    def __init__(self, method, path, headers, body=b""):
        self.method, self.path, self.headers, self.body = method, path, headers, body


class WebServer:
    """`routes[path] = async handler(asked, writer)`, or bytes (with `types[path]`). `asked` lists what was asked for."""

    def __init__(self):
        self.routes, self.types, self.asked = {}, {}, []

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def url(self, path, user=""):
        return f"http://{user}127.0.0.1:{self.port}{path}"

    async def stop(self):
        self._server.close()
        for task in list(self._tasks()):
            task.cancel()
        await asyncio.gather(*self._tasks(), return_exceptions=True)

    def _tasks(self):
        return [t for t in asyncio.all_tasks() if t.get_name() == f"web {id(self)}"]

    async def _serve(self, reader, writer):
        asyncio.current_task().set_name(f"web {id(self)}")
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, path, _ = head[0].split(" ")
                headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in head[1:] if ":" in line)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                asked = Asked(method, path, headers, body)
                self.asked.append(asked)
                if not await self._answer(asked, writer):
                    break
        writer.close()

    async def _answer(self, asked, writer):
        route = self.routes.get(asked.path.partition("?")[0])
        if callable(route):
            return await route(asked, writer)
        if route is None:
            await reply(writer, 404, b"no")
        else:
            body, code = route, 200
            if span := asked.headers.get("range"):
                begin, end = (int(n) for n in span.removeprefix("bytes=").split("-"))
                body, code = route[begin : end + 1], 206
            await reply(writer, code, body, self.types.get(asked.path.partition("?")[0], "application/octet-stream"))
        return True


async def reply(writer, code, body=b"", kind="text/plain", **headers):
    lines = [f"HTTP/1.1 {code} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    await writer.drain()
    return True
