"""One small catalogue with identifiers, items and embeddings on disk, for the tests of ``gensar-lite inspect``."""

import json

import numpy as np
import pandas as pd

from gensar_lite.cli import main

HOSTILE = "</script><img src=x onerror=alert(1)>"
FORMULA = '=HYPERLINK("x")'
N = 90


def codes_of(seed=0):
    """(90, 3) codes: items 0 to 2 share one identifier, 3 and 4 another, all others are alone."""
    random = np.random.default_rng(seed)
    codes = np.stack([np.arange(N) % 6, random.integers(0, 8, N), np.arange(N) % 32], axis=1)
    codes[1], codes[2], codes[4] = codes[0], codes[0], codes[3]
    assert len(np.unique(codes, axis=0)) == N - 3
    return codes


def write_case(folder, order=None, seed=0):
    """Identifiers, items and embeddings of one small catalogue; rows of items and embeddings in ``order``."""
    order = np.arange(N) if order is None else order
    codes = codes_of(seed)
    kinds = ("tent", "lamp", "mug", "pen", "rope", "sock")
    titles = [f"{kinds[item % 6]} number {item} {'red' if item % 2 else 'blue'}" for item in range(N)]
    titles[0], titles[5] = HOSTILE, FORMULA
    titles[3] = titles[4] = "the very same mug"
    items = pd.DataFrame({"item_id": [f"i{item}" for item in range(N)], "title": titles})
    items = items.assign(description="", categories=[f"Shop, {kinds[item % 6]}" for item in range(N)])
    vectors = np.random.default_rng(7).normal(size=(N, 8)).astype(np.float32)
    vectors[:, :6] += 4 * np.eye(6)[np.arange(N) % 6]
    tokens = {f"i{item}": [f"<{letter}_{code}>" for letter, code in zip("abc", row)] for item, row in enumerate(codes)}
    (folder / "shop.index.json").write_text(json.dumps(tokens), encoding="utf-8")
    items.iloc[order].to_parquet(folder / "items.parquet", index=False)
    np.save(folder / "vectors.npy", vectors[order])
    return folder


def run(folder, *options):
    return main(["inspect", str(folder / "shop.index.json"), "--out", str(folder / "report.html"), "--quiet", *options])


def refusal(folder, capsys, *options):
    before = sorted(path.name for path in folder.iterdir())
    assert run(folder, *options) == 2
    assert sorted(path.name for path in folder.iterdir()) == before, "something was left behind"
    return capsys.readouterr().err


def write_codes(path, rows):
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def own_rows(prefix="i"):
    return {f"{prefix}{item}": row for item, row in enumerate(codes_of().tolist())}
