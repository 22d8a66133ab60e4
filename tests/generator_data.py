"""Small generators for the tests of ``gensar_lite.generate``: a random log, random identifiers, both backbones."""

import numpy as np
import pandas as pd
import torch
from log_data import random_log

from gensar_lite.embed.sasrec import SASRec, SASRecNetwork, SASRecSettings
from gensar_lite.generate.model import GenSAR
from gensar_lite.generate.packed import PackedGenerator, PackedSettings
from gensar_lite.generate.t5 import T5Shape, make_t5
from gensar_lite.generate.tasks import build_vocabulary
from gensar_lite.generate.text_model import TextGenerator
from gensar_lite.identify.table import COLLABORATIVE, SEMANTIC, IdentifierTable
from gensar_lite.lab.artefacts import Artefacts
from gensar_lite.lab.stages import Views
from gensar_lite.log.split import leave_one_out

K = 5
NANO = PackedSettings(width=16, layers=2, heads=2, dropout=0.1, history=50)
NANO_T5 = T5Shape(width=16, head_width=8, inner=24, layers=1, heads=2, dropout=0.1)


def random_identifiers(n_items, seed=0, unique=False, kinds=(SEMANTIC, COLLABORATIVE)):
    """Two shared and two specific levels of K codes; ``unique`` spells the item's number instead."""
    rng = np.random.default_rng(seed)
    shared = rng.integers(0, K, (n_items, 2))
    codes = {kind: np.column_stack([shared, rng.integers(0, K, (n_items, 2))]) for kind in kinds}
    if unique:
        digits = np.arange(n_items)[:, None] // K ** np.arange(4)[::-1] % K
        codes = dict.fromkeys(kinds, digits)
    ids = np.array([str(number) for number in range(n_items)], dtype=object)
    return IdentifierTable("random", ids, codes, dict.fromkeys(kinds, (K,) * 4), 2 if len(kinds) > 1 else 4)


def parts(seed=0, both=False, unique=False, users=12):
    """A log, its split, identifiers, and the vocabulary that belongs to them."""
    log = random_log(seed, users=users, both=both)
    split = leave_one_out(log)
    table = random_identifiers(log.n_items, seed, unique)
    return log, split, table, build_vocabulary(log, split, table)


def packed(vocabulary, table, settings=NANO, seed=0):
    """A packed generator with random weights, in evaluation mode.

    Its attention weights are large, so that what it reads in a history shows in its answers before any training.
    """
    torch.manual_seed(seed)
    model = PackedGenerator(vocabulary, table, settings)
    for parameter in model.across.parameters():
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=0.4)
    return model.eval()


def text(vocabulary, table, seed=0):
    """A T5 generator with random weights, in evaluation mode."""
    return TextGenerator(vocabulary, table, make_t5(len(vocabulary), NANO_T5, seed)).eval()


def model_of(backbone, seed=0, unique=False, beams=30):
    """(log, split, GenSAR) with random weights; ``backbone`` is ``packed`` or ``text`` of this module."""
    log, split, table, vocabulary = parts(seed, unique=unique)
    return log, split, GenSAR(backbone(vocabulary, table, seed=seed), vocabulary, table, log.items, beams)


def artefacts_of(log, split, model, seed=0):
    """Artefacts around a model: random views, an untrained SASRec, no records."""
    rng = np.random.default_rng(seed)
    views = Views(*(rng.normal(size=(log.n_items, 8)).astype(np.float32) for _ in range(2)), source="random")
    settings = SASRecSettings(dim=4, layers=1, heads=1)
    sasrec = SASRec(SASRecNetwork(log.n_items, settings), log, settings, "all", np.ones(log.n_items, dtype=bool), [])
    return Artefacts(log, split, views, sasrec, model.table, model.table, lambda: model, pd.DataFrame(), pd.DataFrame())
