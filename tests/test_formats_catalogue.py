"""Foreign identifiers beside a catalogue: own tables, joined ids, look-ups, item texts and vectors."""

import numpy as np
import pandas as pd
import pytest
from format_data import CODES, IDS, finding, kinds_of, letters, write, write_form

from gensar_lite.identify.formats import FormatError, lookup_frame, read_identifiers
from gensar_lite.identify.formats.texts import read_items, read_vectors
from gensar_lite.identify.table import (
    COLLABORATIVE,
    SEMANTIC,
    IdentifierTable,
    write_sidinspector,
    write_table,
)


def test_own_table_reads_back_as_it_was_and_without_its_facts_by_guess(tmp_path):
    codes = {SEMANTIC: CODES, COLLABORATIVE: np.hstack([CODES[:, :1], CODES[:, 1:] // 2])}
    sizes = dict.fromkeys(codes, (300, 300, 300))
    table = IdentifierTable("joint", np.array(IDS, dtype=object), codes, sizes, 1)
    write_table(table, tmp_path / "own.parquet")
    foreign = read_identifiers(tmp_path / "own.parquet")
    assert foreign.table.sizes == sizes and foreign.table.shared == 1 and foreign.table.scheme == "joint"
    pd.read_parquet(tmp_path / "own.parquet").to_csv(tmp_path / "own.csv", index=False)
    bare = read_identifiers(tmp_path / "own.csv")
    np.testing.assert_array_equal(bare.table.codes[COLLABORATIVE], codes[COLLABORATIVE])
    assert finding(bare, "own table without its facts").verdict == "look"
    write_sidinspector(table, tmp_path / "sid.parquet", "toy")
    other = read_identifiers(tmp_path / "sid.parquet")
    assert other.format == "sidinspector" and other.table.kinds == table.kinds


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("form", ["json", "tsv", "csv", "parquet"])
def test_id_map_joins_in_either_direction(tmp_path, form, turned):
    path = write_form("lc-rec", tmp_path)
    pairs = [(key, f"item-{key}") for key in IDS if key != "3"]
    pairs = [(right, left) for left, right in pairs] if turned else pairs
    named = tmp_path / f"map.{form}"
    if form == "json":
        write(named, dict(pairs))
    elif form == "parquet":
        pd.DataFrame(pairs, columns=["a", "b"]).to_parquet(named)
    else:
        mark = "\t" if form == "tsv" else ","
        write(named, "".join(f"{left}{mark}{right}\n" for left, right in [("key", "catalogue"), *pairs]))
    foreign = read_identifiers(path, id_map=named)
    assert foreign.item_ids.tolist() == ["item-0", "item-1", "item-2", "item-4"]
    assert foreign.table.codes_of("item-4")[SEMANTIC] == (3, 255, 91)
    assert finding(foreign, "ids not in the map").examples == "item '3'"


def test_id_map_of_another_catalogue_is_refused(tmp_path):
    with pytest.raises(FormatError, match="names none"):
        read_identifiers(write_form("lc-rec", tmp_path), id_map=write(tmp_path / "map.json", {"x": "y"}))


def test_look_ups_go_both_ways(tmp_path):
    foreign = read_identifiers(write_form("actionpiece", tmp_path))
    assert foreign.table.codes_of("B01X") == {SEMANTIC: (3, 255, 91)}
    assert foreign.item_ids[foreign.table.items_of(SEMANTIC, (3,))].tolist() == ["B01X", "B04X"]
    frame = lookup_frame(foreign)
    both = frame[frame["identifier"] == "3-255-91"]
    assert both["item_id"].tolist() == ["B01X", "B04X"] and both["size"].tolist() == [2, 2]
    assert frame["item_id"].tolist() == ["B01X", "B04X", "B03X", "B02X", "B00X"]  # by 3-…, 17-…, 228-20-8, 228-20-159


def test_texts_beside_the_file_and_in_it(tmp_path):
    write(tmp_path / "Toys.index.json", {key: letters(row) for key, row in zip(IDS, CODES)})
    entry = {"title": "A <b>tent</b>", "description": "['Light.']", "brand": "", "categories": ["Sport", "Camping"]}
    write(tmp_path / "Toys.item.json", {"2": entry})
    foreign = read_identifiers(tmp_path / "Toys.index.json")
    assert foreign.texts.loc["2"].tolist() == ["A <b>tent</b>", "Light.", "", "Sport, Camping"]
    assert foreign.texts.loc["0", "title"] == ""
    write(tmp_path / "Toys.item.json", "{")
    foreign = read_identifiers(tmp_path / "Toys.index.json")
    assert foreign.texts is None and "item texts not read" in kinds_of(foreign)
    with pytest.raises(FormatError, match="--items"):
        read_identifiers(write(tmp_path / "only.json", {"2": entry}))


def test_items_and_vectors(tmp_path):
    pd.DataFrame({"id": [3, 1], "title": ["c", "a"], "categories": ["x, y", None]}).to_parquet(tmp_path / "i.parquet")
    items = read_items(tmp_path / "i.parquet")
    assert items.index.tolist() == ["3", "1"] and items.loc["1", "categories"] == ""
    write(tmp_path / "i.csv", "item_id,title\n3,c\n")
    assert read_items(tmp_path / "i.csv")["title"].tolist() == ["c"]
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.save(tmp_path / "v.npy", vectors)
    np.testing.assert_array_equal(read_vectors(tmp_path / "v.npy", ["a", "b", "c"])["semantic"], vectors)
    with pytest.raises(FormatError, match="3 rows.*4 items"):
        read_vectors(tmp_path / "v.npy", ["a", "b", "c", "d"])
    with pytest.raises(FormatError, match="padding row"):
        read_vectors(tmp_path / "v.npy", ["a", "b"])
    pd.DataFrame({"item_id": ["c", "a", "b"], "vector": vectors.tolist()}).to_parquet(tmp_path / "v.parquet")
    np.testing.assert_array_equal(read_vectors(tmp_path / "v.parquet", ["a", "b"])["semantic"], vectors[1:])
    with pytest.raises(FormatError, match="no vector for item 'z'"):
        read_vectors(tmp_path / "v.parquet", ["a", "z"])
    np.save(tmp_path / "v.npy", vectors * np.nan)
    with pytest.raises(FormatError, match="not finite"):
        read_vectors(tmp_path / "v.npy", ["a", "b", "c"])
