"""Socket to pixel: from the supplier's send to the frame in which Chromium shows it."""
