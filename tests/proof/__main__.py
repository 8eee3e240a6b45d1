"""`python -m tests.proof NAME...` prints the figures of docs/PROOF-FLOODS.md; without names, all of them."""

from __future__ import annotations

import argparse
import importlib

NAMES = ("floodnet", "forecast", "tennessee", "liars", "zhengzhou")


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    options.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    chosen = options.parse_args().names or NAMES
    for name in chosen:
        if name not in NAMES:
            options.error(f"no proof {name!r}: one of {', '.join(NAMES)}")
        print(f"## {name}\n")
        for line in importlib.import_module(f"tests.proof.{name}").figures():
            print(line)
        print()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
