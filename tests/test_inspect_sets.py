"""``gensar-lite inspect`` on several sets at once: pairs of kinds, another set, the set before its repair, id maps."""

import json
from dataclasses import replace

import numpy as np
import pytest
from inspect_case import N, codes_of, own_rows, refusal, run, write_case, write_codes

from gensar_lite.cli import main
from gensar_lite.lab.inspect_inputs import Request
from gensar_lite.lab.inspection import inspect


def test_against_another_set(tmp_path):
    write_case(tmp_path)
    other = {f"i{item}": row for item, row in enumerate(codes_of().tolist())}
    other["i1"], other["i50"] = [5, 7, 31], [other["i50"][0], 0, 99]
    shuffled = {key: other[key] for key in reversed(other)}
    (tmp_path / "other.json").write_text(json.dumps(shuffled), encoding="utf-8")
    out = tmp_path / "report.html"
    assert run(tmp_path, "--against", str(tmp_path / "other.json")) == 0
    facts = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert facts["against"]["moved"] == {"semantic": 2}
    rates = [row["value"] for row in facts["against"]["measures"] if row["measure"] == "collision rate"]
    assert rates[-1] == pytest.approx(2 / 90)  # 88 different identifiers
    assert ">Compared</h2>" in out.read_text(encoding="utf-8")


def test_what_is_odd_about_the_other_set_is_told(tmp_path, capsys):
    write_case(tmp_path)
    other = write_codes(tmp_path / "other.json", own_rows() | {"i7": [-1, 0, 0]})
    assert run(tmp_path, "--against", str(other)) == 0
    said = capsys.readouterr().out
    assert "other.json: bad: negative codes: item 'i7: -1 0 0'" in said
    assert "other.json: no verdict: its catalogue is another one: 1 of 90 items have no identifier in it" in said
    facts = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert facts["against"]["verdict"] is None and "another one: 1 of 90" in facts["against"]["why_no_verdict"]
    assert "negative codes" in {finding["kind"] for finding in facts["against"]["findings"]}
    assert "negative codes" in facts["evidence"]["compared with"]
    assert run(tmp_path, "--against", str(write_codes(other, own_rows()))) == 0
    assert "other.json: verdict: " in capsys.readouterr().out
    facts = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert facts["against"]["verdict"] and facts["against"]["why_no_verdict"] is None


@pytest.mark.parametrize("foreign", ["first", "second", "both"])
@pytest.mark.parametrize("items", [True, False])
def test_an_id_map_joins_the_file_that_needs_it(tmp_path, foreign, items):
    write_case(tmp_path)
    first = write_codes(tmp_path / "a.json", own_rows("key-" if foreign != "second" else "i"))
    second = write_codes(tmp_path / "b.json", own_rows("key-" if foreign != "first" else "i"))
    id_map = write_codes(tmp_path / "map.json", {f"key-{item}": f"i{item}" for item in range(N)})
    request = Request(first, id_map=id_map, against=second, items=tmp_path / "items.parquet" if items else None)
    found = inspect(request)
    assert [len(each.moved) for each in found.differences] == [0] and found.other[1] is not None
    if items:
        assert found.catalogue.table.item_ids[7] == "i7" and found.catalogue.titles[7] == "lamp number 7 red"


def test_an_id_map_that_fits_neither_file_names_them(tmp_path, capsys):
    write_case(tmp_path)
    other = write_codes(tmp_path / "other.json", own_rows("x"))
    id_map = write_codes(tmp_path / "map.json", {"nobody": "nothing"})
    words = refusal(tmp_path, capsys, "--against", str(other), "--id-map", str(id_map))
    assert "map.json: names none of the 90 keys of" in words and "shop.index.json" in words
    words = refusal(tmp_path, capsys, "--against", str(other))
    assert "other.json: none of its 90 items (like 'x0')" in words and "--id-map" in words


