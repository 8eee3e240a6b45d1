"""Ways out of the relay: each takes units of a track and brings them to its viewers."""
