"""RTSP 1.0 cameras (RFC 2326) over TCP: one connection carries requests, pictures and reports."""

from video.rtsp.client import RtspSource, visit

__all__ = ["RtspSource", "visit"]
