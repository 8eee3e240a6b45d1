"""The catalogue: every shared channel by text, place, tree and state, in memory, following the bus. Pure but for `routes`."""
