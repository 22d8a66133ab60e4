"""Identifiers in plain text: codes stay codes, column names are no items, and what is wrong has its line number."""

import json

import numpy as np
import pytest
from format_data import CODES, IDS, finding, kinds_of, letters, write

from gensar_lite.identify.formats import FormatError, read_identifiers, sniff
from gensar_lite.identify.formats.texts import read_items
from gensar_lite.identify.table import SEMANTIC

TOKENS = {key: "".join(letters(row)) for key, row in zip(IDS, CODES)}
NUMBERS = {key: row.tolist() for key, row in zip(IDS, CODES)}


def joined(sign):
    return {key: sign.join(map(str, row)) for key, row in NUMBERS.items()}


@pytest.mark.parametrize("header", ["", "item_id\tcodes", "Item_ID\tsid", "asin\tidentifier", "product codes"])
@pytest.mark.parametrize(
    ("codes", "mark"),
    [
        (TOKENS, "\t"),
        (TOKENS, " "),
        (joined("-"), "\t"),
        (joined("-"), " "),
        (joined(","), "\t"),
        (joined(" "), " "),
        (joined("\t"), "\t"),
        (joined(","), ","),
    ],
)
def test_lines_of_item_and_codes_are_read_as_codes(tmp_path, header, codes, mark):
    if mark == "," or "\t" in codes["0"]:
        header = header and "product codes"  # a line of names that are no columns of a table
    lines = [f"{key}{mark}{cell}" for key, cell in codes.items()]
    path = write(tmp_path / "ids.txt", "\n".join([*([header] if header else []), *lines]) + "\n")
    if header.lower().startswith("item_id") and mark == " ":
        path.write_text(path.read_text().replace("\t", " "))
    foreign = read_identifiers(path)
    assert sniff(path) == foreign.format == "onerec"
    assert foreign.item_ids.tolist() == IDS
    np.testing.assert_array_equal(foreign.table.codes[SEMANTIC], CODES)
    assert foreign.verdict == "fine"


@pytest.mark.parametrize("text", ["a b\t3-17\nc d\t4-18\n", "a b\t<x_3><y_17>\nc d\t<x_4><y_18>\n"])
def test_ids_with_spaces_end_at_the_tab_before_codes(tmp_path, text):
    foreign = read_identifiers(write(tmp_path / "ids.txt", text))
    assert foreign.item_ids.tolist() == ["a b", "c d"]
    assert foreign.table.codes[SEMANTIC].tolist() == [[3, 17], [4, 18]]


def test_a_colon_behind_every_id_is_none_of_it(tmp_path):
    foreign = read_identifiers(write(tmp_path / "ids.txt", "a: 3 17\nb: 4 18\n"))
    assert foreign.item_ids.tolist() == ["a", "b"]


def test_minionerec_with_a_line_of_column_names(tmp_path):
    lines = [f'{TOKENS[key]}\tTitle, "of" {key}\t{key}' for key in IDS]
    path = write(tmp_path / "x.info.txt", "\n".join(["sid\ttitle\titem_id", *lines]))
    foreign = read_identifiers(path)
    assert foreign.format == "minionerec-tsv" and foreign.item_ids.tolist() == IDS
    assert foreign.texts["title"].iloc[1] == 'Title, "of" 1' and finding(foreign, "header line").verdict == "fine"
    np.testing.assert_array_equal(foreign.table.codes[SEMANTIC], CODES)
    np.testing.assert_array_equal(read_identifiers(path, "minionerec-tsv").table.codes[SEMANTIC], CODES)


def test_other_columns_of_a_tab_separated_table(tmp_path):
    lines = [f"{key}\tTitle of {key}\t{TOKENS[key]}" for key in IDS]
    foreign = read_identifiers(write(tmp_path / "x.tsv", "\n".join(["item_id\ttitle\tsid", *lines])))
    np.testing.assert_array_equal(foreign.table.codes[SEMANTIC], CODES)
    assert foreign.texts["title"].iloc[2] == "Title of 2"
    with pytest.raises(FormatError, match="line 1: tokens such as <a_183>"):
        read_identifiers(write(tmp_path / "bare.tsv", "\n".join(lines)))


def test_words_under_a_line_of_column_names(tmp_path):
    foreign = read_identifiers(write(tmp_path / "ids.txt", "item_id\tidentifier\n1\tred shirt\n2\tblue hat\n"))
    assert foreign.format == "textual" and foreign.ragged.words == (("red", "shirt"), ("blue", "hat"))
    assert finding(foreign, "header line").examples == "item_id identifier"
    with pytest.raises(FormatError, match="give it to --items"):
        read_identifiers(write(tmp_path / "items.tsv", "item_id\ttitle\n1\tred shirt\n2\tblue hat\n"))


def test_one_number_per_item_may_be_a_map_of_ids(tmp_path):
    foreign = read_identifiers(write(tmp_path / "map.txt", "a 7\nb 8\nc 9\n"))
    assert finding(foreign, "one number per item").verdict == "look"


def test_a_line_without_codes_among_codes_has_its_number(tmp_path):
    rows = [f"i{item} {item % 7} {item}" for item in range(80)]
    rows[70] = "i70 red shirt"
    with pytest.raises(FormatError, match="line 71: no item and its codes"):
        read_identifiers(write(tmp_path / "ids.txt", "\n".join(rows)))


@pytest.mark.parametrize("named", [None, "textual"])
def test_doubles_and_empty_lines_of_textual_identifiers(tmp_path, named):
    """Recognised or named, the file is told the same."""
    path = write(tmp_path / "ids.txt", "1 red shirt\n1 blue shirt\n2 green hat\n3 green cap\n")
    foreign = read_identifiers(path, named)
    assert foreign.format == "textual" and "'1'" in finding(foreign, "duplicate items").examples
    assert foreign.ragged.words[0] == ("red", "shirt")
    write(path, "1 red shirt\n2\n3 green hat\n4 green cap\n")
    with pytest.raises(FormatError, match="line 2: item '2' has no words"):
        read_identifiers(path, named)


