"""Finds the one-file seams: every module of a package that defines a given name is a plug-in."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any

from hall.core.errors import HallError


def discover(package: ModuleType, attribute: str) -> dict[str, Any]:
    """Imports each direct module of `package`; returns `{name: module.attribute}` for those that define `attribute`.

    The name is `attribute.name` where the object has one, else the module's. Two plug-ins of one name are refused.
    """
    found: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda i: i.name):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        plugin = getattr(module, attribute, None)
        if plugin is None:
            continue
        name = getattr(plugin, "name", None) or info.name
        if name in found:
            raise HallError(f"two plug-ins are called {name!r}: {origin[name]} and {module.__name__}")
        found[name], origin[name] = plugin, module.__name__
    return found
