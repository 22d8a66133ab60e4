"""``gensar-lite inspect``: the report of a file of identifiers, what it joins and refuses, hostile titles in it."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from inspect_case import HOSTILE, N, codes_of, refusal, run, write_case

from gensar_lite.cli import main
from gensar_lite.identify.formats import FORMATS
from gensar_lite.lab.export import remote_sources
from gensar_lite.lab.inspect_inputs import InspectionError, Request
from gensar_lite.lab.inspect_outputs import failed
from gensar_lite.lab.inspection import inspect
from gensar_lite.log.corner_shop import CornerShopSettings, make_corner_shop
from gensar_lite.log.joint import write_log

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """A folder with a report made of everything but a log."""
    folder = write_case(tmp_path_factory.mktemp("inspect"))
    beside = ["--items", str(folder / "items.parquet"), "--embeddings", str(folder / "vectors.npy")]
    assert run(folder, *beside, "--fail-on", "look") == 1
    return folder


@pytest.fixture(scope="module")
def page(reported):
    return (reported / "report.html").read_text(encoding="utf-8")


def test_the_page_needs_no_network_and_holds_plotly_once(page):
    assert remote_sources(page) == []
    assert page.count("plotly.js v") == 1 and len(page) < 9e6
    assert page.count("Plotly.newPlot(") >= 5


def test_the_verdict_stands_first_in_plain_words(page):
    body = page[page.index("<body>") :]
    assert body.index("Usable, with something to look at first") < body.index("<section")
    # 5 of 90 items share; 87 names: (90 - 87) / 90 = 3.3 %; one group of 3 unlike titles, one of 2 equal ones.
    assert "5 of 90 items (5.6%) share their identifier" in body and "87 different identifiers, 3.3% fewer" in body
    assert "Of these, 3 share it with an item whose text is truly different" in body


def test_every_group_has_values_formulas_controls_and_thresholds(page):
    for heading in ("Use of codes", "Quantisation", "Collisions", "Meaning", "Not measured", "Look up"):
        assert f">{heading}</h2>" in page
    assert "1 - 87/90 = 0.0333" in page and "5/90 = 0.0556" in page
    assert "look above 0.01, bad above 0.05" in page and "Controls: random" in page
    assert "Repair collisions" in page


def test_figures_have_descriptions_and_table_twins(page):
    assert page.count("<figure aria-label=") == page.count('<p role="note">') >= 5
    assert page.count("The same as a table") >= 4


def test_json_beside_the_page(reported):
    facts = json.loads((reported / "report.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert facts["verdict"] == "look" and facts["items"] == N and facts["format"] == "lc-rec"
    rates = [row for row in facts["measures"] if row["measure"] == "collision rate" and row["level"] == 3]
    assert rates[0]["value"] == pytest.approx(3 / 90) and rates[0]["verdict"] == "look"
    assert {row["verdict"] for row in facts["measures"]} <= {"", "fine", "look", "bad"}
    assert facts["evidence"]["texts"] == "items.parquet, 90 of 90 items"


def test_affected_items_as_csv(reported):
    frame = pd.read_csv(reported / "report-affected.csv", keep_default_na=False)
    assert frame["item_id"].tolist() == ["i0", "i1", "i2", "i3", "i4"] and frame["size"].tolist() == [3, 3, 3, 2, 2]
    assert frame["group"].tolist() == ["truly different"] * 3 + ["same text"] * 2
    assert frame["title"].iloc[0] == HOSTILE


def test_look_up_as_csv(reported):
    frame = pd.read_csv(reported / "report-lookup.csv")
    assert len(frame) == N and frame.groupby("identifier")["item_id"].size().max() == 3
    row = frame[frame["item_id"] == "i7"].iloc[0]
    assert row["identifier"] == "-".join(map(str, codes_of()[7])) and row["size"] == 1


def test_titles_are_text_in_the_page(page):
    assert HOSTILE not in page and "<img src=x" not in page
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in page
    assert "\\u003c/script\\u003e\\u003cimg" in page  # in the look-up's data


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium here")
def test_hostile_titles_do_nothing_in_a_browser(reported):
    from playwright.sync_api import sync_playwright

    wrong = []
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        tab = browser.new_page(viewport={"width": 1280, "height": 800})
        tab.set_default_timeout(240_000)
        tab.on("dialog", lambda dialog: (wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
        tab.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        near = ("file:", "data:", "blob:")
        tab.on("request", lambda asked: None if asked.url.startswith(near) else wrong.append(asked.url))
        tab.goto((reported / "report.html").as_uri())
        tab.wait_for_selector("#figure-map .main-svg")
        tab.keyboard.press("Tab")
        assert tab.evaluate("document.activeElement.className") == "skip"
        tab.fill("#find", "onerror")
        assert tab.locator("#found tr").count() == 1
        assert tab.locator("#found td").nth(1).text_content() == HOSTILE
        tab.fill("#find", "-".join(map(str, codes_of()[0])))
        assert tab.locator("#found-words").text_content() == "3 items"
        for summary in tab.locator("summary").all():
            summary.evaluate("node => node.click()")
        assert tab.locator("img").count() == 0 and tab.locator("h1").count() == 1
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        browser.close()
    assert not wrong


def test_it_needs_no_torch(tmp_path):
    write_case(tmp_path)
    code = (
        "import sys; from gensar_lite.cli import main;"
        "assert main(sys.argv[1:]) == 0; print([name for name in ('torch', 'umap') if name in sys.modules])"
    )
    call = ["inspect", str(tmp_path / "shop.index.json"), "--items", str(tmp_path / "items.parquet")]
    call += ["--embeddings", str(tmp_path / "vectors.npy"), "--out", str(tmp_path / "r.html"), "--quiet"]
    done = subprocess.run([sys.executable, "-c", code, *call], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().endswith("[]")


@pytest.mark.parametrize(
    ("verdict", "limit", "expected"),
    [
        ("bad", None, False),
        ("bad", "bad", True),
        ("bad", "look", True),
        ("look", "bad", False),
        ("look", "look", True),
        ("fine", "look", False),
    ],
)
def test_fail_on(verdict, limit, expected):
    assert failed(verdict, limit) is expected


def test_exit_codes(tmp_path, capsys):
    (tmp_path / "shop.index.json").write_text(json.dumps({str(item): [item % 4, 0] for item in range(40)}))
    assert run(tmp_path) == 0  # without --fail-on a bad verdict is no error
    assert "verdict: bad" in capsys.readouterr().out
    assert run(tmp_path, "--fail-on", "bad") == 1 and run(tmp_path, "--fail-on", "look") == 1
    assert "Mend these identifiers" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_forms_are_listed(capsys):
    assert main(["inspect", "x", "--format", "list"]) == 0
    assert capsys.readouterr().out.split() == list(FORMATS)


def test_items_of_another_catalogue(tmp_path, capsys):
    write_case(tmp_path)
    (tmp_path / "other.csv").write_text("item_id,title\nx1,Tent\n", encoding="utf-8")
    assert "None of the 90 item ids" in refusal(tmp_path, capsys, "--items", str(tmp_path / "other.csv"))
    tokens = {str(item): ["<a_1>", f"<b_{item}>"] for item in range(1, 9)}
    (tmp_path / "shop.index.json").write_text(json.dumps(tokens), encoding="utf-8")
    (tmp_path / "zero.csv").write_text("item_id,title\n" + "".join(f"{item},T{item}\n" for item in range(8)))
    found = inspect(Request(tmp_path / "shop.index.json", items=tmp_path / "zero.csv"))  # 7 of 8 ids do match
    kinds = {finding.kind: finding for finding in found.findings}
    assert kinds["items without texts"].verdict == "bad" and kinds["catalogue items without identifiers"].count == 1


def test_ids_that_are_off_by_one_get_the_hint(tmp_path, capsys):
    tokens = {str(item): ["<a_1>", f"<b_{item}>"] for item in (1, 3, 5)}
    (tmp_path / "shop.index.json").write_text(json.dumps(tokens), encoding="utf-8")
    (tmp_path / "zero.csv").write_text("item_id,title\n0,A\n2,B\n4,C\n")
    assert "count from 1" in refusal(tmp_path, capsys, "--items", str(tmp_path / "zero.csv"))


def test_embeddings_that_do_not_fit(tmp_path, capsys):
    write_case(tmp_path)
    np.save(tmp_path / "short.npy", np.zeros((N - 1, 4), dtype=np.float32))
    assert "89 rows" in refusal(tmp_path, capsys, "--embeddings", str(tmp_path / "short.npy"))
    assert "cannot be read" in refusal(tmp_path, capsys, "--embeddings", str(tmp_path / "nothing.npy"))


def test_an_input_is_never_overwritten(tmp_path, capsys):
    write_case(tmp_path)
    (tmp_path / "shop.index.json").rename(tmp_path / "report.json")
    call = ["inspect", str(tmp_path / "report.json"), "--out", str(tmp_path / "report.html"), "--quiet"]
    kept = (tmp_path / "report.json").read_bytes()
    assert main(call) == 2 and "overwrite" in capsys.readouterr().err
    assert (tmp_path / "report.json").read_bytes() == kept and not (tmp_path / "report.html").exists()
    assert main([*call[:3], str(tmp_path / "report.pdf"), "--quiet"]) == 2


def test_ids_cannot_steer_the_terminal(tmp_path, capsys):
    (tmp_path / "shop.index.json").write_text(json.dumps({"a": [1, 2], "\x1b[2Jb": [-1, 2], "c": [2, 3]}))
    assert run(tmp_path) == 0
    said = capsys.readouterr().out
    assert "negative codes" in said and "\x1b" not in said


def test_umap_is_drawn_once_and_kept(tmp_path, monkeypatch, capsys):
    from gensar_lite.embed import cache
    from gensar_lite.view import projection

    drawn = []
    monkeypatch.setattr(cache, "default_folder", lambda: tmp_path / "kept")
    monkeypatch.setattr(projection, "project", lambda matrix, method: drawn.append(method) or matrix[:, :2] * 2)
    write_case(tmp_path)
    request = Request(tmp_path / "shop.index.json", embeddings=tmp_path / "vectors.npy", projection="umap")
    said = []
    first, second = inspect(request, said.append), inspect(request, said.append)
    assert drawn == ["umap"] and sum("UMAP" in line for line in said) == 1
    np.testing.assert_array_equal(first.points["by text"], second.points["by text"])


def test_embedding_rows_follow_the_items_file(tmp_path):
    """Items and embeddings shuffled alike give the same report as in order; by row number it would be another."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    plain, mixed = write_case(tmp_path / "a"), write_case(tmp_path / "b", np.random.default_rng(3).permutation(N))
    frames = []
    for folder in (plain, mixed):
        request = Request(folder / "shop.index.json", items=folder / "items.parquet", embeddings=folder / "vectors.npy")
        found = inspect(request)
        frames.append(found.diagnosis.frame)
        assert found.catalogue.titles[0] == HOSTILE
        assert "items.parquet" in dict(found.evidence)["embeddings"]
    pd.testing.assert_frame_equal(frames[0], frames[1], rtol=1e-4)
    taken = frames[0].query("measure == 'unexplained variance' and level == 1")["value"].iloc[0]
    assert taken < 0.6  # the first code is the cluster


