"""One HTTP call to a receiver: where it may go, for how long, how much of the answer is read."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from dispatch.webhooks.settings import Hook

ANSWER_READ = 2_000


class Failure(Exception):
    """The call did not succeed. `final`: trying again cannot help; `wait_seconds`: the receiver's own wish."""

    def __init__(self, reason: str, status: int | None = None, *, final: bool = False, wait_seconds: float = 0.0) -> None:
        self.reason, self.status, self.final, self.wait_seconds = reason, status, final, wait_seconds
        super().__init__(reason)


class Caller:
    """Posts for one hook; `close` it when done."""

    def __init__(self, hook: Hook, ca: Path | None = None) -> None:
        self.hook, self._parts = hook, urlsplit(hook.url)
        self._client = httpx.AsyncClient(
            follow_redirects=False,  # a redirect could lead where the address may not
            trust_env=False,
            timeout=hook.timeout_seconds,
            limits=httpx.Limits(max_connections=hook.at_once, max_keepalive_connections=hook.at_once, keepalive_expiry=20),
            verify=ssl.create_default_context(cafile=ca) if ca else True,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def post(self, body: bytes, headers: dict[str, str]) -> int:
        """The status, when it is 2xx; raises Failure."""
        try:
            async with asyncio.timeout(self.hook.timeout_seconds):
                return await self._post(body, headers)
        except TimeoutError:
            raise Failure(f"no answer within {self.hook.timeout_seconds:g} s") from None
        except httpx.HTTPError as error:
            raise Failure(f"{type(error).__name__}: {error}"[:300]) from None

    async def _post(self, body: bytes, headers: dict[str, str]) -> int:
        address = await self._checked_address()
        host = f"[{address}]" if ":" in address else address
        port = f":{self._parts.port}" if self._parts.port else ""
        path = self._parts.path or "/"
        url = f"{self._parts.scheme}://{host}{port}{path}" + (f"?{self._parts.query}" if self._parts.query else "")
        # the very address that was checked: a name may mean another one the next time it is asked
        request = self._client.build_request("POST", url, content=body, headers={**headers, "host": self._parts.netloc})
        request.extensions["sni_hostname"] = self._parts.hostname
        answer = await self._client.send(request, stream=True)
        try:
            said = await _start_of(answer)
        finally:
            await answer.aclose()
        if 200 <= answer.status_code < 300:
            return answer.status_code
        final = answer.status_code in (400, 404, 405, 410, 413, 415, 422)
        wait = answer.headers.get("retry-after", "")
        seconds = float(wait) if wait.isascii() and wait.isdigit() and len(wait) < 6 else 0.0
        raise Failure(f"HTTP {answer.status_code} {said}".strip(), answer.status_code, final=final, wait_seconds=seconds)

    async def _checked_address(self) -> str:
        """One address of the receiver; all of them must be where it may lie. Raises Failure."""
        name, port = self._parts.hostname or "", self._parts.port or (443 if self._parts.scheme == "https" else 80)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Failure(f"{name}: {error.strerror or error}") from None
        addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
        for address in addresses:
            if not allowed(address, self.hook):
                raise Failure(f"{name} is {address}, a private address that `allow` does not name")
        return addresses[0]


def allowed(address: str, hook: Hook) -> bool:
    """Public addresses, and private ones that the configuration names."""
    found = ipaddress.ip_address(address)
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_global and not found.is_multicast or any(found in network for network in hook.networks)


async def _start_of(answer: httpx.Response) -> str:
    """What the receiver said, as far as it helps a person; a long answer is not read to its end."""
    said = b""
    async for part in answer.aiter_bytes():
        said += part
        if len(said) >= ANSWER_READ:
            break
    text = said[:ANSWER_READ].decode("utf-8", "replace")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:200]
