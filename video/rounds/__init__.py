"""Rounds (轮巡): cameras take turns on the wall, the urgent ones more often, every one within its promised time."""
