"""A real Mosquitto."""

import asyncio
import shutil
import subprocess

import aiomqtt

from tests.running import free_port_pair

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"


class Broker:
    """One Mosquitto process that keeps its sessions on disk; `kill` and `start` as a machine would."""

    def __init__(self, folder, after_listener=""):
        self.port, self.folder = free_port_pair(), folder
        self.file = folder / "mosquitto.conf"
        self.file.write_text(
            f"listener {self.port} 127.0.0.1\n{after_listener}allow_anonymous true\npersistence true\npersistence_location {folder}/\n"
            f"autosave_interval 1\nautosave_on_changes true\nlog_dest none\nuser root\n"
        )
        self.process = None

    async def start(self):
        self.process = subprocess.Popen([MOSQUITTO, "-c", str(self.file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        async with asyncio.timeout(10):
            while True:
                assert self.process.poll() is None, "Mosquitto ended at once"
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                    continue
                writer.close()
                return

    def stop(self, kill=False):
        self.process.kill() if kill else self.process.terminate()
        self.process.wait(10)

    async def publish(self, *messages, topic="gauges/1", qos=1):
        async with aiomqtt.Client("127.0.0.1", self.port) as client:
            for message in messages:
                await client.publish(topic, message, qos=qos)
