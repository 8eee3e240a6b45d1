"""Mosaics: 4, 9, 16 or 25 channels as one stream. A mosaic is a channel of its own kind, made while somebody watches it.

`source` and `names` are the relay's side, `video.workshop.mosaic` the child's: this file imports neither, so that the child
needs nothing of the relay.
"""
