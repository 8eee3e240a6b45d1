"""Where components come from, one file each: `SOURCE = Reader(name, suffixes, open)`."""
