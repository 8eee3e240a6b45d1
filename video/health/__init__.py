"""Watching the watchers: what is wrong with a channel's pictures, found from key pictures, for all channels in turn."""
