"""Files that are whole or absent: atomic writes, hashes, and the manifest every stage leaves behind.

This module knows nothing about what is stored.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = 1  # raised when a stage's files change their meaning
MANIFEST = "manifest.json"


class StageError(ValueError):
    """A stage folder is missing, incomplete, or was made from something else. The message says what to do."""


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then rename it: readers see the old file or the new one.

    Raises:
        OSError: the folder cannot be made or written; nothing is left behind.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, keys in the order given."""
    text = json.dumps(value, indent=1, ensure_ascii=False, default=_plain) + "\n"
    write_atomically(path, lambda file: file.write_text(text, encoding="utf-8"))


def read_json(path: Path) -> Any:
    """Read a JSON file as UTF-8."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def json_text(value: Any) -> str:
    """JSON in one line, numpy scalars and arrays included."""
    return json.dumps(value, ensure_ascii=False, default=_plain)


def plain(value: Any) -> Any:
    """A value as it comes back after a trip through JSON (tuples become lists)."""
    return json.loads(json_text(value))


def safetensors_facts(path: Path) -> Any:
    """The JSON that a safetensors file carries under "facts" in its header, read without its tensors."""
    with open(path, "rb") as handle:
        size = int.from_bytes(handle.read(8), "little")
        return json.loads(json.loads(handle.read(size))["__metadata__"]["facts"])


def fingerprint(*parts: Any) -> str:
    """A 16-digit SHA-256 prefix of arrays, data frames (through pandas' row hash), strings, numbers and dicts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(_bytes(part))
        digest.update(b"\x1f")
    return digest.hexdigest()[:16]


def file_hash(path: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_manifest(folder: Path, stage: str, settings: dict[str, Any], inputs: dict[str, str], **facts: Any) -> str:
    """Close a stage folder: the manifest is written last, so a folder without one is unfinished.

    Args:
        folder: the stage's output folder.
        stage: "log", "embed", "identify", "train" or "evaluate".
        settings: every setting that shaped the output, the seed included.
        inputs: name of an input -> its fingerprint; the next stage compares them.
        facts: anything worth telling a reader (counts, seconds).

    Returns:
        the stage's own fingerprint, made of its settings, inputs and format.
    """
    identity = fingerprint(stage, FORMAT, settings, inputs)
    write_json(
        Path(folder) / MANIFEST,
        {"stage": stage, "format": FORMAT, "fingerprint": identity, "settings": settings, "inputs": inputs, **facts},
    )
    return identity


def read_manifest(folder: Path, stage: str, expected_inputs: dict[str, str] | None = None) -> dict[str, Any]:
    """Open a stage folder.

    Raises:
        StageError: no manifest, another stage, another format version, or made from other inputs.
    """
    path = Path(folder) / MANIFEST
    if not path.exists():
        raise StageError(f"{folder}: no {MANIFEST}, so the stage '{stage}' has not finished there. Run it again.")
    manifest = read_json(path)
    if manifest.get("stage") != stage:
        raise StageError(f"{folder} holds the stage '{manifest.get('stage')}', not '{stage}'. Check the path.")
    if manifest.get("format") != FORMAT:
        raise StageError(
            f"{folder} was written in format {manifest.get('format')}, this version reads {FORMAT}. Make it again."
        )
    for name, value in (expected_inputs or {}).items():
        if manifest["inputs"].get(name) != value:
            raise StageError(
                f"{folder} was made from another {name} ({manifest['inputs'].get(name)}, here {value}). "
                f"Run the stage '{stage}' again on this {name}, or point to the folder that belongs to it."
            )
    return manifest


def _bytes(value: Any) -> bytes:
    if isinstance(value, np.ndarray):
        if value.dtype == object or value.dtype.kind in "UT":
            return json.dumps(value.tolist(), default=_plain).encode()
        return str((value.dtype.str, value.shape)).encode() + np.ascontiguousarray(value).tobytes()
    if hasattr(value, "columns"):
        return json.dumps({str(name): value[name].tolist() for name in value.columns}, default=_plain).encode()
    return json.dumps(value, sort_keys=True, default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written to JSON")
