"""Command Hall: real-time visualisation and dispatch hub of a city's command centre."""

__version__ = "0.1.0"
