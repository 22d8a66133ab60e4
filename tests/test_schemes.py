"""Schemes by name: one interface, one table."""

from dataclasses import replace

import numpy as np
import pytest

from gensar_lite.identify.schemes import category_codes, make_identifiers
from gensar_lite.identify.settings import SCHEMES, IdentifierSettings
from gensar_lite.identify.table import IdentifierError, collisions

SETTINGS = IdentifierSettings(codes=6, latent=4, hidden=(16,), warm_epochs=1, epochs=2, batch=64)
KINDS = {
    "joint": ("semantic", "collaborative"),
    "joint-kmeans": ("semantic", "collaborative"),
    "semantic-only": ("semantic",),
    "semantic-kmeans": ("semantic",),
    "collaborative-only": ("collaborative",),
    "collaborative-kmeans": ("collaborative",),
    "random": ("random",),
    "category-prefix": ("category",),
}


def catalogue(n_items=120, seed=0):
    random = np.random.default_rng(seed)
    semantic = random.standard_normal((10, 12))[random.integers(0, 10, n_items)]
    semantic = (semantic + 0.2 * random.standard_normal(semantic.shape)).astype(np.float32)
    semantic[1] = semantic[0]
    collaborative = random.standard_normal((n_items, 8)).astype(np.float32)
    collaborative[1] = collaborative[0]
    paths = [f"Root, Aisle {place % 3}, Shelf {place % 7}" for place in range(n_items)]
    return semantic, collaborative, paths, np.array([f"item{place}" for place in range(n_items)], dtype=object)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_gives_a_table_of_unique_identifiers_and_says_what_it_moved(scheme):
    made = make_identifiers(scheme, *catalogue(), SETTINGS, progress=False)
    table = made.table
    assert table.scheme == scheme and table.kinds == KINDS[scheme]
    assert table.shared == (2 if len(table.kinds) == 2 else 4)
    for kind in table.kinds:
        assert table.codes[kind].shape == (120, 4) and table.sizes[kind] == (6,) * 4
        numbers = made.record["kinds"][kind]
        assert collisions(table.codes[kind]).rate == numbers["collision_rate_after"] == 0
        assert collisions(made.raw.codes[kind]).rate == numbers["collision_rate_before"]
        assert numbers["moved"] == (made.raw.codes[kind] != table.codes[kind]).any(axis=1).sum()
        assert numbers["moved"] == 120 - collisions(made.raw.codes[kind]).n_unique
    assert len(made.history) == (3 if scheme in ("joint", "semantic-only", "collaborative-only") else 0)


@pytest.mark.parametrize("scheme", ["joint", "joint-kmeans", "semantic-kmeans"])
def test_twins_are_reported_as_same_content_and_collide_before_repair(scheme):
    made = make_identifiers(scheme, *catalogue(), SETTINGS, progress=False)
    np.testing.assert_array_equal(made.raw.codes["semantic"][0], made.raw.codes["semantic"][1])
    groups = made.repair.groups.query("kind == 'semantic'").set_index("item")
    assert groups.loc[0, "group"] == groups.loc[1, "group"] and groups.loc[[0, 1], "same_content"].all()
    assert made.record["kinds"]["semantic"]["collision_floor"] == pytest.approx(1 / 120)
    assert (made.raw.codes["semantic"][2:] != made.raw.codes["semantic"][0]).any()


def test_repair_can_be_left_out():
    made = make_identifiers("semantic-kmeans", *catalogue(), replace(SETTINGS, unique=False))
    assert made.repair is None and made.table is not made.raw
    np.testing.assert_array_equal(made.table.codes["semantic"], made.raw.codes["semantic"])
    assert collisions(made.table.codes["semantic"]).rate > 0


def test_priority_keeps_the_popular_item_in_place():
    popular = np.zeros(120)
    popular[1] = 10
    made = make_identifiers("semantic-kmeans", *catalogue(), SETTINGS, priority=popular)
    moved = made.repair.moved["semantic"]
    assert moved[0] and not moved[1]


