"""One file per way bytes arrive; `TRANSPORT` in each is found by its url schemes."""
