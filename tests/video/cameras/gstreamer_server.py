"""Run by the system's Python: GStreamer's RTSP server with the streams asked for. Knows nothing of the hall.

`python3 gstreamer_server.py '{"clip": "( filesrc … ! rtph264pay name=pay0 )"}' [user password basic|digest]`; prints its port.
"""

import json
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402


def locked(server, user, password, way):
    """Nobody gets in but this user."""
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods({"basic": 1, "digest": 2}[way])  # GstRTSPAuthMethod
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", user)
    if way == "basic":
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    else:
        auth.add_digest(user, password, token)
    server.set_auth(auth)


def main():
    Gst.init(None)
    launches, login = json.loads(sys.argv[1]), sys.argv[2:]
    server = GstRtspServer.RTSPServer(service="0", address="127.0.0.1")
    for name, launch in launches.items():
        factory = GstRtspServer.RTSPMediaFactory(launch=launch, shared=False)
        if login:
            permissions = GstRtspServer.RTSPPermissions()
            permissions.add_permission_for_role(login[0], "media.factory.access", True)
            permissions.add_permission_for_role(login[0], "media.factory.construct", True)
            factory.set_permissions(permissions)
        server.get_mount_points().add_factory(f"/{name}", factory)
    if login:
        locked(server, *login)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    loop = GLib.MainLoop()
    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IOCondition.HUP | GLib.IOCondition.IN, lambda *_: loop.quit())
    loop.run()


main()
