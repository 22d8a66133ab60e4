import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gensar_lite.generate.trie import NOWHERE, ROOT, Trie, TrieError


@st.composite
def identifier_tables(draw):
    """(n, L) small token tables, with many repeats, and an item per row (with repeats too)."""
    n, length = draw(st.integers(1, 40)), draw(st.integers(1, 5))
    sequences = draw(hnp.arrays(np.int64, (n, length), elements=st.integers(0, 3)))
    items = draw(hnp.arrays(np.int64, n, elements=st.integers(0, 15)))
    return sequences, items


def children_by_hand(sequences):
    """Prefix -> sorted next tokens, in plain Python."""
    found = {}
    for row in sequences.tolist():
        for depth in range(len(row)):
            found.setdefault(tuple(row[:depth]), set()).add(row[depth])
    return {prefix: sorted(tokens) for prefix, tokens in found.items()}


def walk(trie):
    """Prefix -> next tokens, read off the trie one node at a time."""
    found, frontier = {}, [((), ROOT)]
    while frontier:
        prefix, node = frontier.pop()
        if len(prefix) == trie.levels:
            continue
        children = trie.children(np.array([node]))
        found[prefix] = children.tokens[children.mask].tolist()
        frontier += [
            (prefix + (token,), child)
            for token, child in zip(found[prefix], children.nodes[children.mask].tolist(), strict=True)
        ]
    return found


@settings(deadline=None)
@given(identifier_tables())
def test_children_are_those_of_a_dictionary_of_prefixes(table):
    sequences, items = table
    assert walk(Trie.build(sequences, items)) == children_by_hand(sequences)


@settings(deadline=None)
@given(identifier_tables())
def test_leaves_are_the_distinct_identifiers_in_order_and_hold_their_items(table):
    sequences, items = table
    trie = Trie.build(sequences, items)
    expected = {}
    for row, item in zip(sequences.tolist(), items.tolist(), strict=True):
        expected.setdefault(tuple(row), set()).add(item)
    leaves = [tuple(row) for row in trie.leaf_sequences().tolist()]
    assert leaves == sorted(expected)
    groups = np.split(trie.items, trie.first_item[1:-1])
    assert [group.tolist() for group in groups] == [sorted(expected[leaf]) for leaf in leaves]
    assert trie.group_sizes().tolist() == [len(expected[leaf]) for leaf in leaves]
    assert trie.n_leaves == len(leaves)


@settings(deadline=None)
@given(identifier_tables(), st.sets(st.integers(0, 15)))
def test_a_restricted_trie_equals_one_built_from_the_rows_of_those_items(table, wanted):
    sequences, items = table
    keep = np.isin(items, list(wanted))
    if not keep.any():
        with pytest.raises(TrieError, match="none of the wanted items"):
            Trie.build(sequences, items).restricted_to(np.array(list(wanted), dtype=np.int64))
        return
    small = Trie.build(sequences, items).restricted_to(np.array(list(wanted)))
    expected = Trie.build(sequences[keep], items[keep])
    for name in ("bounds", "tokens", "first_child", "first_item", "items"):
        np.testing.assert_array_equal(getattr(small, name), getattr(expected, name))


@settings(deadline=None)
@given(identifier_tables(), st.integers(1, 4))
def test_a_forest_holds_one_trie_per_prompt(table, prompts):
    sequences, items = table
    owners = np.arange(len(sequences)) % prompts
    prompts = int(owners.max()) + 1
    forest, roots = Trie.forest(owners, sequences, items)
    assert roots.shape == (prompts,)
    np.testing.assert_array_equal(forest.path(roots, 1)[:, 0], np.arange(prompts))
    whole = walk(forest)
    for prompt in range(prompts):
        own = {prefix[1:]: tokens for prefix, tokens in whole.items() if prefix[:1] == (prompt,)}
        assert own == children_by_hand(sequences[owners == prompt])


