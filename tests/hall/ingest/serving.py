"""Routes in a real server."""

import asyncio
import contextlib
import socket

import uvicorn
from fastapi import FastAPI


@contextlib.asynccontextmanager
async def serving(router):
    """A real server with these routes on a free port; gives `host:port/prefix`."""
    app = FastAPI()
    app.include_router(router)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}{router.prefix}"
    finally:
        server.should_exit = True
        await task
