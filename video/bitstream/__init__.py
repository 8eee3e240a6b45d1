"""Coded video as bytes: NAL units (H.264 Annex B, H.265), what parameter sets say, RTP payloads to pictures and back."""

from video.bitstream.describe import describe, parameter_sets_of
from video.bitstream.nal import split
from video.bitstream.payloads import annexb, packetise, pieces
from video.bitstream.pictures import Pictures

__all__ = ["Pictures", "annexb", "describe", "packetise", "parameter_sets_of", "pieces", "split"]