def test_without_embeddings_words_stand_in_and_quantisation_is_not_judged(tmp_path):
    write_case(tmp_path)
    found = inspect(Request(tmp_path / "shop.index.json", items=tmp_path / "items.parquet"))
    assert "TF-IDF" in dict(found.evidence)["likeness of texts"]
    assert "quantisation" not in set(found.diagnosis.frame["group"])
    assert {"meaning", "collisions"} <= set(found.diagnosis.frame["group"])
    assert found.groups is not None and list(found.points) == ["by words"]


def test_words_alone_do_not_judge_single_levels(tmp_path):
    """Against TF-IDF the last levels of healthy identifiers may say nothing; that is shown, not held against them."""
    log = make_corner_shop(CornerShopSettings(items=320, users=60, seed=7)).log
    write_log(log, tmp_path / "log")
    rows = {key: [place % 16, place // 16] for place, key in enumerate(log.items["item_id"])}
    (tmp_path / "ids.json").write_text(json.dumps(rows), encoding="utf-8")
    np.save(tmp_path / "vectors.npy", np.random.default_rng(0).normal(size=(320, 6)))
    request = Request(tmp_path / "ids.json", log=str(tmp_path / "log"))
    frames = [
        inspect(each).diagnosis.frame for each in (request, replace(request, embeddings=tmp_path / "vectors.npy"))
    ]
    words, vectors = (frame[(frame["measure"] == "level above chance") & (frame["level"] == 1)] for frame in frames)
    assert words["verdict"].item() == "" and "not judged: neighbours are those by TF-IDF" in words["formula"].item()
    assert vectors["verdict"].item() == "bad"


def test_items_without_a_text_are_not_called_the_same(tmp_path):
    write_case(tmp_path)
    items = pd.read_parquet(tmp_path / "items.parquet")
    items.loc[items["item_id"].isin(["i3", "i4"]), "title"] = ""
    items.assign(categories="").to_parquet(tmp_path / "items.parquet")
    assert run(tmp_path, "--items", str(tmp_path / "items.parquet")) == 0
    listed = pd.read_csv(tmp_path / "report-affected.csv").set_index("item_id")["group"]
    assert listed["i3"] == listed["i4"] == "cause unknown"
    rows = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["measures"]
    told = {row["of"]: row["value"] for row in rows if row["measure"] == "items in groups"}
    assert told["same text"] == 0 and told["cause unknown"] == pytest.approx(2 / N)
    items.loc[:4, "title"] = ""
    items.assign(categories="").to_parquet(tmp_path / "items.parquet")
    assert run(tmp_path, "--items", str(tmp_path / "items.parquet")) == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "not known of 5 more items" in page and "nearly the same text as the others" not in page


def test_codes_alone_are_enough(tmp_path):
    write_case(tmp_path)
    found = inspect(Request(tmp_path / "shop.index.json"))
    assert not found.points and found.groups is None and found.catalogue.titles[7] == "i7"
    assert found.verdict == "bad" or found.verdict == "look"


def test_a_log_brings_clicks_targets_and_texts(tmp_path):
    log = make_corner_shop(CornerShopSettings(items=320, users=60, seed=7)).log
    write_log(log, tmp_path / "log")
    ids = log.items["item_id"].tolist()
    rows = {key: [place % 8, place % 5, place] for place, key in enumerate(reversed(ids))}
    (tmp_path / "ids.json").write_text(json.dumps(rows), encoding="utf-8")
    found = inspect(Request(tmp_path / "ids.json", log=str(tmp_path / "log")))
    assert "behaviour" in set(found.diagnosis.frame["group"])
    assert found.catalogue.titles[0] == log.items["title"].iloc[-1]  # joined by id, not by row
    clicks = np.asarray(found.catalogue.clicks)
    assert clicks.sum() > 0 and len(clicks) == 320
    targets = found.diagnosis.frame.query("measure == 'test targets with a shared identifier'")
    assert len(targets) == 1 and targets["value"].iloc[0] == 0


def test_ids_that_a_spreadsheet_would_compute(tmp_path):
    ids = ['=HYPERLINK("x")', "@sum", "-5", "+1+cmd|x", "plain"]
    rows = {key: [1, 1] for key in ids}
    (tmp_path / "shop.index.json").write_text(json.dumps(rows), encoding="utf-8")
    assert run(tmp_path) == 0
    for name in ("affected", "lookup"):
        listed = pd.read_csv(tmp_path / f"report-{name}.csv", dtype=str)["item_id"]
        assert set(listed) == {'\'=HYPERLINK("x")', "'@sum", "-5", "'+1+cmd|x", "plain"}


@pytest.mark.parametrize("out", ["report.pdf", "shop.index.html"])
def test_a_wrong_out_is_refused_before_anything_is_measured(tmp_path, capsys, monkeypatch, out):
    write_case(tmp_path)
    monkeypatch.setattr("gensar_lite.lab.inspection.inspect", lambda *given: pytest.fail("it was measured"))
    call = ["inspect", str(tmp_path / "shop.index.json"), "--out", str(tmp_path / out)]
    assert main(call) == 2
    assert ".html" in capsys.readouterr().err


def test_textual_identifiers(tmp_path):
    lines = [
        f"i{item} {('red', 'blue')[item % 2]} {('tent', 'lamp', 'mug')[item % 3]} w{item // 2}" for item in range(40)
    ]
    path = tmp_path / "words.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    out = tmp_path / "r.html"
    assert main(["inspect", str(path), "--out", str(out), "--quiet"]) == 0
    assert "up to 3 words" in out.read_text(encoding="utf-8")


@pytest.mark.skipif(not (SHARED / "identifiers").is_dir(), reason="the published identifier files are not here")
@pytest.mark.parametrize(
    ("name", "verdict"), [("scientific/rkmeans_native.index.json", "bad"), ("scientific/mql4grec.index.json", "bad")]
)
def test_published_sets(name, verdict):
    request = Request(SHARED / "identifiers" / name, items=SHARED / "data" / "amazon_scientific" / "items.parquet")
    found = inspect(request)
    assert found.verdict == verdict and dict(found.evidence)["texts"] == "items.parquet, 4,344 of 4,344 items"


def test_errors_of_joining_are_value_errors():
    assert issubclass(InspectionError, ValueError)  # the command line shows these in one line
