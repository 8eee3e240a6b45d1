"""`python -m tests.bench.fanout [--clients 100 1000] [--seconds 4] [--only hall node ...]`: one table, ratios in one run."""

from __future__ import annotations

import argparse
import subprocess
import sys

from tests.bench.fanout.contenders import ALL
from tests.bench.fanout.run import Result, ladder

RATES = {
    100: [500, 1000, 2000, 4000, 8000, 16000, 32000, 48000, 64000],
    1000: [100, 250, 500, 1000, 2000, 4000, 8000, 12000, 16000],
}
#: rung to begin with: what frames certainly keep
START = {100: 8000, 1000: 2000}


def rates_for(clients: int, whole: bool) -> list[float]:
    table = RATES[100] if clients <= 300 else RATES[1000]
    start = START[100] if clients <= 300 else START[1000]
    return table if whole else [rate for rate in table if rate >= start]


def row(name: str, results: list[Result], best_hall: float) -> str:
    kept = [r for r in results if r.kept]
    failed = next((r for r in results if not r.kept), None)
    top = kept[-1] if kept else None
    rate = top.rate if top else 0
    ratio = f"{best_hall / rate:.2g}x" if rate else "-"
    details = f"p50 {top.p50:.0f} ms, p99 {top.p99:.0f} ms, CPU {top.cpu:.0%}, {top.wire:.0f} B" if top else "-"
    fell = f"{failed.rate:.0f}/s: p99 {failed.p99:.0f} ms, {failed.arrived:.1%} arrived" if failed else "-"
    return f"| {name} | {rate:.0f} | {ratio} | {details} | {fell} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, nargs="*", default=[100, 1000])
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    chosen = [k for k in ALL if not options.only or any(word in k.__name__.lower() for word in options.only)]
    for clients in options.clients:
        print(f"\n{clients} screens: most events/s with p99 < 100 ms and all arrived\n")
        print("| | events/s | hall is | at that rate | first rate not kept |\n|---|---|---|---|---|")
        found = {}
        for kind in chosen:
            try:
                results = ladder(kind, clients, rates_for(clients, kind.per_event or kind.slow), options.seconds)
            except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                print(f"| {kind.name} | could not run: {error} | | | |", flush=True)
                continue
            found[kind] = results
            best = max((r.rate for r in found.get(ALL[0], []) if r.kept), default=0)
            print(row(kind.name, results, best), flush=True)
            for r in results:
                print(f"  {kind.name}: {r}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
