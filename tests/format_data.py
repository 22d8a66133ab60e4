"""Small identifier files in every form, for the tests of reading them."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest

from gensar_lite.identify.table import SEMANTIC, IdentifierTable, write_table

CODES = np.array([[228, 20, 159], [3, 255, 91], [228, 20, 8], [17, 0, 255], [3, 255, 91]])
IDS = ["0", "1", "2", "3", "4"]


def kinds_of(foreign):
    return {finding.kind for finding in foreign.findings}


def finding(foreign, kind):
    (found,) = [finding for finding in foreign.findings if finding.kind == kind]
    return found


def write(path, value):
    path.write_text(json.dumps(value) if not isinstance(value, str) else value, encoding="utf-8")
    return path


def letters(row):
    return [f"<{letter}_{code}>" for letter, code in zip("abcd", row)]


def write_form(form, folder):
    """CODES in one of the forms, as small as it can be."""
    path = folder / f"file.{form}"
    numbered = {key: row.tolist() for key, row in zip(IDS, CODES)}
    asins = [f"B0{key}X" for key in IDS]
    frame = pd.DataFrame({"item_id": IDS, **{f"sid_level_{level}": CODES[:, level] for level in range(3)}})
    if form == "kit":
        sizes = {SEMANTIC: (256, 256, 256)}
        write_table(IdentifierTable("x", np.array(IDS, dtype=object), {SEMANTIC: CODES}, sizes, 3), path)
    elif form == "sidinspector":
        frame.assign(sid="", method="rqvae:semantic", dataset="toy").to_parquet(path)
    elif form == "semantic-ids-llm":
        levels = {f"semantic_id_{level}": CODES[:, level] for level in range(3)}
        pd.DataFrame({"parent_asin": asins, **levels}).to_parquet(path)
    elif form == "onerec":
        pd.DataFrame({"pid": IDS, "codes": CODES.tolist()}).to_parquet(path)
    elif form == "gensar":
        names = ("shared_a", "semantic_a", "semantic_b")
        rows = [[f"<{name}_{code}>" for name, code in zip(names, row)] for row in CODES]
        write(path, {str(int(key) + 1): row for key, row in zip(IDS, rows)})
    elif form == "lc-rec":
        write(path, {key: letters(row) for key, row in zip(IDS, CODES)})
    elif form == "unigenrec":
        tokens = [" ".join(f"<L{level}_{code}>" for level, code in enumerate(row)) for row in CODES]
        write(path, dict(zip(IDS, tokens)))
    elif form == "tiger-cf":
        write(path, {key: numbered[key] for key in ("1", "0", "4", "3", "2")})
    elif form == "actionpiece":
        write(path, dict(zip(asins, CODES.tolist())))
    elif form == "genret":
        write(path, CODES.tolist())
    elif form == "grid-list":
        path.write_bytes(pickle.dumps([{"item_id": int(key), "cluster_ids": numbered[key]} for key in IDS]))
    elif form == "grid":
        torch = pytest.importorskip("torch")
        torch.save(torch.tensor(CODES).T, path)  # as GRID saves it: a transposed view of (items, levels)
    elif form == "npy":
        with open(path, "wb") as file:
            np.save(file, CODES.astype(np.int32))
    elif form == "minionerec-tsv":
        write(path, "".join(f"{''.join(letters(row))}\tTitle, of {key}\t{key}\n" for key, row in zip(IDS, CODES)))
    else:
        write(path, "".join(f"{key} {' '.join(f'w{code}' for code in row)}\n" for key, row in zip(IDS, CODES)))
    return path
