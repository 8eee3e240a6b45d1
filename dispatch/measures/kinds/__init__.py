"""One file a measure: MEASURE. Nothing to register."""
