"""A configuration whose feeds are pushed to, and a supplier that pushes: for journeys and measurements."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
from websockets.sync.client import connect

TOKEN = "supplier-secret"
CITY = """
[city]
name = {{zh = "测试市", en = "Testville"}}
centre = [113.92, 35.30]
zoom = 12
timezone = "UTC"
demo = {demo}

[[thresholds]]
quantity = "water_depth"
value = 0.15
severity = 2
[[thresholds]]
quantity = "water_depth"
value = 0.27
severity = 4
"""
FIELDS = {
    "case": [
        "case_id",
        "state",
        "class_name",
        "description",
        "severity",
        "lon",
        "lat",
        "address",
        "district",
        "report_source",
        "unit",
    ],
    "sensor": ["sensor_id", "name", "quantity", "kind", "lon", "lat", "district"],
    "observation": ["sensor_id", "quantity", "value", "lon", "lat"],
    "position": ["unit_id", "name", "kind", "state", "lon", "lat", "speed_mps", "heading_deg"],
    "channel": ["channel_id", "name", "owner", "state", "lon", "lat", "stream_url", "ptz_url"],
}
STAGES = ["reported", "accepted", "dispatched", "handled", "closed"]


def feed_text(name: str, kind: str, expected_seconds: float = 5) -> str:
    """One push feed whose rows carry our own field names and `time` in epoch ms."""
    text = f'\n[[feeds]]\nname = "{name}"\nkind = "{kind}"\nurl = "push://"\nformat = "json"\n'
    text += f'token = "{TOKEN}"\nexpected_seconds = {expected_seconds}\n[feeds.mapping]\n'
    text += 'time = {path = "time", time = "epoch_ms"}\n'
    text += "".join(f'{field} = "{field}"\n' for field in FIELDS[kind])
    if kind == "case":
        text += 'due = {path = "due", time = "epoch_ms"}\n'
        text += "".join(f'stages.{s} = {{path = "{s}", time = "epoch_ms"}}\n' for s in STAGES)
    return text


def write_city(path: Path, feeds: dict[str, str], expected_seconds: float = 5, demo: bool = True, extra: str = "") -> Path:
    """Writes hall.toml with one push feed per `name: kind`."""
    text = CITY.format(demo="true" if demo else "false") + extra
    text += "".join(feed_text(name, kind, expected_seconds) for name, kind in feeds.items())
    path.write_text(text, encoding="utf-8")
    return path


def push(base: str, feed: str, rows: list[dict], wait: bool = True) -> dict:
    """Posts rows; returns the hall's answer. Raises for a refusal."""
    answer = httpx.post(
        f"{base}/api/v1/ingest/{feed}" + ("?wait=1" if wait else ""),
        content=json.dumps(rows),
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        timeout=60,
        verify=False,  # plain http: loading all certificates of the world takes longer than the call
    )
    answer.raise_for_status()
    return answer.json()


class Supplier:
    """A supplier on the ingest WebSocket of one feed; `send` returns without waiting for the acknowledgement."""

    def __init__(self, base: str, feed: str) -> None:
        self.socket = connect(
            base.replace("http", "ws", 1) + f"/api/v1/ingest/{feed}",
            additional_headers={"Authorization": f"Bearer {TOKEN}"},
            max_size=2**24,
            compression=None,
        )
        self.unacknowledged = 0

    def send(self, rows: list[dict]) -> None:
        self.socket.send(json.dumps(rows))
        self.unacknowledged += 1
        while self.unacknowledged > 32:
            self.socket.recv(timeout=60)
            self.unacknowledged -= 1

    def close(self) -> None:
        self.socket.close()
