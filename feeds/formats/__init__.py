"""One file per kind of bytes; `FORMAT` in each is found by name, content type or file suffix."""
