"""Reading anyone's identifiers: one small file per form, everything that is detected, the published files."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from format_data import CODES, IDS, finding, kinds_of, letters, write, write_form

from gensar_lite.identify.formats import (
    FORMATS,
    FormatError,
    read_identifiers,
    sniff,
)
from gensar_lite.identify.table import (
    COLLABORATIVE,
    SEMANTIC,
    collisions,
    level_usage,
)

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_is_recognised_and_read(form, tmp_path):
    path = write_form(form, tmp_path)
    assert sniff(path) == form
    foreign = read_identifiers(path)
    assert foreign.format == form
    keys = {"gensar": ["1", "2", "3", "4", "5"]}.get(
        form, [f"B0{key}X" for key in IDS] if "B0" in foreign.item_ids[0] else IDS
    )
    assert foreign.item_ids.tolist() == keys
    if form == "textual":
        assert foreign.table is None and foreign.ragged.words[0] == ("w228", "w20", "w159")
        assert collisions(foreign.as_table().codes[SEMANTIC])[:4] == collisions(CODES)[:4]
    else:
        np.testing.assert_array_equal(foreign.table.codes[SEMANTIC], CODES)
        assert foreign.table.sizes[SEMANTIC] == (256, 256, 256)
    with pytest.raises(FormatError, match="kept as" if form != "textual" else "cut off|kept as|no token"):
        read_identifiers(
            path, format="minionerec-tsv" if form in ("textual", "npy") else "npy" if form != "npy" else "kit"
        )


@pytest.mark.parametrize("form", ["lc-rec", "tiger-cf", "npy", "grid-list"])
def test_naming_the_form_reads_the_same_as_recognising_it(form, tmp_path):
    path = write_form(form, tmp_path)
    named = read_identifiers(path, format=form)
    np.testing.assert_array_equal(named.table.codes[SEMANTIC], read_identifiers(path).table.codes[SEMANTIC])
    with pytest.raises(FormatError, match="Choose one of"):
        read_identifiers(path, format="no-such-form")


def test_csv_forms(tmp_path):
    write(tmp_path / "a.csv", 'item_id,codes\nx,"3,17,9"\ny,"[4, 18, 9]"\n')
    foreign = read_identifiers(tmp_path / "a.csv")
    assert foreign.format == "onerec" and foreign.item_ids.tolist() == ["x", "y"]
    np.testing.assert_array_equal(foreign.table.codes[SEMANTIC], [[3, 17, 9], [4, 18, 9]])
    write(tmp_path / "b.csv", "item_id,sid_level_0,sid_level_1,sid\nx,3,17,3-17\ny,4,18,4-18\n")
    np.testing.assert_array_equal(read_identifiers(tmp_path / "b.csv").table.codes[SEMANTIC], [[3, 17], [4, 18]])


def test_gram_separates_tokens_by_bars(tmp_path):
    foreign = read_identifiers(write(tmp_path / "ids.txt", "1 |red |cotton |shirt\n2 |red |wool\n3 |red |wool\n"))
    assert foreign.ragged.words == (("red", "cotton", "shirt"), ("red", "wool"), ("red", "wool"))
    table = foreign.as_table()
    assert table.codes[SEMANTIC].tolist() == [[1, 2, 1], [1, 1, 0], [1, 1, 0]]  # by frequency; 0 is the end
    assert finding(foreign, "unequal lengths").verdict == "fine"


# ---------------------------------------------------------------- both files of GenSAR


def gensar_rows(specific, shared, codes):
    return [
        [f"<shared_a_{one}>", *(f"<{specific}_{letter}_{code}>" for letter, code in zip("ab", row))]
        for one, row in zip(shared, codes)
    ]


def write_pair(folder, other_shared=(5, 6, 5)):
    own = gensar_rows("semantic", (5, 6, 5), [[1, 2], [3, 4], [1, 3]])
    other = gensar_rows("collaborate", other_shared, [[9, 8], [7, 6], [9, 9]])
    paths = folder / "run_collision_semantic.json", folder / "run_collision_collaborate.json"
    for path, rows in zip(paths, (own, other)):
        write(path, {"0": rows[0], **{str(place): row for place, row in enumerate(rows, start=1)}})
    return paths


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("named", [True, False])
def test_gensar_pair(tmp_path, first, named):
    paths = write_pair(tmp_path)
    foreign = read_identifiers(paths[first], pair=paths[1 - first] if named else None)
    table = foreign.table
    assert table.kinds == (SEMANTIC, COLLABORATIVE) and table.shared == 1
    assert table.item_ids.tolist() == ["1", "2", "3"]
    assert table.codes[SEMANTIC].tolist() == [[5, 1, 2], [6, 3, 4], [5, 1, 3]]
    assert table.codes[COLLABORATIVE].tolist() == [[5, 9, 8], [6, 7, 6], [5, 9, 9]]
    assert table.sizes[SEMANTIC][0] == table.sizes[COLLABORATIVE][0]
    assert {"padding row", "1-based keys"} <= kinds_of(foreign)
    assert ("second file of a pair" in kinds_of(foreign)) is not named


def test_gensar_files_that_are_no_pair(tmp_path):
    paths = write_pair(tmp_path, other_shared=(5, 7, 5))
    foreign = read_identifiers(paths[0])
    found = finding(foreign, "shared levels disagree")
    assert found.count == 1 and "'2'" in found.examples and found.verdict == "bad"
    assert foreign.table.shared == 0 and foreign.verdict == "bad"
    with pytest.raises(FormatError, match="holds semantic identifiers too"):
        read_identifiers(paths[0], pair=paths[0])
    paths[1].unlink()
    assert finding(read_identifiers(paths[0]), "half of a pair").verdict == "look"
    with pytest.raises(FormatError, match="no second file"):
        read_identifiers(write_form("lc-rec", tmp_path), pair=paths[0])


def test_items_of_one_file_only_are_told(tmp_path):
    paths = write_pair(tmp_path)
    rows = json.loads(paths[1].read_text())
    del rows["2"]
    write(paths[1], rows)
    foreign = read_identifiers(paths[0])
    assert foreign.item_ids.tolist() == ["1", "3"]
    assert finding(foreign, "items of one kind only").examples == "semantic: item '2'"


# ---------------------------------------------------------------- detections


def read_codes(tmp_path, rows):
    return read_identifiers(write(tmp_path / "codes.json", rows))


def test_keys_that_count_from_one_and_gaps(tmp_path):
    rows = {str(key): letters([key, key + 1]) for key in (1, 2, 4, 7, 8, 9)}
    foreign = read_codes(tmp_path, rows)
    assert finding(foreign, "1-based keys").count == 6
    gaps = finding(foreign, "gaps")
    assert gaps.count == 3 and "'3'" in gaps.examples and "'5'" in gaps.examples
    sparse = read_codes(tmp_path, {"5": letters([0, 1]), "900": letters([2, 1]), "100000000000000": letters([1, 1])})
    assert "gaps" not in kinds_of(sparse) and finding(sparse, "ids not consecutive").verdict == "fine"


def test_unordered_keys_are_put_in_order(tmp_path):
    foreign = read_codes(tmp_path, {"0": [1, 1], "10": [2, 2], "2": [3, 3]})
    assert foreign.item_ids.tolist() == ["0", "2", "10"]
    assert foreign.table.codes[SEMANTIC][:, 0].tolist() == [1, 3, 2]
    assert finding(foreign, "unordered keys").count == 1


@pytest.mark.parametrize("row", [[0, 0, 0], [-1, -1, -1]])
def test_padding_row(tmp_path, row):
    codes = np.vstack([[row], CODES + 1])
    np.save(tmp_path / "codes.npy", codes)
    foreign = read_identifiers(tmp_path / "codes.npy")
    assert foreign.table.n_items == 5 and foreign.item_ids[0] == "1"
    assert finding(foreign, "padding row").count == 1
    named = read_codes(tmp_path, {"<pad>": [9, 9], "a": [1, 2], "b": [0, 3]})
    assert named.item_ids.tolist() == ["a", "b"]


def test_a_first_item_of_zeros_is_an_item_if_others_have_zero_too(tmp_path):
    np.save(tmp_path / "codes.npy", np.array([[0, 0], [0, 1], [1, 0]]))
    assert read_identifiers(tmp_path / "codes.npy").table.n_items == 3


def test_transposition(tmp_path):
    codes = np.random.default_rng(0).integers(0, 16, (40, 3))
    np.save(tmp_path / "codes.npy", codes.T)
    foreign = read_identifiers(tmp_path / "codes.npy")
    np.testing.assert_array_equal(foreign.table.codes[SEMANTIC], codes)
    assert finding(foreign, "transposition").count == 3
    torch = pytest.importorskip("torch")
    torch.save(torch.tensor(codes), tmp_path / "codes.pt")  # GRID lays items in columns; here they are rows
    foreign = read_identifiers(tmp_path / "codes.pt")
    np.testing.assert_array_equal(foreign.table.codes[SEMANTIC], codes)
    assert finding(foreign, "transposition").verdict == "look"


@pytest.mark.parametrize("begin", [0, 1])
def test_de_duplication_level(tmp_path, begin):
    random = np.random.default_rng(1)
    codes = random.integers(0, 4, (60, 2))
    seen: dict[tuple, int] = {}
    number = [seen.setdefault(tuple(row), 0) or 0 for row in codes.tolist()]
    counts = {key: (codes == key).all(axis=1).sum() for key in seen}
    running: dict[tuple, int] = {}
    for place, row in enumerate(map(tuple, codes.tolist())):
        running[row] = running.get(row, -1) + 1
        number[place] = running[row] + (begin if counts[row] > 1 else 0)
    foreign = read_codes(
        tmp_path, {str(key): [*row, extra] for key, (row, extra) in enumerate(zip(codes.tolist(), number))}
    )
    found = finding(foreign, "de-duplication level")
    assert "level 3" in found.examples and "depth 2" in found.advice
    assert collisions(foreign.table.codes[SEMANTIC]).rate == 0
    plain = read_codes(tmp_path, {str(key): [*row, 3] for key, row in enumerate(codes.tolist())})
    assert "de-duplication level" not in kinds_of(plain)


@pytest.mark.parametrize("size", [8, 50, 256])
@pytest.mark.parametrize("start", [0, 1])
def test_level_offsets_are_undone(tmp_path, size, start):
    codes = np.random.default_rng(2).integers(0, size, (200, 4))
    codes[0], codes[1] = 0, size - 1
    foreign = read_codes(
        tmp_path, {f"B{key}": row for key, row in enumerate((codes + start + size * np.arange(4)).tolist())}
    )
    np.testing.assert_array_equal(foreign.table.codes[SEMANTIC], codes)
    assert foreign.table.sizes[SEMANTIC] == (size,) * 4
    assert finding(foreign, "level offsets").count == 4


def test_offsets_of_unequal_codebooks_keep_collisions_as_they_are(tmp_path):
    codes = np.random.default_rng(3).integers(0, [32, 40, 19], (300, 3))
    foreign = read_codes(tmp_path, {f"B{key}": row for key, row in enumerate((codes + [0, 32, 72]).tolist())})
    assert collisions(foreign.table.codes[SEMANTIC]).rate == collisions(codes).rate
    assert "level offsets" in kinds_of(foreign) and foreign.table.sizes[SEMANTIC][0] <= 50


def test_unequal_lengths_become_words(tmp_path):
    foreign = read_codes(tmp_path, {"a": letters([1, 2, 3]), "b": letters([1, 2]), "c": letters([1, 2, 4])})
    assert foreign.table is None and foreign.ragged.words[1] == ("1", "2")
    found = finding(foreign, "unequal lengths")
    assert found.count == 1 and "'b'" in found.examples and found.verdict == "bad"


def test_negative_fractional_and_missing_codes_are_left_out_and_told(tmp_path):
    rows = {"a": [1, 2], "b": [-1, 2], "c": [1.5, 2], "d": [None, 2], "e": [2.0, 2]}
    foreign = read_codes(tmp_path, rows)
    assert foreign.item_ids.tolist() == ["a", "e"] and foreign.verdict == "bad"
    for kind, key in (("negative codes", "b"), ("fractional codes", "c"), ("missing codes", "d")):
        assert finding(foreign, kind).count == 1 and f"'{key}:" in finding(foreign, kind).examples
    tokens = read_codes(tmp_path, {"a": ["<a_1>", "<b_-2>"], "b": ["<a_1>", "<b_2>"]})
    assert tokens.item_ids.tolist() == ["b"]
    with pytest.raises(FormatError, match="no item is left"):
        read_codes(tmp_path, {"a": [-1, 2]})


def test_whole_numbers_with_a_decimal_point_are_codes(tmp_path):
    np.save(tmp_path / "codes.npy", CODES.astype(np.float32))
    foreign = read_identifiers(tmp_path / "codes.npy")
    np.testing.assert_array_equal(foreign.table.codes[SEMANTIC], CODES)
    assert finding(foreign, "codes with a decimal point").verdict == "fine"


def test_repeated_json_keys(tmp_path):
    path = write(tmp_path / "twice.json", '{"0": [1, 2], "1": [3, 4], "0": [1, 2], "1": [9, 9]}')
    foreign = read_identifiers(path)
    assert foreign.table.codes[SEMANTIC].tolist() == [[1, 2], [3, 4]]  # the first one stays
    verdicts = {finding.verdict: finding for finding in foreign.findings if finding.kind == "duplicate items"}
    assert set(verdicts) == {"fine", "bad"} and "'1'" in verdicts["bad"].examples


def test_repeated_rows(tmp_path):
    pd.DataFrame({"item_id": ["x", "y", "x"], "codes": [[1, 2], [3, 4], [5, 6]]}).to_parquet(tmp_path / "t.parquet")
    foreign = read_identifiers(tmp_path / "t.parquet")
    assert foreign.table.codes[SEMANTIC].tolist() == [[1, 2], [3, 4]]
    assert finding(foreign, "duplicate items").verdict == "bad"


def test_levels_in_another_order(tmp_path):
    foreign = read_codes(tmp_path, {"a": ["<a_1>", "<b_2>"], "b": ["<b_4>", "<a_3>"], "c": ["<a_5>", "<b_6>"]})
    assert foreign.table.codes[SEMANTIC].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert finding(foreign, "levels out of order").count == 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1", "utf-8-sig"])
def test_other_encodings_are_read_and_told(tmp_path, encoding):
    text = "".join(f"{''.join(letters(row))}\tKäse {key}\t{key}\n" for key, row in zip(IDS, CODES))
    (tmp_path / "x.info.txt").write_bytes(text.encode(encoding))
    foreign = read_identifiers(tmp_path / "x.info.txt")
    np.testing.assert_array_equal(foreign.table.codes[SEMANTIC], CODES)
    assert foreign.texts["title"].tolist()[0] == "Käse 0"
    assert ("encoding" in kinds_of(foreign)) is (encoding != "utf-8-sig")


def test_codebook_sizes_are_guessed_with_reason(tmp_path):
    dense = {str(key): [key % 19, 190, key % 251] for key in range(600)}
    foreign = read_codes(tmp_path, dense)
    assert foreign.table.sizes[SEMANTIC] == (19, 256, 251)  # full, one of the common size, full
    assert "level 2: 1 of 256" in finding(foreign, "codebook sizes assumed").examples
    odd = read_codes(tmp_path, {"0": [0, 68], "1": [3, 2]})
    assert odd.table.sizes[SEMANTIC] == (69, 69)  # 69 is near no usual size


# ---------------------------------------------------------------- published files

RATES = {
    "rkmeans_native": 0.2014, "rqvae_native": 0.1275, "quasid_native": 0.0281, "letter_native": 0.0062,
    "rkmeans_zcr": 0, "rkmeans_zcr_cf": 0, "rqvae_zcr": 0, "quasid_zcr": 0, "letter_zcr": 0, "mql4grec": 0,
}  # fmt: skip


@pytest.mark.skipif(not (SHARED / "identifiers").is_dir(), reason="the published identifier files are not here")
class TestPublishedFiles:
    @pytest.mark.parametrize("name", RATES)
    def test_scientific(self, name):
        foreign = read_identifiers(SHARED / "identifiers" / "scientific" / f"{name}.index.json")
        codes = foreign.table.codes[SEMANTIC]
        assert codes.shape == (4344, 4) and foreign.verdict == "fine"
        assert round(collisions(codes).rate, 4) == RATES[name]
        if name == "mql4grec":
            assert level_usage(codes, foreign.table.sizes[SEMANTIC])["used"].tolist() == [1, 8, 10, 229]

    def test_office(self):
        foreign = read_identifiers(SHARED / "identifiers" / "office" / "Office.index.rq-kmeans.json")
        assert foreign.table.n_items == 2420 and round(collisions(foreign.table.codes[SEMANTIC]).rate, 4) == 0.0021

    def test_both_files_of_minionerec_say_the_same(self):
        folder = SHARED / "identifiers" / "minionerec_industrial"
        index = read_identifiers(folder / "Industrial_and_Scientific.index.json")
        listed = read_identifiers(folder / "Industrial_and_Scientific.info.txt")
        codes = index.table.codes[SEMANTIC]
        np.testing.assert_array_equal(codes, listed.table.codes[SEMANTIC])
        found = collisions(codes)
        assert (found.n_items, found.n_unique) == (3686, 3670)
        assert level_usage(codes, index.table.sizes[SEMANTIC]).iloc[0][["used", "size"]].tolist() == [48, 256]
        assert index.texts["title"].iloc[0].startswith("SUPCO") and (index.texts["title"] != "").all()
