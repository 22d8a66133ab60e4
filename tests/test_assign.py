"""Collision repair, by property: unique, as few moves as possible, nobody moves without need."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gensar_lite.identify.assign import content_labels, repair
from gensar_lite.identify.residual_kmeans import joint_residual_kmeans
from gensar_lite.identify.table import IdentifierError, collisions, group_labels
from gensar_lite.identify.views import scale_view


def excess(codes):
    """How many items are too many: one of each group may stay."""
    return len(codes) - len(np.unique(codes, axis=0))


@st.composite
def single(draw):
    sizes = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    n_items = draw(st.integers(1, int(np.prod(sizes))))
    seed = draw(st.integers(0, 10_000))
    narrow = draw(st.integers(1, 4))
    codes = np.random.default_rng(seed).integers(0, np.minimum(sizes, narrow), (n_items, len(sizes)))
    return codes, sizes, seed


@settings(max_examples=150, deadline=None)
@given(single())
def test_one_kind_becomes_unique_with_the_fewest_moves(case):
    codes, sizes, seed = case
    random = np.random.default_rng(seed)
    vectors = {"k": random.standard_normal((len(codes), 3))}
    books = {"k": [random.standard_normal((size, 3)) for size in sizes]}
    done = repair({"k": codes}, {"k": sizes}, len(sizes), vectors, books)
    new, moved = done.codes["k"], done.moved["k"]
    assert collisions(new).rate == 0 and (new >= 0).all() and (new < np.array(sizes)).all()
    assert moved.sum() == excess(codes)
    assert not moved[collisions(codes).group_sizes == 1].any()
    np.testing.assert_array_equal(new[~moved], codes[~moved])


@st.composite
def joint(draw):
    shared, own = draw(st.integers(1, 2)), draw(st.integers(0, 2))
    size = draw(st.integers(2, 3))
    n_items = draw(st.integers(1, size ** (shared + own)))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    leading = random.integers(0, draw(st.integers(1, size)), (n_items, shared))
    kinds = ("semantic", "collaborative")
    codes = {kind: np.concatenate([leading, random.integers(0, size, (n_items, own))], axis=1) for kind in kinds}
    return codes, size, shared, own, random


@settings(max_examples=200, deadline=None)
@given(joint())
def test_joint_kinds_become_unique_and_keep_their_shared_levels_equal(case):
    codes, size, shared, own, random = case
    n_items = len(codes["semantic"])
    sizes = dict.fromkeys(codes, (size,) * (shared + own))
    vectors = {kind: random.standard_normal((n_items, 2)) for kind in codes}
    books = {kind: [random.standard_normal((size, 2)) for _ in range(shared + own)] for kind in codes}
    done = repair(codes, sizes, shared, vectors, books)
    np.testing.assert_array_equal(done.codes["semantic"][:, :shared], done.codes["collaborative"][:, :shared])
    collided = np.zeros(n_items, dtype=bool)
    for kind in codes:
        assert collisions(done.codes[kind]).rate == 0
        collided |= collisions(codes[kind]).group_sizes > 1
    for kind in codes:
        assert not done.moved[kind][~collided].any()
    crowded = group_labels(codes["semantic"][:, :shared])[1].max() > size**own
    if not crowded:  # nothing but specific levels has to change, and each kind on its own is minimal
        for kind in codes:
            assert done.moved[kind].sum() == excess(codes[kind])
            np.testing.assert_array_equal(done.codes[kind][:, :shared], codes[kind][:, :shared])


def test_the_mover_takes_the_nearest_free_code_of_the_last_level():
    books = {"k": [np.zeros((1, 1)), np.array([[0.0], [1.0], [2.0], [3.0]])]}
    codes = np.array([[0, 1], [0, 1], [0, 2]])
    done = repair({"k": codes}, {"k": (1, 4)}, 2, {"k": np.array([[1.0], [1.4], [2.0]])}, books)
    assert done.codes["k"].tolist() == [[0, 1], [0, 0], [0, 2]]  # 2 is nearer to 1.4 but taken; 0 beats 3


def test_a_full_prefix_sends_the_mover_one_level_up_to_the_nearest():
    books = {"k": [np.array([[0.0], [10.0], [-3.0]]), np.array([[0.0], [1.0]])]}
    codes = np.array([[0, 0], [0, 1], [0, 1]])
    done = repair({"k": codes}, {"k": (3, 2)}, 2, {"k": np.array([[0.0], [1.0], [1.0]])}, books)
    assert done.codes["k"][:2].tolist() == codes[:2].tolist()
    assert done.codes["k"][2].tolist() == [2, 1]


def test_priority_says_who_keeps_the_identifier():
    codes = np.zeros((3, 1), dtype=int)
    done = repair({"k": codes}, {"k": (3,)}, 1, priority=np.array([1.0, 5.0, 2.0]))
    assert done.moved["k"].tolist() == [True, False, True]
    assert done.codes["k"][:, 0].tolist() == [2, 0, 1]


def test_more_items_than_identifiers_is_an_error_with_a_remedy():
    with pytest.raises(
        IdentifierError, match=r"5 items cannot.*\(2, 2\) give 4.*more codes per level or one more level"
    ):
        repair({"k": np.zeros((5, 2), dtype=int)}, {"k": (2, 2)}, 2)


def test_the_report_tells_equal_content_from_mere_collision():
    content = np.random.default_rng(0).standard_normal((4, 8))
    content[2] = content[0] + 1e-8
    codes = np.array([[0], [0], [0], [3]])
    done = repair({"k": codes}, {"k": (6,)}, 1, content={"k": content})
    assert done.groups["item"].tolist() == [0, 1, 2]
    assert done.groups["same_content"].tolist() == [True, False, True]
    assert done.groups["content"].tolist() == [0, 1, 0]
    assert done.groups["moved"].tolist() == [False, True, True]
    assert done.groups["new_code"].tolist() == ["0", "1", "2"]
    assert done.before["k"].rate == pytest.approx(0.5) and done.after["k"].rate == 0


def test_content_labels_find_scattered_twins_despite_rounding():
    random = np.random.default_rng(3)
    distinct = random.standard_normal((60, 16)).astype(np.float32)
    which = random.integers(0, 60, 300)
    noisy = distinct[which] * (1 + 1e-7 * random.standard_normal((300, 1)))
    labels = content_labels(noisy)
    assert len(set(labels.tolist())) == len(set(which.tolist()))
    for label in set(labels.tolist()):
        assert len(set(which[labels == label].tolist())) == 1
    assert content_labels(np.zeros((4, 2))).tolist() == [0, 0, 0, 0]


def test_repaired_codes_stay_close_to_their_vectors():
    random = np.random.default_rng(5)
    centres = random.standard_normal((40, 16))
    matrix = scale_view(centres[random.integers(0, 40, 800)] + 0.05 * random.standard_normal((800, 16)), "k").matrix
    found = joint_residual_kmeans({"k": matrix}, 3, 0, 16, seed=0)
    sizes = {"k": (16,) * 3}
    near = repair(found.codes, sizes, 3, found.inputs, {"k": found.slices("k")})
    blind = repair(found.codes, sizes, 3)

    def error(codes):
        total = sum(book[codes[:, level]] for level, book in enumerate(found.slices("k")))
        return np.square(matrix - total).sum(axis=1).mean()

    assert near.moved["k"].sum() == blind.moved["k"].sum() > 50
    assert error(near.codes["k"]) < error(blind.codes["k"])
