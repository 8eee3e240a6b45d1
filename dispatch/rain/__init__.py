"""Rain added up, gauge by gauge, for screens: what fell in the last 10 minutes, 1, 3, 6, 12 and 24 hours."""
