"""`python -m video.workshop <group>`: a child of the relay; talks on its standard input and output, ends with them."""

from __future__ import annotations

import sys

from video.workshop.child import main

if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
