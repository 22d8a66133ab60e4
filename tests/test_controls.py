"""The controls of a diagnosis keep what they should keep, and nothing else."""

import numpy as np
from diagnose_data import SIZES, catalogue, one_kind

from gensar_lite.identify import controls as module
from gensar_lite.identify.controls import kmeans_codes, make_controls, nearest_word, shuffled
from gensar_lite.identify.evidence import Evidence, prepare
from gensar_lite.identify.formats import RaggedIdentifiers
from gensar_lite.identify.residual_kmeans import residual_kmeans
from gensar_lite.identify.schemes import category_codes
from gensar_lite.identify.table import IdentifierTable

MADE = catalogue(320)


def joint_table(n_items=320, seed=0):
    random = np.random.default_rng(seed)
    shared = random.integers(0, 5, (n_items, 1))
    codes = {
        kind: np.concatenate([shared, random.integers(0, 7, (n_items, 2))], axis=1)
        for kind in ("semantic", "collaborative")
    }
    ids = np.array([f"i{row}" for row in range(n_items)], dtype=object)
    return IdentifierTable("joint", ids, codes, dict.fromkeys(codes, (5, 7, 7)), 1)


def spaces_of(table, embeddings):
    prepared = prepare(Evidence(embeddings=embeddings), table.item_ids, 0)
    return {kind: prepared.own_space(kind) for kind in table.kinds}


def test_shuffled_codes_keep_every_marginal_and_the_shared_levels():
    table = joint_table()
    dealt = shuffled(table, False, 3)
    for kind, codes in dealt.items():
        for level in range(3):
            assert np.array_equal(np.sort(codes[:, level]), np.sort(table.codes[kind][:, level]))
        assert (codes == table.codes[kind]).mean() < 0.5
    assert np.array_equal(dealt["semantic"][:, 0], dealt["collaborative"][:, 0])
    assert not np.array_equal(dealt["semantic"][:, 1], dealt["collaborative"][:, 1])
    assert all(np.array_equal(codes, shuffled(table, False, 3)[kind]) for kind, codes in dealt.items())
    assert not np.array_equal(dealt["semantic"], shuffled(table, False, 4)["semantic"])


def test_shuffled_words_keep_every_length():
    ragged = RaggedIdentifiers(
        np.array([f"i{row}" for row in range(30)], dtype=object), tuple(("w",) * (1 + row % 3) for row in range(30))
    )
    table = ragged.table()
    dealt = shuffled(table, True, 0)["semantic"]
    assert np.array_equal(dealt != 0, table.codes["semantic"] != 0)


def test_kmeans_of_one_kind_is_residual_kmeans():
    table = one_kind(np.zeros((320, 4), dtype=int), SIZES)
    spaces = spaces_of(table, {"semantic": MADE.matrix})
    found = kmeans_codes(table, spaces, 5)["semantic"]
    assert np.array_equal(found, residual_kmeans(spaces["semantic"].matrix, SIZES, 5).codes)


def test_kmeans_of_two_kinds_shares_what_the_table_shares():
    table = joint_table()
    other = np.random.default_rng(1).standard_normal((320, 6))
    found = kmeans_codes(table, spaces_of(table, {"semantic": MADE.matrix, "collaborative": other}), 0)
    assert np.array_equal(found["semantic"][:, 0], found["collaborative"][:, 0])
    assert (found["semantic"][:, 1] != found["collaborative"][:, 1]).any()
    assert all((codes < (5, 7, 7)).all() and codes.shape == (320, 3) for codes in found.values())


def test_a_large_catalogue_is_fitted_on_a_sample_and_assigned_whole(monkeypatch):
    monkeypatch.setattr(module, "FITTED", 100)
    table = one_kind(np.zeros((320, 2), dtype=int), (8, 8))
    evidence = Evidence(embeddings={"semantic": MADE.matrix})
    made = make_controls(table, False, evidence, spaces_of(table, evidence.embeddings), 0)
    codes = made.subjects["semantic"]["kmeans"].codes
    assert codes.shape == (320, 2) and len(np.unique(codes[:, 0])) == 8
    assert any("fitted on 100 of 320 items" in note for note in made.notes)


def test_a_small_catalogue_gets_no_more_words_than_items():
    table = one_kind([[0, 0], [1, 0], [2, 1]], (256, 256))
    evidence = Evidence(embeddings={"semantic": np.eye(3)})
    made = make_controls(table, False, evidence, spaces_of(table, evidence.embeddings), 0)
    assert len(set(made.subjects["semantic"]["kmeans"].codes[:, 0].tolist())) == 3


def test_the_category_control_is_that_of_the_schemes():
    paths = [f"c{cluster}, s{inner}" for cluster, inner in zip(MADE.cluster, MADE.inner)]
    table = one_kind(np.zeros((320, 4), dtype=int), SIZES)
    made = make_controls(table, False, Evidence(categories=paths), {"semantic": None}, 0)
    assert np.array_equal(made.subjects["semantic"]["category"].codes, category_codes(paths, SIZES))


def test_missing_controls_are_explained():
    table = one_kind(np.zeros((4, 1), dtype=int), (2,))
    none = make_controls(table, False, Evidence(), {"semantic": None}, 0)
    assert set(none.subjects["semantic"]) == {"random"} and none.kmeans_again == {}
    assert any("no categories" in note for note in none.notes) and any("no embeddings" in note for note in none.notes)
    wide = one_kind(np.zeros((4, 1), dtype=int), (5000,))
    evidence = Evidence(embeddings={"semantic": np.eye(4)})
    made = make_controls(wide, False, evidence, spaces_of(wide, evidence.embeddings), 0)
    assert any("5000 codes" in note for note in made.notes)
    made = make_controls(table, True, evidence, spaces_of(table, evidence.embeddings), 0)
    assert any("different lengths" in note for note in made.notes)


def test_the_nearest_word_is_the_one_at_the_least_distance():
    random = np.random.default_rng(0)
    rows, book = random.standard_normal((50, 4)), random.standard_normal((9, 4))
    expected = np.square(rows[:, None] - book[None]).sum(axis=2).argmin(axis=1)
    assert np.array_equal(nearest_word(rows, book), expected)
    assert nearest_word(np.zeros((1, 2)), np.zeros((3, 2))).tolist() == [0]
