"""The stages of the method as functions over one output folder; the commands and ``make artefacts`` are made of these.

``out/log``, ``out/embed``, ``out/identify``, ``out/train``, ``out/evaluate``: each is closed by a manifest that names
what it was made from. A stage opens the ones before it and refuses what belongs to another log, scheme or version.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from safetensors.numpy import load_file, save_file

from gensar_lite import store
from gensar_lite.embed.collaborative import SASRec, SASRecSettings, train_sasrec
from gensar_lite.embed.semantic import embed_items
from gensar_lite.evaluate.metrics import ndcg, rank_scores
from gensar_lite.generate.model import GenSAR
from gensar_lite.generate.packed import PackedGenerator, PackedSettings
from gensar_lite.generate.packing import Augmentation, PackedData
from gensar_lite.generate.t5 import TINY, load_t5, make_t5
from gensar_lite.generate.tasks import TaskMix, build_vocabulary, training_examples, typed_queries
from gensar_lite.generate.text_model import TextData, TextGenerator
from gensar_lite.generate.train import TrainSettings, train
from gensar_lite.generate.vocabulary import Vocabulary
from gensar_lite.generate.warm_start import warm_start
from gensar_lite.identify.rqvae import save_rqvae
from gensar_lite.identify.schemes import make_identifiers
from gensar_lite.identify.settings import IdentifierSettings
from gensar_lite.identify.table import IdentifierTable, read_table, write_table
from gensar_lite.identify.views import scale_view
from gensar_lite.log.corner_shop import load_corner_shop
from gensar_lite.log.joint import write_log
from gensar_lite.log.read import read_log
from gensar_lite.log.schema import JointLog
from gensar_lite.log.split import Histories, Split, leave_one_out

CORNER_SHOP = "corner_shop"  # the name under which every command finds the embedded data set
VALIDATION_CASES = 600  # per task; enough to choose an epoch, cheap enough to look often
STAGES = ("log", "embed", "identify", "train", "evaluate")


class Views(NamedTuple):
    """What the embed stage leaves: one row per item in both matrices."""

    semantic: np.ndarray
    collaborative: np.ndarray
    source: str


@dataclass(frozen=True)
class GeneratorSettings:
    """Everything that shapes the train stage.

    Attributes:
        backbone: "packed", "t5" (from scratch), or the name or folder of a pretrained T5.
        augmentation: of the packed backbone's examples.
        words: most words in the vocabulary.
    """

    backbone: str = "packed"
    packed: PackedSettings = field(default_factory=PackedSettings)
    mix: TaskMix = field(default_factory=TaskMix)
    augmentation: Augmentation = field(default_factory=Augmentation)
    train: TrainSettings = field(default_factory=TrainSettings)
    words: int = 4000

    def facts(self) -> dict[str, Any]:
        """As the manifest holds them."""
        return asdict(self) | {"mix": self.mix._asdict(), "augmentation": self.augmentation._asdict()}


def open_log(path: str | Path, form: str = "either", sort: bool = False) -> JointLog:
    """A log by its folder, or the embedded one by its name ``corner_shop``."""
    return load_corner_shop() if str(path) == CORNER_SHOP else read_log(path, form=form, sort=sort)


def log_stage(log: JointLog, out: Path) -> Split:
    """Write the log in the kit's own form, with its counts; return its split."""
    split = leave_one_out(log)
    folder = Path(out) / "log"
    write_log(log, folder)
    store.write_manifest(folder, "log", {"name": log.name}, {"log": log.fingerprint()}, counts=_counts(log, split))
    return split


