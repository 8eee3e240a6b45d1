"""Fan-out bench: one producer, many screens, the hall beside its peers in one run. `python -m tests.bench.fanout`."""
