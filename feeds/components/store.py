"""One version of the components as it is read: columns in Z-order, mapped from files, shared by all who ask. Never changes.

Row numbers are those of the whole version, 0 .. n-1 along the Z-curve.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from feeds.components import versions, words
from feeds.components.record import STATES
from feeds.components.tables import Tables
from hall.core.errors import HallError

FORMAT = 1
#: file name -> what it holds of each row
COLUMNS = {
    "key": "<u8", "lon": "<i4", "lat": "<i4", "class": "<u2", "district": "<u2", "department": "<u2", "state": "u1",
    "source": "<u2", "marks": "<u2", "updated": "<i8", "content": "<u8", "offset": "<u8", "length": "<u4",
}  # fmt: skip
DEGREE = 1e-7  # unit of lon and lat


class SourceInfo(msgspec.Struct, kw_only=True):
    """What is known of one source: where it came from, in which CRS, when it was last imported (real time, ms)."""

    label: dict[str, str] = {}
    origin: str = ""
    crs: str = ""
    crs_accuracy_m: float | None = None
    at: int = 0
    mode: str = "whole"
    rows: int = 0


class Meta(msgspec.Struct, kw_only=True):
    """`meta.json` of a version."""

    format: int = FORMAT
    rows: int = 0
    made_at: int = 0
    tables: Tables = msgspec.field(default_factory=Tables)
    sources: dict[str, SourceInfo] = {}


class Store:
    """An opened version; raises HallError when it is damaged. `column(name)`: (n,) of COLUMNS, lon/lat in 1e-7 degrees."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        try:
            self.meta = msgspec.json.decode((folder / "meta.json").read_bytes(), type=Meta)
            if self.meta.format != FORMAT:
                raise HallError(f"{folder}: written by another version of the hall (format {self.meta.format})")
            self.columns = {name: _mapped(folder / f"{name}.npy") for name in COLUMNS}
            self.ids, self.id_order = _mapped(folder / "id.npy"), _mapped(folder / "id_order.npy")
            self.records = _bytes(folder / "records.bin")
            self.pack = _bytes(folder / "pack.bin")
            self._texts_path = folder / "text.arrow"
            self._texts_file = self._texts_path.open("rb")  # held, so that a tidied version still answers
            self.words = words.opened(folder, self.meta.rows)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise HallError(f"components {folder.name}: {error}") from None
        self._texts: Any = None
        self._buffers: list[tuple[int, np.ndarray, memoryview]] | None = None

    @property
    def tables(self) -> Tables:
        return self.meta.tables

    def __len__(self) -> int:
        return self.meta.rows

    def column(self, name: str) -> np.ndarray:
        return self.columns[name]

    def row_of(self, component_id: str) -> int | None:
        """The row of a number, None when there is no such component. 40 µs at 2.3 million."""
        wanted = component_id.encode("utf-8", "replace")
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self.ids[self.id_order[middle]] < wanted:
                low = middle + 1
            else:
                high = middle
        if low < len(self) and self.ids[self.id_order[low]] == wanted:
            return int(self.id_order[low])
        return None

    def id_of(self, row: int) -> str:
        return bytes(self.ids[row]).decode()

    def raw_record(self, row: int) -> bytes:
        """The whole record of a row (record.Component) as JSON."""
        at = int(self.columns["offset"][row])
        return bytes(self.records[at : at + int(self.columns["length"][row])])

    def record(self, row: int) -> dict[str, Any]:
        return msgspec.json.decode(self.raw_record(row))

    def place_of(self, row: int) -> tuple[float, float]:
        """WGS-84 degrees."""
        return round(int(self.columns["lon"][row]) * DEGREE, 7), round(int(self.columns["lat"][row]) * DEGREE, 7)

    def state_of(self, row: int) -> str:
        return STATES[self.columns["state"][row]]

    def texts(self) -> Any:
        """What is searched of each row: an Arrow array of strings, mapped from the file. Loaded when first asked for."""
        if self._texts is None:
            import pyarrow
            import pyarrow.ipc

            reader = pyarrow.ipc.open_file(
                pyarrow.memory_map(f"/proc/self/fd/{self._texts_file.fileno()}")
                if Path("/proc/self/fd").exists()
                else pyarrow.memory_map(str(self._texts_path))
            )
            self._texts = reader.read_all().column("text")
        return self._texts

    def text_buffers(self) -> list[tuple[int, np.ndarray, memoryview]]:
        """The same as bytes, piece by piece: (first row, (n + 1,) offsets, UTF-8 of all of the piece's rows)."""
        if self._buffers is None:
            found, row = [], 0
            for chunk in self.texts().chunks:
                _, offsets, body = chunk.buffers()
                places = np.frombuffer(offsets, np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
                found.append((row, places, memoryview(body if body is not None else b"")))
                row += len(chunk)
            self._buffers = found
        return self._buffers


def _mapped(path: Path) -> np.ndarray:
    found = np.load(path, mmap_mode="r", allow_pickle=False)
    return found.view(np.ndarray) if len(found) else np.array(found)


def _bytes(path: Path) -> memoryview:
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def open_current(root: Path) -> Store | None:
    """The version that is current now; None while nothing was imported. Raises HallError."""
    for _ in range(5):
        name = versions.current(root)
        if name is None:
            return None
        try:
            return Store(root / name)
        except HallError:
            if versions.current(root) == name:
                raise
    raise HallError("components: the current version changes faster than it can be opened")