def embed_stage(
    log: JointLog, split: Split, out: Path, model: str = "minilm", sasrec: SASRecSettings | None = None, progress=True
) -> Views:
    """Both embeddings of every item: text by ``model``, clicks by a SASRec trained on the training part."""
    folder = Path(out) / "embed"
    sasrec = sasrec or SASRecSettings()
    started = time.perf_counter()
    semantic = embed_items(log.items, model, progress=progress, cache=folder / "cache")
    middle = time.perf_counter()
    trained = train_sasrec(
        log, split, sasrec, "all", progress=progress, checkpoint=folder / "cache" / "sasrec.safetensors"
    )
    trained.save(folder / "sasrec")
    views = {"semantic": semantic.matrix, "collaborative": trained.item_embeddings()}
    store.write_atomically(folder / "views.safetensors", lambda path: save_file(views, path))
    store.write_manifest(
        folder,
        "embed",
        {"model": semantic.model, "sasrec": asdict(sasrec)},
        {"log": log.fingerprint()},
        source=semantic.source,
        seconds={"semantic": middle - started, "collaborative": time.perf_counter() - middle},
    )
    return Views(semantic.matrix, views["collaborative"], semantic.source)


def open_views(log: JointLog, out: Path) -> Views:
    """What ``embed_stage`` left for this log.

    Raises:
        store.StageError: nothing finished there, or made from another log.
    """
    folder = Path(out) / "embed"
    manifest = store.read_manifest(folder, "embed", {"log": log.fingerprint()})
    arrays = load_file(folder / "views.safetensors")
    return Views(arrays["semantic"], arrays["collaborative"], manifest["source"])


def open_sasrec(log: JointLog, out: Path) -> SASRec:
    """The SASRec whose item vectors are the collaborative view, as a baseline."""
    store.read_manifest(Path(out) / "embed", "embed", {"log": log.fingerprint()})
    return SASRec.load(Path(out) / "embed" / "sasrec", log)


def identify_stage(
    log: JointLog,
    split: Split,
    out: Path,
    scheme: str = "joint",
    settings: IdentifierSettings | None = None,
    seed: int = 0,
    progress: bool = True,
) -> IdentifierTable:
    """Make the identifiers of the catalogue; popular items keep theirs where a collision is repaired."""
    views = open_views(log, out)
    embed = store.read_manifest(Path(out) / "embed", "embed")
    settings = settings or IdentifierSettings()
    folder = Path(out) / "identify"
    made = make_identifiers(
        scheme,
        views.semantic,
        views.collaborative,
        log.items["categories"].tolist(),
        log.items["item_id"].to_numpy(),
        settings,
        seed,
        progress,
        priority=training_clicks(log, split),
    )
    write_table(made.table, folder / "identifiers.parquet")
    write_table(made.raw, folder / "identifiers_before_repair.parquet")
    if made.model is not None:
        save_rqvae(made.model, folder / "rqvae.safetensors")
    for name, frame in (("epochs", made.history), ("levels", made.levels)):
        store.write_atomically(folder / f"{name}.parquet", lambda path, frame=frame: frame.to_parquet(path))
    store.write_manifest(
        folder,
        "identify",
        {"scheme": scheme, "seed": seed, **asdict(settings)},
        {"log": log.fingerprint(), "embed": embed["fingerprint"]},
        record=made.record,
    )
    return made.table


def open_identifiers(log: JointLog, out: Path) -> IdentifierTable:
    """What ``identify_stage`` left for this log and these embeddings."""
    embed = store.read_manifest(Path(out) / "embed", "embed", {"log": log.fingerprint()})
    store.read_manifest(Path(out) / "identify", "identify", {"log": log.fingerprint(), "embed": embed["fingerprint"]})
    return read_table(Path(out) / "identify" / "identifiers.parquet")


def train_stage(
    log: JointLog, split: Split, out: Path, settings: GeneratorSettings | None = None, progress: bool = True
) -> GenSAR:
    """Train the generator; a run that was killed goes on from its last epoch when called again."""
    settings = settings or GeneratorSettings()
    table, views = open_identifiers(log, out), open_views(log, out)
    identify = store.read_manifest(Path(out) / "identify", "identify")
    folder = Path(out) / "train"
    (folder / store.MANIFEST).unlink(missing_ok=True)  # unfinished until the new one is written
    model, records = fit(log, split, table, views, settings, folder, progress)
    model.save(folder)
    store.write_json(folder / "curves.json", records)
    store.write_manifest(
        folder,
        "train",
        settings.facts(),
        {"log": log.fingerprint(), "identify": identify["fingerprint"]},
        seconds=records[-1]["seconds"] if records else 0.0,
    )
    (folder / "checkpoint.safetensors").unlink(missing_ok=True)
    return model


