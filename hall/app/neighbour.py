"""The web process's HTTP clients for the hall's other processes, which listen on this machine's loopback only."""

from __future__ import annotations

import ssl

import httpx

#: trusts nobody, for nothing here is HTTPS: a client without it reads all of the machine's certificates, each client anew
_NO_HTTPS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def client(seconds: float, connections: int) -> httpx.AsyncClient:
    """A pool of at most so many connections; an answer's parts may take `seconds` each."""
    limits = httpx.Limits(max_connections=connections)
    return httpx.AsyncClient(timeout=seconds, limits=limits, trust_env=False, verify=_NO_HTTPS)
