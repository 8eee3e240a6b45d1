"""What alarms and plans are proved on, as one measurement: the tables of docs/PROOF-FLOODS.md (tests/proof), real input needed."""

from __future__ import annotations

import sys

from tests.proof.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