def fit(
    log: JointLog,
    split: Split,
    table: IdentifierTable,
    views: Views,
    settings: GeneratorSettings,
    folder: Path | None = None,
    progress: bool = True,
) -> tuple[GenSAR, list[dict[str, float | int]]]:
    """Train a generator in memory: the model, and one record per epoch (see ``generate.train``)."""
    torch.manual_seed(settings.train.seed)
    vocabulary = build_vocabulary(log, split, table, settings.words)
    if settings.backbone == "packed":
        generator = fresh_packed(log, split, table, views, vocabulary, settings.packed)
        history, both = settings.packed.history, settings.packed.both_identifiers
        data = PackedData(log, split, table, vocabulary, settings.mix, history, both, settings.augmentation)
    else:
        if settings.backbone == "t5":
            t5 = make_t5(len(vocabulary), TINY, settings.train.seed)
        else:
            t5 = load_t5(settings.backbone, vocabulary, settings.train.seed)
        generator = TextGenerator(vocabulary, table, t5)
        data = TextData(training_examples(log, split, table, vocabulary, settings.mix), generator.renderer)
    model = GenSAR(generator, vocabulary, table, log.items, history=settings.packed.history)
    made_from = store.fingerprint(log.fingerprint(), split.train, *table.codes.values(), settings.facts())
    look = validator(model, log, split)
    records = train(generator, data, settings.mix, settings.train, folder, look, progress, made_from)
    return model, records


def fresh_packed(
    log: JointLog,
    split: Split,
    table: IdentifierTable,
    views: Views,
    vocabulary: Vocabulary,
    settings: PackedSettings,
) -> PackedGenerator:
    """An untrained packed generator; codes, words and queries start where the item vectors are, the rest at random."""
    generator = PackedGenerator(vocabulary, table, settings)
    both = [scale_view(matrix, name).matrix for name, matrix in views._asdict().items() if name != "source"]
    texts = (log.items["title"] + " " + log.items["description"]).tolist()
    warm_start(generator, table, np.concatenate(both, axis=1), texts, typed_queries(log, split))
    return generator


def validator(
    model: GenSAR, log: JointLog, split: Split, cases: int = VALIDATION_CASES, task: str | None = None
) -> Callable[[], float]:
    """Full-catalogue NDCG@10 on a fixed sample of the validation cases: of one task, or the mean over both."""
    histories = Histories(log)
    samples = [
        part.sample(min(cases, len(part)), random_state=0)
        for name, part in split.validation.groupby("task")
        if len(part) and task in (None, name)
    ]

    def look() -> float:
        means = []
        for part in samples:
            scores = model.scores(part, log, histories)
            means.append(ndcg(rank_scores(scores, None, part["item"].to_numpy()).item, 10).mean())
        return float(np.mean(means)) if means else 0.0

    return look


def open_model(log: JointLog, out: Path) -> GenSAR:
    """What ``train_stage`` left for this log and these identifiers."""
    identify = store.read_manifest(Path(out) / "identify", "identify", {"log": log.fingerprint()})
    store.read_manifest(Path(out) / "train", "train", {"log": log.fingerprint(), "identify": identify["fingerprint"]})
    return GenSAR.load(Path(out) / "train")


def training_clicks(log: JointLog, split: Split) -> np.ndarray:
    """(N,) clicks per item in the training part."""
    item = log.events["item"].to_numpy()[split.train]
    return np.bincount(item[item >= 0], minlength=log.n_items).astype(np.float64)


def _counts(log: JointLog, split: Split) -> dict[str, Any]:
    return {
        "users": log.n_users,
        "items": log.n_items,
        "events": log.events["behaviour"].value_counts().to_dict(),
        "test_cases": split.test["task"].value_counts().to_dict(),
        "validation_cases": split.validation["task"].value_counts().to_dict(),
        "empty_histories": int((split.test["n_history"] == 0).sum()),
        "cold_targets": int(split.test["cold"].sum()),
    }


def frame_of(records: list[dict[str, float | int]]) -> pd.DataFrame:
    """Training records as a table, one row per epoch."""
    return pd.DataFrame(records).set_index("epoch")
