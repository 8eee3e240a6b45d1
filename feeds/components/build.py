"""Writes one version: rows kept of the version before, rows staged now, sorted along the Z-curve. Nothing changes in place."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np

from feeds.components import morton, words
from feeds.components.pack import pack
from feeds.components.staging import Staging
from feeds.components.store import COLUMNS, DEGREE, Meta, Store

_PIECE = 8 << 20
_RECORDS = 20_000  # copied at once
_TEXTS = 250_000  # of one piece that a thread looks through
_STAGED = ("lon", "lat", "class", "district", "department", "state", "marks", "updated", "content")


def write_version(
    folder: Path, before: Store | None, kept: np.ndarray, staging: Staging, rows: np.ndarray, taken: np.ndarray, meta: Meta
) -> str:
    """`kept`: rows of `before` that stay; `taken`: which of the staged `rows` come in; both ascending. Returns the
    version's sum (hex)."""
    staged = rows if len(taken) == len(rows) else rows[taken]
    source = meta.tables.sources.index(staging.source.name)
    columns = {name: np.concatenate((_old(before, name, kept), staged[name])) for name in _STAGED}
    columns["source"] = np.concatenate((_old(before, "source", kept), np.full(len(staged), source, "<u2")))
    with (folder / "records.bin").open("wb") as out:
        old_at = _copy_kept(out, before, kept)
        new_at = _copy_staged(out, staging.spool, staged, int(sum(_old(before, "length", kept), start=np.uint64(0))))
    columns["offset"] = np.concatenate((old_at, new_at))
    columns["length"] = np.concatenate((_old(before, "length", kept), staged["length"]))
    columns["key"] = morton.key_of(*morton.steps_of(columns["lon"] * DEGREE, columns["lat"] * DEGREE))
    ids = np.concatenate((before.ids[kept] if before is not None else np.zeros(0, "S1"), staged["id"]))
    ids = ids.astype(f"S{max(1, int(np.char.str_len(ids).max(initial=1)))}")
    order = np.argsort(columns["key"], kind="stable")
    for name, kind in COLUMNS.items():
        columns[name] = columns[name][order].astype(kind, copy=False)
        np.save(folder / f"{name}.npy", columns[name])
    ids = ids[order]
    np.save(folder / "id.npy", ids)
    np.save(folder / "id_order.npy", np.argsort(ids, kind="stable").astype("<u4"))
    (folder / "pack.bin").write_bytes(pack(columns["key"], columns["class"]))
    _write_texts(folder, before, kept, staging.texts, taken, order)
    meta.rows = len(order)
    for number, name in enumerate(meta.tables.sources):
        if name in meta.sources:
            meta.sources[name].rows = int(np.count_nonzero(columns["source"] == number))
    (folder / "meta.json").write_bytes(msgspec.json.encode(meta))
    told = hashlib.blake2b(columns["content"].tobytes(), digest_size=8)
    told.update(columns["source"].tobytes())
    return told.hexdigest()


def _old(before: Store | None, name: str, kept: np.ndarray) -> np.ndarray:
    return np.zeros(0, COLUMNS[name]) if before is None else before.column(name)[kept]


def _copy_kept(out: IO[bytes], before: Store | None, kept: np.ndarray) -> np.ndarray:
    """Copies records of rows in the order they lie in the file, in as long runs as there are; returns their new offsets."""
    if before is None or not len(kept):
        return np.zeros(0, "<u8")
    begin, length = before.column("offset")[kept], before.column("length")[kept].astype("<u8")
    by_place = np.argsort(begin, kind="stable")
    begin, length = begin[by_place], length[by_place]
    offsets = np.empty(len(kept), "<u8")
    offsets[by_place] = np.cumsum(length) - length
    first = np.concatenate(([True], begin[1:] != begin[:-1] + length[:-1]))
    starts = begin[first].tolist()
    ends = (begin + length)[np.concatenate((np.flatnonzero(first)[1:] - 1, [len(begin) - 1]))].tolist()
    for start, end in zip(starts, ends, strict=True):
        for at in range(start, end, _PIECE):
            out.write(before.records[at : min(at + _PIECE, end)])
    return offsets


def _copy_staged(out: IO[bytes], spool: Path, staged: np.ndarray, base: int) -> np.ndarray:
    length = staged["length"].astype("<u8")
    begin = staged["at"].tolist()
    with spool.open("rb") as file:
        for first in range(0, len(staged), _RECORDS):
            some = begin[first : first + _RECORDS]
            last = first + len(some) - 1
            file.seek(some[0])
            body = file.read(some[-1] + int(length[last]) - some[0])
            ends = (np.array(some, "<u8") + length[first : last + 1]).tolist()
            out.write(b"".join(body[b - some[0] : e - some[0]] for b, e in zip(some, ends, strict=True)))
    return np.uint64(base) + np.cumsum(length) - length


def _write_texts(
    folder: Path, before: Store | None, kept: np.ndarray, texts: list[Any], taken: np.ndarray, order: np.ndarray
) -> None:
    import pyarrow as pa
    import pyarrow.ipc

    old = [before.texts().take(pa.array(kept))] if before is not None and len(kept) else []
    new = pa.chunked_array(texts, pa.large_string()).take(pa.array(taken))
    chunks = [chunk for part in (*old, new) for chunk in part.chunks]
    whole = pa.concat_arrays(chunks) if chunks else pa.array([], pa.large_string())
    ordered = whole.take(pa.array(order))
    words.write(folder / words.NAME, ordered)
    table = pa.table({"text": ordered})
    with pa.OSFile(str(folder / "text.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=_TEXTS)
