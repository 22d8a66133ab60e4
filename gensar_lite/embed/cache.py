"""A drawer for what took minutes to compute: look there first, compute otherwise, never trust a damaged file.

This module knows nothing about what is kept; callers put everything that shaped a result into its file's name (a
fingerprint), so a change of any input misses the drawer instead of finding something stale.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from gensar_lite import store

Kept = TypeVar("Kept")


class DamagedFileError(ValueError):
    """A file is not what was written there: cut short, altered, or of another kind."""


def default_folder() -> Path:
    """``build/cache`` of the project's checkout; of the current folder where there is no checkout."""
    checkout = Path(__file__).resolve().parents[2]
    root = checkout if (checkout / "pyproject.toml").exists() else Path.cwd()
    return root / "build" / "cache"


def recall(
    path: Path, load: Callable[[Path], Kept], make: Callable[[], Kept], save: Callable[[Kept, Path], None]
) -> Kept:
    """Return what is kept at ``path``; if nothing readable is there, make it and keep it.

    A damaged file is announced with a warning and made again; a folder that cannot be written is announced too, and
    costs no more than the next computation. ``load`` says "damaged" by raising DamagedFileError.
    """
    if path.exists():
        try:
            return load(path)
        except (DamagedFileError, OSError) as problem:
            warnings.warn(f"the cached {path} cannot be used ({problem}): computing it again", stacklevel=3)
    value = make()
    try:
        save(value, path)
    except OSError as problem:
        warnings.warn(f"nothing kept at {path} ({problem}): the next run computes it again", stacklevel=3)
    return value


def write_arrays(path: Path, arrays: dict[str, np.ndarray], facts: dict[str, object]) -> None:
    """Write named arrays and a dict of plain facts as one safetensors file, atomically, with a checksum."""
    from safetensors.numpy import save_file

    arrays = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    header = {"facts": json.dumps(facts), "checksum": store.fingerprint(list(arrays), *arrays.values())}
    store.write_atomically(path, lambda file: save_file(arrays, file, metadata=header))


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """Read what ``write_arrays`` wrote.

    Raises:
        DamagedFileError: no safetensors file, cut short, or its content does not match its checksum.
        OSError: the file cannot be opened.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except SafetensorError as problem:
        raise DamagedFileError(f"{path}: no complete safetensors file ({problem})") from problem
    if header.get("checksum") != store.fingerprint(list(arrays), *arrays.values()):
        raise DamagedFileError(f"{path}: the content does not match its checksum")
    return arrays, json.loads(header["facts"])