@pytest.mark.parametrize(("scheme", "widths"), [("joint", (8, 8, 4, 4)), ("joint-kmeans", (20, 20, 12, 12))])
def test_codebooks_come_level_by_level_for_warm_starts(scheme, widths):
    books = make_identifiers(scheme, *catalogue(), SETTINGS, progress=False).codebooks["semantic"]
    assert tuple(book.shape for book in books) == tuple((6, width) for width in widths)
    assert make_identifiers("random", *catalogue(), SETTINGS).codebooks == {}


def test_the_seed_decides():
    first, again, other = (
        make_identifiers("joint", *catalogue(), SETTINGS, seed, progress=False).table.codes["semantic"]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_category_codes_follow_the_path_by_size_and_number_the_rest():
    paths = ["A, x"] * 3 + ["B, y"] * 5 + ["A, z"]
    codes = category_codes(paths, (4, 4, 2, 2))
    assert codes[:, 0].tolist() == [1] * 3 + [0] * 5 + [1]  # B has more items than A
    assert codes[:, 1].tolist() == [0] * 3 + [0] * 5 + [1]  # x before z within A
    assert codes[3:8, 2:].tolist() == [[0, 0], [0, 1], [1, 0], [1, 1], [0, 0]]


def test_rare_categories_share_the_last_code_and_missing_ones_are_a_category():
    codes = category_codes(["a", "a", "b", "c", "d", ""], (2, 4))
    assert codes[:, 0].tolist() == [0, 0, 1, 1, 1, 1]
    assert codes[2:, 1].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("scheme", "change", "word"),
    [
        ("jiont", {}, "Choose one of: joint, semantic-only"),
        ("joint", {"collaborative": None}, "needs collaborative embeddings"),
        ("joint", {"semantic": np.zeros((3, 2), dtype=np.float32)}, "3 rows for 120 items"),
        ("category-prefix", {"categories": None}, "one category path"),
        ("joint", {"settings": replace(SETTINGS, codes=121)}, "121 codes is larger than the catalogue of 120"),
        ("joint-kmeans", {"settings": replace(SETTINGS, codes=121)}, "121 codes is larger"),
        ("random", {"settings": replace(SETTINGS, codes=3)}, "120 items cannot have unique identifiers"),
        ("joint", {"settings": replace(SETTINGS, codes=0)}, "at least one"),
    ],
)
def test_wrong_requests_are_refused_with_a_word_on_what_to_do(scheme, change, word):
    semantic, collaborative, categories, ids = catalogue()
    given = {"semantic": semantic, "collaborative": collaborative, "categories": categories, "item_ids": ids}
    with pytest.raises(IdentifierError, match=word):
        make_identifiers(scheme, **{**given, "settings": SETTINGS, "progress": False, **change})


def test_rows_that_are_not_finite_are_named_by_item():
    semantic, *rest = catalogue()
    semantic[7, 3] = np.nan
    with pytest.raises(IdentifierError, match=r"row 7 \(item 'item7'\)"):
        make_identifiers("joint", semantic, *rest, SETTINGS)


def test_one_item_and_constant_embeddings_are_answered():
    one = make_identifiers(
        "joint",
        np.ones((1, 4), np.float32),
        np.ones((1, 3), np.float32),
        None,
        np.array(["x"]),
        replace(SETTINGS, codes=1),
    )
    assert one.table.codes_of("x") == {"semantic": (0,) * 4, "collaborative": (0,) * 4}
    _, _, paths, ids = catalogue()
    constant = make_identifiers(
        "joint", np.ones((120, 4), np.float32), np.ones((120, 3), np.float32), paths, ids, SETTINGS, progress=False
    )
    assert constant.record["kinds"]["semantic"]["collision_rate_before"] == pytest.approx(119 / 120)
    assert collisions(constant.table.codes["collaborative"]).rate == 0
    np.testing.assert_array_equal(constant.table.codes["semantic"][:, :2], constant.table.codes["collaborative"][:, :2])