# ---------------------------------------------------------------- rows of another length


def rows_of(count, level=3):
    return {f"i{item}": letters([item % 8, item // 8 % 8, item // 64][:level]) for item in range(count)}


@pytest.mark.parametrize("odd", [[], ["<a_1>"], letters([1, 2, 3, 4])])
@pytest.mark.parametrize("place", [0, 5])
def test_a_row_of_another_length_is_left_out_and_the_rest_stays_a_table(tmp_path, odd, place):
    rows = rows_of(40)
    rows[f"i{place}"] = odd
    foreign = read_identifiers(write(tmp_path / "ids.json", rows))
    assert foreign.ragged is None and foreign.table.n_items == 39 and f"i{place}" not in foreign.item_ids
    found = finding(foreign, "unequal lengths")
    assert (
        found.verdict == "bad" and found.count == 1 and f"'i{place}'" in found.examples and "left out" in found.advice
    )


@pytest.mark.parametrize(("odd", "left_out"), [(3, True), (4, False)])
def test_at_most_one_row_in_a_hundred_is_left_out(tmp_path, odd, left_out):
    rows = {key: [int(token[3:-1]) for token in tokens] for key, tokens in rows_of(300).items()}
    rows.update({f"i{item}": [1] for item in range(odd)})
    foreign = read_identifiers(write(tmp_path / "ids.json", rows))
    assert (foreign.ragged is None) is left_out
    found = finding(foreign, "unequal lengths")
    assert found.verdict == "bad" and found.count == odd


def test_an_empty_padding_row_of_gensar_is_padding(tmp_path):
    rows = {"0": [], **{str(item): [f"<semantic_a_{item % 5}>", f"<semantic_b_{item}>"] for item in range(1, 41)}}
    foreign = read_identifiers(write(tmp_path / "x.json", rows), format="gensar")
    assert foreign.table.n_items == 40 and "unequal lengths" not in kinds_of(foreign)
    assert finding(foreign, "padding row").verdict == "fine"


# ---------------------------------------------------------------- offsets, keys, forms


@pytest.mark.parametrize("form", ["list", "text"])
def test_offsets_of_tokens_whose_levels_have_no_names_are_undone(tmp_path, form):
    codes = np.random.default_rng(2).integers(0, 256, (200, 3))
    codes[0], codes[1] = 0, 255
    tokens = [[f"<|sid_{code}|>" for code in row] for row in (codes + 256 * np.arange(3)).tolist()]
    rows = {f"B{key}": row if form == "list" else " ".join(row) for key, row in enumerate(tokens)}
    foreign = read_identifiers(write(tmp_path / "ids.json", rows))
    np.testing.assert_array_equal(foreign.table.codes[SEMANTIC], codes)
    assert finding(foreign, "level offsets").count == 3


def test_levels_with_names_keep_their_numbers(tmp_path):
    rows = {f"B{item}": [f"<a_{item % 8}>", f"<b_{8 + item}>"] for item in range(40)}
    foreign = read_identifiers(write(tmp_path / "ids.json", rows))
    assert "level offsets" not in kinds_of(foreign) and foreign.table.codes[SEMANTIC][:, 1].min() == 8


def test_a_correct_pair_of_gensar_is_fine(tmp_path):
    for name in ("semantic", "collaborate"):
        rows = {str(item): [f"<shared_a_{item % 4}>", f"<{name}_a_{item // 4}>"] for item in range(1, 31)}
        write(tmp_path / f"x_{name}.json", {"0": ["<shared_a_0>", f"<{name}_a_0>"], **rows})
    foreign = read_identifiers(tmp_path / "x_semantic.json")
    assert {"1-based keys", "padding row", "second file of a pair"} <= kinds_of(foreign)
    assert foreign.verdict == "fine"
    other = {str(item): [item % 4, item // 4] for item in range(1, 31)}  # of another form, it is worth a look
    assert finding(read_identifiers(write(tmp_path / "y.json", other)), "1-based keys").verdict == "look"


# ---------------------------------------------------------------- what is refused says why


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{}", "no items in it"),
        ('{"0": [1, 2], "a\\ud800": [3, 4]}', r"item id 'a\\ud800' holds half a character"),
        ('{"item_id": 1, "codes": [1]}\n{"item_id": 2, "codes": [3]}\n', "JSON lines are not read.*jq -s"),
        ('{"0": [1, 2],, "1": [3]}', r"Correct it, or copy or download it again\."),
        ("1 " + "w " * 200 + "\n" + "".join(f"{key} w\n" for key in range(2, 30_000)), "item '1' has 200 words"),
    ],
)
def test_refusals_name_the_file_and_what_to_do(tmp_path, content, words):
    path = write(tmp_path / "ids.json", content)
    with pytest.raises(FormatError, match=words) as caught:
        read_identifiers(path)
    assert str(caught.value).startswith(str(path))


def test_items_may_be_separated_by_tabs_and_hold_half_characters(tmp_path):
    items = read_items(write(tmp_path / "items.tsv", "item_id\ttitle\tcategories\n3\tRed, warm\tA, B\n4\tBlue\t\n"))
    assert items.loc["3"].tolist() == ["Red, warm", "", "", "A, B"] and items.loc["4", "categories"] == ""
    (tmp_path / "x.item.json").write_text(json.dumps({"1": {"title": "a\ud800b"}}))
    assert read_items(tmp_path / "x.item.json").loc["1", "title"] == "a?b"
