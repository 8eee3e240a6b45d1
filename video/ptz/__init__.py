"""Turning cameras: one person at a time, by a lease everybody sees, through a driver per protocol."""