def test_node_order_within_a_depth_is_token_order():
    rng = np.random.default_rng(0)
    trie = Trie.build(rng.integers(0, 5, (60, 3)))
    for depth in range(1, 4):
        prefixes = trie.path(np.arange(trie.bounds[depth], trie.bounds[depth + 1]), depth).tolist()
        assert prefixes == sorted(prefixes)


def test_children_of_nowhere_are_none_and_padding_is_marked():
    trie = Trie.build(np.array([[1, 7], [1, 8], [2, 9]]))
    level = trie.children(np.array([[ROOT]])).nodes[0]
    children = trie.children(np.append(level[0], NOWHERE))
    assert children.mask.tolist() == [[True, True], [True, False], [False, False]]
    assert children.tokens[0].tolist() == [7, 8]
    assert (children.tokens[~children.mask] == 0).all()
    assert (children.nodes[~children.mask] == ROOT).all()


def test_children_of_a_leaf_are_refused():
    trie = Trie.build(np.array([[1, 7]]))
    with pytest.raises(IndexError):
        trie.children(np.array([trie.n_nodes - 1]))


def test_paths_keep_the_shape_asked_for():
    trie = Trie.build(np.array([[4, 5, 6], [4, 5, 7]]))
    leaves = np.array([[4, 3], [NOWHERE, 4]])
    assert trie.path(leaves).tolist() == [[[4, 5, 7], [4, 5, 6]], [[-1, -1, -1], [4, 5, 7]]]
    assert trie.path(leaves, 1).tolist() == [[[7], [6]], [[-1], [7]]]
    assert trie.depth(np.array([0, 1, 2, 3, 4])).tolist() == [0, 1, 2, 3, 3]


def test_items_default_to_row_numbers_and_a_row_given_twice_counts_once():
    sequences = np.array([[2, 2], [1, 1], [2, 2]])
    assert Trie.build(sequences).items.tolist() == [1, 0, 2]
    assert Trie.build(sequences, np.array([5, 5, 5])).items.tolist() == [5, 5]


def test_two_kinds_of_identifier_unite_in_one_trie():
    semantic, collaborative = np.array([[1, 3], [1, 4]]), np.array([[1, 5], [2, 5]])
    trie = Trie.build(np.vstack([semantic, collaborative]), np.array([0, 1, 0, 1]))
    assert trie.leaf_sequences().tolist() == [[1, 3], [1, 4], [1, 5], [2, 5]]
    assert trie.items.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("length", [1, 4, 12])
def test_columns_too_wide_for_one_sort_key_still_sort(length):
    rng = np.random.default_rng(length)
    sequences = rng.choice([0, 1, 70_000, 2_000_000_000], (300, length))
    assert Trie.build(sequences).leaf_sequences().tolist() == np.unique(sequences, axis=0).tolist()


def test_size_stays_below_what_the_docstring_promises():
    n, length = 50_000, 4
    rng = np.random.default_rng(1)
    sequences = rng.integers(0, 256, (n, length)) + np.arange(length) * 256
    trie = Trie.build(sequences)
    assert trie.nbytes < (6 * length + 8) * n
    assert trie.tokens.dtype == np.uint16
    assert trie.n_leaves == len(np.unique(sequences, axis=0))


@pytest.mark.parametrize(
    ("sequences", "items", "message"),
    [
        (np.zeros((0, 3), dtype=int), None, "at least one row"),
        (np.zeros((3, 0), dtype=int), None, "at least one row"),
        (np.array([[1, 2], [1, -1]]), None, "row 1 has a negative token"),
        (np.array([[1, 2]]), np.array([0, 1]), "2 items for 1 identifiers"),
    ],
)
def test_what_is_no_table_of_identifiers_is_refused_in_words(sequences, items, message):
    with pytest.raises(TrieError, match=message):
        Trie.build(sequences, items)


def test_a_forest_needs_an_owner_per_row_and_a_row_per_owner():
    with pytest.raises(TrieError, match="1 owners for 2 candidate rows"):
        Trie.forest(np.array([0]), np.array([[1], [1]]))
    with pytest.raises(TrieError, match="without a single candidate"):
        Trie.forest(np.array([0, 2]), np.array([[1], [1]]))
