"""`make bench`: runs the measurements one after another and records what they print in RESULTS.md.

`make bench ARGS="intake casebook"` runs some of them. Each measurement is a module `tests.bench.NAME` (file or package) that prints a
Markdown table of its figures, ratios against a peer of the same run first.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
RESULTS = HERE / "RESULTS.md"


def measurements() -> list[str]:
    """Every module beside this file, in name order."""
    files = [p.stem for p in HERE.glob("*.py") if not p.stem.startswith("_")]
    packages = [p.parent.name for p in HERE.glob("*/__main__.py")]
    return sorted(files + packages)


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def _priority() -> str:
    """Says when the run had real-time priority: on a machine with other work the figures are those of a quiet one."""
    policy = os.sched_getscheduler(0) if hasattr(os, "sched_getscheduler") else 0
    return ", at real-time priority beside other work" if policy else ""


def record(name: str, printed: str, command: str) -> None:
    """Appends one run to RESULTS.md."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    dirty = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    when = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    head = f"## {name}, {when}\n\nCommit `{commit}`{' with local changes' if dirty else ''}; {machine()}{_priority()}; `{command}`\n\n"
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(head + printed.strip() + "\n\n")


def main() -> int:
    known = measurements()
    options = argparse.ArgumentParser(prog="python -m tests.bench")
    options.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(known)}; none: all but the soaks")
    options.add_argument("--no-record", action="store_true", help="print only")
    chosen = options.parse_args()
    failed = 0
    for name in chosen.names or [n for n in known if not n.endswith("soak")]:
        if name not in known:
            options.error(f"no measurement {name}")
        command = f"python -m tests.bench {name}"
        print(f"== {name}", flush=True)
        with subprocess.Popen(
            [sys.executable, "-m", f"tests.bench.{name}"], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as run:
            lines = []
            for line in run.stdout or ():  # as they come: a soak takes an hour
                print(line, end="", flush=True)
                lines.append(line)
        print(flush=True)
        failed += run.returncode != 0
        if run.returncode == 0 and not chosen.no_record:
            record(name, "".join(lines), command)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
