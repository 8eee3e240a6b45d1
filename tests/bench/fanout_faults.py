"""What must not disturb the screens (an entry of its own for `make bench`): see tests/bench/fanout/faults.py."""

from tests.bench.fanout.faults import main

if __name__ == "__main__":
    main()
