"""The identifier table: its checks, its files, its counts."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from gensar_lite.identify.table import (
    COLLABORATIVE,
    SEMANTIC,
    IdentifierError,
    IdentifierTable,
    collision_profile,
    collisions,
    group_labels,
    level_usage,
    read_sidinspector,
    read_table,
    write_sidinspector,
    write_table,
)


def joint_table(n_items=50, seed=0):
    random = np.random.default_rng(seed)
    shared = random.integers(0, 4, (n_items, 2))
    codes = {
        kind: np.concatenate([shared, random.integers(0, 8, (n_items, 2))], axis=1)
        for kind in (SEMANTIC, COLLABORATIVE)
    }
    sizes = dict.fromkeys(codes, (4, 4, 8, 8))
    ids = np.array([f"B{place:03d}" for place in random.permutation(n_items)], dtype=object)
    return IdentifierTable("joint", ids, codes, sizes, 2)


def same(left, right):
    assert left.scheme == right.scheme and left.shared == right.shared and left.sizes == right.sizes
    assert left.kinds == right.kinds and left.item_ids.tolist() == right.item_ids.tolist()
    for kind in left.kinds:
        assert left.codes[kind].dtype == right.codes[kind].dtype
        np.testing.assert_array_equal(left.codes[kind], right.codes[kind])


def test_parquet_reads_back_bit_equal_and_in_catalogue_order(tmp_path):
    table = joint_table()
    write_table(table, tmp_path / "identifiers.parquet")
    same(read_table(tmp_path / "identifiers.parquet"), table)
    frame = pd.read_parquet(tmp_path / "identifiers.parquet")
    assert list(frame.columns) == ["item_id", "kind", "code_1", "code_2", "code_3", "code_4"]
    assert len(frame) == 2 * table.n_items


def test_kinds_of_different_length_survive_parquet(tmp_path):
    ids = np.array(["a", "b"], dtype=object)
    codes = {"semantic": np.array([[0, 1, 2], [1, 0, 1]]), "other": np.array([[0, 3], [1, 2]])}
    table = IdentifierTable("mixed", ids, codes, {"semantic": (2, 2, 3), "other": (2, 4)}, 1)
    write_table(table, tmp_path / "t.parquet")
    same(read_table(tmp_path / "t.parquet"), table)


def test_sidinspector_form_round_trips_with_given_sizes(tmp_path):
    table = joint_table()
    write_sidinspector(table, tmp_path / "sid.parquet", "office")
    frame = pd.read_parquet(tmp_path / "sid.parquet")
    first = frame.iloc[0]
    assert first["sid"] == "-".join(str(first[f"sid_level_{level}"]) for level in range(4))
    assert set(frame["method"]) == {"joint:semantic", "joint:collaborative"} and set(frame["dataset"]) == {"office"}
    same(read_sidinspector(tmp_path / "sid.parquet", sizes=(4, 4, 8, 8), shared=2), table)


def test_sidinspector_table_without_sizes_gets_them_from_its_codes(tmp_path):
    frame = pd.DataFrame({"item_id": ["x", "y"], "sid_level_0": [0, 5], "sid_level_1": [9, 1], "method": "rkmeans"})
    frame.to_parquet(tmp_path / "sid.parquet")
    table = read_sidinspector(tmp_path / "sid.parquet")
    assert table.kinds == ("rkmeans",) and table.sizes["rkmeans"] == (6, 10) and table.shared == 2


@pytest.mark.parametrize(
    ("frame", "word"),
    [
        (pd.DataFrame({"item_id": ["x"], "code": [1]}), "sid_level_0"),
        (pd.DataFrame({"item_id": ["x", "x"], "sid_level_0": [0, 1]}), "stands twice"),
        (pd.DataFrame({"item_id": ["x", "y"], "sid_level_0": [0, None]}), "missing"),
        (pd.DataFrame({"item_id": ["x", "y"], "sid_level_0": [0, 1], "method": ["a", "b"]}), "different items"),
        (pd.DataFrame({"item_id": [], "sid_level_0": []}), "no rows"),
    ],
)
def test_broken_sidinspector_tables_are_refused_by_name(tmp_path, frame, word):
    frame.to_parquet(tmp_path / "sid.parquet")
    with pytest.raises(IdentifierError, match=word):
        read_sidinspector(tmp_path / "sid.parquet")


def test_a_truncated_file_and_a_foreign_parquet_are_refused(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(joint_table(), path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(IdentifierError, match="cannot be read"):
        read_table(path)
    pd.DataFrame({"item_id": ["a"]}).to_parquet(path)
    with pytest.raises(IdentifierError, match="no identifier table"):
        read_table(path)


def test_lookups_go_both_ways():
    table = joint_table()
    for row in (0, 17, 49):
        codes = table.codes_of(table.item_ids[row])
        for kind in table.kinds:
            assert row in table.items_of(kind, codes[kind])
            assert set(table.items_of(kind, codes[kind])) <= set(table.items_of(kind, codes[kind][:1]))
    assert (
        len(table.items_of(SEMANTIC, (3, 3, 7, 7, 9)[:4])) == (table.codes[SEMANTIC] == [3, 3, 7, 7]).all(axis=1).sum()
    )
    with pytest.raises(IdentifierError, match="'nobody'"):
        table.codes_of("nobody")


@pytest.mark.parametrize("change", ["range", "shape", "shared", "kinds", "twice"])
def test_codes_that_contradict_their_table_are_refused(change):
    table = joint_table()
    codes, sizes, ids = dict(table.codes), dict(table.sizes), table.item_ids
    other = codes[COLLABORATIVE].copy()
    if change == "range":
        other[3, 2] = 8
    elif change == "shape":
        other = other[:-1]
    elif change == "shared":
        other[5, 0] = (other[5, 0] + 1) % 4
    elif change == "kinds":
        sizes = {SEMANTIC: sizes[SEMANTIC]}
    else:
        ids = ids.copy()
        ids[1] = ids[0]
    with pytest.raises(IdentifierError):
        dataclasses.replace(table, codes={**codes, COLLABORATIVE: other}, sizes=sizes, item_ids=ids)


def test_collisions_show_rate_and_share():
    found = collisions(np.array([[0], [0], [0], [1], [2]]))  # A A A B C
    assert found.n_unique == 3 and found.rate == pytest.approx(0.4) and found.share_in_group == pytest.approx(0.6)
    assert found.group_sizes.tolist() == [3, 3, 3, 1, 1]


def test_collision_profile_falls_with_depth_and_ends_at_the_full_identifier():
    codes = joint_table().codes[SEMANTIC]
    profile = collision_profile(codes)
    assert profile["depth"].tolist() == [1, 2, 3, 4]
    assert (profile["rate"].diff().dropna() <= 0).all()
    assert profile["rate"].iloc[-1] == collisions(codes).rate
    assert profile["n_unique"].iloc[0] == len(set(codes[:, 0].tolist()))


def test_group_labels_count_in_order_of_appearance():
    labels, sizes = group_labels(np.array([[2, 1], [0, 0], [2, 1], [1, 1]]))
    assert labels.tolist() == [0, 1, 0, 2] and sizes.tolist() == [2, 1, 1]


def test_usage_knows_uniform_and_collapsed_levels():
    codes = np.stack([np.arange(8) % 4, np.zeros(8, dtype=int)], axis=1)
    usage = level_usage(codes, (4, 16))
    assert usage["used"].tolist() == [4, 1] and usage["dead"].tolist() == [0, 15]
    assert usage["perplexity"].tolist() == pytest.approx([4.0, 1.0])
    assert usage["largest_share"].tolist() == pytest.approx([0.25, 1.0])


def test_tokens_name_the_shared_and_the_own_levels():
    tokens = joint_table().tokens(COLLABORATIVE)[0]
    assert [token[1:3] for token in tokens] == ["M1", "M2", "R1", "R2"]
