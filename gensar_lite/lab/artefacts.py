"""The trained artefacts of the embedded data set: made by one resumable command, opened by every notebook.

``python -m gensar_lite.lab.artefacts`` runs all stages on the corner shop into ``data/artefacts``. Finished stages are
kept, so a killed run goes on where it stopped; ``--afresh`` starts over.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from safetensors.numpy import load_file, save_file

from gensar_lite import store
from gensar_lite.embed.collaborative import SASRec
from gensar_lite.evaluate.microscope import item_strata, where_lost
from gensar_lite.evaluate.report import read_report
from gensar_lite.evaluate.results import Report
from gensar_lite.generate.decoding import Decoding
from gensar_lite.generate.model import GenSAR
from gensar_lite.identify.table import IdentifierTable, read_table
from gensar_lite.lab.pipeline import RunSettings, finished, run
from gensar_lite.lab.setup import keep_to_one_thread
from gensar_lite.lab.stages import Views, frame_of, open_identifiers, open_model, open_sasrec, open_views
from gensar_lite.log.corner_shop import data_folder, load_corner_shop
from gensar_lite.log.schema import JointLog
from gensar_lite.log.split import Histories, Split, leave_one_out
from gensar_lite.view.projection import project

SETTINGS = RunSettings()
MADE = "made.json"  # the command, the seed, and the hash of every file
MAPS = "maps"  # stage: two coordinates per item and view, by UMAP
MICROSCOPE = "microscope"  # stage: what became of every test target, see ``evaluate.microscope``
FUNNEL_BEAMS = 10


def artefacts_folder() -> Path:
    """``data/artefacts``, beside the embedded data set."""
    return data_folder().parent / "artefacts"


@dataclass(frozen=True)
class Artefacts:
    """Everything that was made of the embedded data set.

    Attributes:
        log, split: the data.
        views: both embeddings of every item.
        sasrec: the recommender whose item vectors are the collaborative view.
        table: identifiers after repair; ``raw`` before.
        opens: reads the trained generator.
        curves: one row per training epoch: loss per task (nats per answer), validation NDCG@10, seconds.
        levels: one row per epoch, kind and level of the RQ-VAE's training.
    """

    log: JointLog
    split: Split
    views: Views
    sasrec: SASRec
    table: IdentifierTable
    raw: IdentifierTable
    opens: Callable[[], GenSAR]
    curves: pd.DataFrame
    levels: pd.DataFrame

    @cached_property
    def model(self) -> GenSAR:
        """The trained generator, read when first asked for: half of the lessons never ask, and it takes seconds."""
        return self.opens()


def open_artefacts(folder: Path | None = None) -> Artefacts:
    """Open what ``make artefacts`` made; about a second, and two more when its model is first asked for.

    Raises:
        store.StageError: a stage is missing, or was made from another log.
    """
    folder = folder or artefacts_folder()
    log = load_corner_shop()
    return Artefacts(
        log=log,
        split=leave_one_out(log),
        views=open_views(log, folder),
        sasrec=open_sasrec(log, folder),
        table=open_identifiers(log, folder),
        raw=read_table(folder / "identify" / "identifiers_before_repair.parquet"),
        opens=partial(open_model, log, folder),
        curves=frame_of(store.read_json(folder / "train" / "curves.json")),
        levels=pd.read_parquet(folder / "identify" / "levels.parquet"),
    )


def open_report(folder: Path | None = None) -> Report:
    """The scoreboard of the artefacts, with the rank of every test case under every ranker."""
    return read_report((folder or artefacts_folder()) / "evaluate")


def open_maps(folder: Path | None = None) -> dict[str, Float[np.ndarray, "N 2"]]:
    """Maps of the items, one per view ("semantic", "collaborative"), by UMAP: shipped, as they take half a minute."""
    return load_file((folder or artefacts_folder()) / MAPS / "maps.safetensors")


def open_lost(folder: Path | None = None) -> pd.DataFrame:
    """What became of the target of every test case under a beam of 10: see ``evaluate.microscope.where_lost``."""
    return pd.read_parquet((folder or artefacts_folder()) / MICROSCOPE / "lost.parquet")


def maps_stage(made: Artefacts, folder: Path) -> dict[str, Float[np.ndarray, "N 2"]]:
    """Draw both views by UMAP, and keep the maps; half a minute of one core."""
    embed = store.read_manifest(folder / "embed", "embed")["fingerprint"]
    inputs, settings = {"log": made.log.fingerprint(), "embed": embed}, {"method": "umap", "seed": SETTINGS.seed}
    if not finished(folder, MAPS, inputs, settings):
        views = {"semantic": made.views.semantic, "collaborative": made.views.collaborative}
        maps = {kind: project(matrix, **settings).astype(np.float32) for kind, matrix in views.items()}
        store.write_atomically(folder / MAPS / "maps.safetensors", lambda path: save_file(maps, path))
        store.write_manifest(folder / MAPS, MAPS, settings, inputs)
    return open_maps(folder)


def lost_stage(made: Artefacts, folder: Path) -> pd.DataFrame:
    """Look for the target of every test case, and keep what was found; a minute or two of one core.

    Returns:
        one row per test case, in the order of the split, as ``evaluate.microscope.where_lost`` gives them.
    """
    train = store.read_manifest(folder / "train", "train")["fingerprint"]
    inputs, settings = {"log": made.log.fingerprint(), "train": train}, {"beams": FUNNEL_BEAMS}
    if finished(folder, MICROSCOPE, inputs, settings):
        return open_lost(folder)
    strata = item_strata(made.log, made.split)
    decoding = Decoding(beams=FUNNEL_BEAMS, history=made.model.history)
    lost = where_lost(made.model, made.split.test, made.log, Histories(made.log), strata, decoding)
    store.write_atomically(folder / MICROSCOPE / "lost.parquet", lambda path: lost.to_parquet(path, index=False))
    store.write_manifest(folder / MICROSCOPE, MICROSCOPE, settings, inputs)
    return lost


def make(folder: Path, settings: RunSettings, progress: bool = True) -> None:
    """Run the stages that are not finished in ``folder``; what only helps a rerun is removed at the end."""
    run(load_corner_shop(), folder, settings, progress)
    made = open_artefacts(folder)
    maps_stage(made, folder)
    lost_stage(made, folder)
    shutil.rmtree(folder / "embed" / "cache", ignore_errors=True)
    shutil.rmtree(folder / "log", ignore_errors=True)  # the log is committed beside the artefacts
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MADE)
    store.write_json(
        folder / MADE,
        {
            "command": "python -m gensar_lite.lab.artefacts",
            "seed": settings.seed,
            "epochs": settings.generator.train.epochs,
            "sha256": {path.relative_to(folder).as_posix(): store.file_hash(path) for path in files},
        },
    )


def main(arguments: list[str] | None = None) -> int:
    """Make the artefacts; returns the exit code."""
    parser = argparse.ArgumentParser(description="Make the trained artefacts of the embedded data set.")
    parser.add_argument("--out", type=Path, default=artefacts_folder(), help="folder (default: data/artefacts)")
    parser.add_argument("--afresh", action="store_true", help="remove what is there and start over")
    parser.add_argument("--epochs", type=int, default=SETTINGS.generator.train.epochs, help="of the generator")
    options = parser.parse_args(arguments)
    keep_to_one_thread()
    if options.afresh:
        shutil.rmtree(options.out, ignore_errors=True)
    schedule = replace(SETTINGS.generator.train, epochs=options.epochs)
    make(options.out, replace(SETTINGS, generator=replace(SETTINGS.generator, train=schedule)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
