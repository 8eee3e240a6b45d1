"""What is wrong with a value of hall.toml, in plain words: what is expected there, what stands there, how it is written."""

from __future__ import annotations

import re

_MISMATCH = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
#: msgspec's type -> what a person calls it
_EXPECTED = {
    "object": "a table { … }",
    "array": "a list [ … ]",
    "str": "a text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false, without quotes",
}
_LANGUAGES = '{ "zh-CN" = "…", en = "…" }'
#: (type, last name of the key) -> how it is written; "": of any key
_EXAMPLES = {
    ("object", "name"): _LANGUAGES,
    ("object", "label"): _LANGUAGES,
    ("array", "centre"): "[113.92, 35.30]",
    ("array", "languages"): '["zh-CN", "en"]',
    ("str", ""): '"…"',
    ("int", ""): "10",
    ("float", ""): "12.5",
    ("bool", ""): "true",
}
_FOUND = {
    "object": "a table { … }",
    "array": "a list [ … ]",
    "str": "a text",
    "int": "a whole number",
    "float": "a number with a point",
    "bool": "true or false",
    "null": "nothing",
}


def plain_words(problem: str, key: str) -> str:
    """msgspec's sentence about the value at `key` in plain words; what it does not know stays as it is."""
    found = _MISMATCH.search(problem)
    if not found:
        return problem
    wanted = [name for name in found[1].split(" | ") if name in _EXPECTED]
    if not wanted:
        return problem
    texts = " or ".join(_EXPECTED[name] for name in wanted)
    name = key.rpartition(".")[2] or key
    example = _EXAMPLES.get((wanted[0], name)) or _EXAMPLES.get((wanted[0], ""))
    written = f", for example {name} = {example}" if example and name.isidentifier() else ""
    return f"expected {texts}{written}; there is {_FOUND.get(found[2], found[2])}"