def test_what_a_repair_and_another_seed_changed(tmp_path, capsys):
    write_case(tmp_path)
    before = write_codes(tmp_path / "before.json", own_rows() | {"i50": [0, 0, 0], "i51": [0, 0, 0]})
    seed = write_codes(tmp_path / "seed.json", {f"i{item}": row for item, row in enumerate(codes_of(1).tolist())})
    assert run(tmp_path, "--before", str(before), "--other-seed", str(seed)) == 0
    facts = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    rows = {(row["measure"], row["of"], row["level"]): row["value"] for row in facts["measures"]}
    assert rows["moved by repair", "", None] == pytest.approx(2 / N)
    assert 0 <= rows["churn across seeds", "", 1] < 1
    assert facts["evidence"]["before the repair"] == "before.json: 90 of 90 items"
    assert facts["other_seed"]["identifiers"] == "seed.json"
    assert "none of its" in refusal(tmp_path, capsys, "--before", str(write_codes(before, own_rows("x"))))


def write_two_kinds(folder):
    """A GenSAR pair: semantic codes follow the items' kind, collaborative ones nothing the texts know of."""
    random = np.random.default_rng(5)
    kinds, own = np.arange(N) % 6, random.permutation(np.arange(N) % 6)
    for name, first in (("semantic", kinds), ("collaborate", own)):
        rows = {f"i{item}": [f"<{name}_a_{first[item]}>", f"<{name}_b_{item % 15}>"] for item in range(N)}
        (folder / f"x_{name}.json").write_text(json.dumps(rows), encoding="utf-8")
    return Request(folder / "x_semantic.json", items=folder / "items.parquet")


@pytest.mark.parametrize("vectors", [True, False])
def test_identifiers_made_of_clicks_are_not_judged_by_texts(tmp_path, vectors):
    request = write_two_kinds(write_case(tmp_path))
    found = inspect(replace(request, embeddings=tmp_path / "vectors.npy" if vectors else None))
    space = ["neighbour lift", "level above chance", "variance the level takes", "flips under noise"]
    rows = found.diagnosis.frame[found.diagnosis.frame["measure"].isin(space)]
    verdicts = rows[rows["verdict"] != ""].groupby("kind")["measure"].agg(set).to_dict()
    assert "collaborative" not in verdicts
    assert "neighbour lift" in verdicts["semantic"]
    assert ("flips under noise" in verdicts["semantic"]) is vectors
    lift = rows[(rows["kind"] == "collaborative") & (rows["measure"] == "neighbour lift")]
    assert "not judged" in lift["formula"].iloc[0]


def test_a_pair_of_gensar_can_pass(tmp_path):
    random = np.random.default_rng(0)
    for name in ("semantic", "collaborate"):
        specific = random.permutation(64)
        rows = {str(item): [f"<shared_a_{item % 8}>", f"<{name}_a_{specific[item - 1]}>"] for item in range(1, 65)}
        write_codes(tmp_path / f"x_{name}.json", {"0": ["<shared_a_0>", f"<{name}_a_0>"], **rows})
    call = ["inspect", str(tmp_path / "x_semantic.json"), "--out", str(tmp_path / "r.html"), "--quiet"]
    assert main([*call, "--fail-on", "look"]) == 0


def test_gensar_pair(tmp_path):
    for name, specific in (("semantic", 3), ("collaborate", 5)):
        rows = {
            str(item): [f"<shared_a_{item % 4}>", f"<{name}_a_{item * specific % 7}>", f"<{name}_b_{item}>"]
            for item in range(1, 31)
        }
        (tmp_path / f"x_{name}.json").write_text(json.dumps(rows), encoding="utf-8")
    out = tmp_path / "r.html"
    assert main(["inspect", str(tmp_path / "x_semantic.json"), "--out", str(out), "--quiet"]) == 0
    facts = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert facts["kinds"] == ["semantic", "collaborative"] and facts["shared_levels"] == 1
    assert ">Two identifiers of one item</h2>" in out.read_text(encoding="utf-8")
