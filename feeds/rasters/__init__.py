"""Radar and other fields over the city: read apart (`worker`), cut to the city's grid, kept as a ring of frames (`ring`)."""
