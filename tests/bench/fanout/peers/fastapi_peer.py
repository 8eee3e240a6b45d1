"""FastAPI on uvicorn as its documentation does it: a connection manager that awaits each screen in turn."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
screens: list[WebSocket] = []


@app.websocket("/screen")
async def screen(socket: WebSocket) -> None:
    await socket.accept()
    screens.append(socket)
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect:
        screens.remove(socket)


@app.websocket("/publish")
async def publish(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            text = await socket.receive_text()
            for one in list(screens):
                await one.send_text(text)
    except WebSocketDisconnect:
        pass


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="error",
        ws_max_size=2**26,
        ws_per_message_deflate=False,
        loop="uvloop",
    )
