"""What stands before each picture that a mosaic's child is given: which tile it is for, how it is coded."""

from __future__ import annotations

import struct

HEAD = struct.Struct("!HB")
FAMILIES = ("h264", "h265", "jpeg")
