"""The one-way rule, read from the imports of every file."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("hall", "layouts", "feeds", "video", "dispatch")
#: composition roots: the only files that may know other rooms
ROOTS = {
    "hall/app/assembly.py",
    "hall/app/dispatchroom.py",
    "hall/cli.py",
    "hall/start.py",
    "hall/doctor.py",
    "hall/plugins.py",
}
#: heavy library -> where it may be imported
HOMES = {
    "cv2": ("video/", "hall/map/services/warp.py"),
    "av": ("video/",),
    "aiortc": ("video/",),
    "redis": ("hall/core/bus.py",),
    "sqlalchemy": ("dispatch/",),
    "dash": ("layouts/", "hall/app/"),
    "dash_leaflet": ("layouts/", "hall/app/"),
    "dash_ag_grid": ("layouts/", "hall/app/"),
    "pandas": ("dispatch/evaluation", "feeds/"),
    "pyogrio": ("feeds/", "hall/core/vectorfiles.py", "hall/core/geometries.py"),
    "uvloop": ("hall/core/process.py", "hall/gate/"),
}
FILES = sorted(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_imports_only_the_core_and_itself(path):
    name = str(path.relative_to(ROOT))
    if name in ROOTS:
        return
    room = name.split("/")[0]
    for module in _imports(path):
        top = module.split(".")[0]
        if top in ROOMS and top != room:
            assert module.startswith("hall.core") or module == "hall", f"{name} imports {module}"
        if name.startswith("hall/core/"):
            assert top not in ROOMS or module == "hall" or module.startswith("hall.core"), f"{name} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_heavy_library_stays_in_its_home(path):
    name = str(path.relative_to(ROOT))
    for module in _imports(path):
        homes = HOMES.get(module.split(".")[0])
        assert homes is None or name.startswith(homes), f"{name} imports {module}"


def test_only_the_clock_asks_the_system_for_the_time():
    for path in FILES:
        if path.name == "clock.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                asked = (node.value.id, node.attr)
                assert asked not in {("time", n) for n in ("time", "time_ns", "monotonic", "perf_counter")}, f"{path}: {asked}"
                assert node.attr not in ("utcnow",) and asked != ("datetime", "now"), f"{path}: {asked}"
