"""Street components (部件): a city's inventory imported from files and databases, kept as sorted columns read in place.

`importing` takes a source in, `build` writes one version whole, `store` reads it; docs/COMPONENTS.md has all of it in words.
"""
