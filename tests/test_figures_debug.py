"""Figures of the identifier debugger on eight items by hand: every number, every mark, and strangers kept out."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from identifier_data import (
    CATEGORIES,
    CLICKS,
    HOSTILE,
    NEAR_CLICKS,
    NEAR_TEXT,
    POINTS,
    SEMANTIC,
    TABLE,
    TITLES,
    bare_catalogue,
    catalogue,
    one_item,
)

from gensar_lite.identify.alignment import alignment
from gensar_lite.identify.diff import difference
from gensar_lite.identify.labels import UNKNOWN, collision_groups
from gensar_lite.identify.table import IdentifierTable
from gensar_lite.view import figures_compare, figures_debug, figures_map
from gensar_lite.view.catalogue import Catalogue
from gensar_lite.view.figures_identifiers import collision_map
from gensar_lite.view.theme import description

SPACES = {"by text": POINTS, "by clicks": POINTS[::-1]}


def traces(figure):
    return figure.to_plotly_json()["data"]


# ---------------------------------------------------------------- the catalogue


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", []),
        ("i3", [3]),
        ("steel", [3, 4]),
        ("  BOTTLE   steel ", [3]),
        ("0-1", [0, 1, 2, 3]),  # 0, 1, 2 by text and 1, 2, 3 by clicks
        ("0-1-2", [0, 1]),  # the click identifiers have two codes only
        ("20", [7]),  # no identifier begins so; a title holds it
        ("9" * 30, []),
        ("<img", [0]),
        ("$x$", [1]),
        ("nothing of that kind", []),
    ],
)
def test_a_reader_finds_items_by_id_words_or_codes(typed, found):
    assert catalogue().find(typed).tolist() == found


def test_what_is_known_about_items_stands_in_one_table():
    frame = catalogue().frame([6, 1])
    assert frame.index.tolist() == [6, 1] and frame.index.name == "item"
    assert frame["title"].tolist() == ["Tent", "$x$"]
    assert frame["semantic"].tolist() == ["1-0-1", "0-1-2"]
    assert frame["collaborative"].tolist() == ["1-2", "0-1"]
    assert frame["semantic group"].tolist() == ["2 items", "2 items"]
    assert frame["collaborative group"].tolist() == ["alone", "3 items"]
    assert frame["clicks"].tolist() == [0, 1]
    assert str(Catalogue(TABLE, TITLES, clicks=CLICKS.astype(float)).frame([3]).loc[3, "clicks"]) == "3"
    bare = bare_catalogue().frame([])
    assert list(bare.columns) == ["item_id", "title", "semantic", "semantic group"] and bare.empty


@pytest.mark.parametrize("wrong", [{"titles": TITLES[:3]}, {"categories": ["x"]}, {"clicks": np.arange(3)}])
def test_columns_of_another_catalogue_are_refused(wrong):
    columns = {"titles": TITLES, "categories": CATEGORIES, "clicks": CLICKS} | wrong
    with pytest.raises(ValueError, match="for 8 items"):
        Catalogue(TABLE, **columns)


# ---------------------------------------------------------------- maps


def test_the_most_frequent_values_get_looks_and_equals_keep_their_order():
    found = figures_map.most_frequent(
        ["b", "a", "c", "a", "b", *"defghij"], {**dict.fromkeys("bcdefghij", "?"), "a": "!"}
    )
    assert found.names[:3] == ("b · ? (2)", "a · ! (2)", "c · ? (1)")
    assert len(found.names) == 7
    assert found.look.tolist() == [0, 1, 2, 1, 0, 3, 4, 5, 6, 7, 7, 7]


def test_counts_are_coloured_by_steps():
    found = figures_map.in_steps(np.array([0, 1, 2, 5, 9]), [1, 2, 3, 6], "clicks", "none")
    assert found.look.tolist() == [7, 0, 1, 2, 3]
    assert found.names == ("1 clicks (1)", "2 clicks (1)", "3 to 5 clicks (1)", "6 or more clicks (1)")
    assert found.rest == "none"


def test_a_map_can_be_coloured_by_every_level_once():
    names = list(figures_map.colourings(catalogue()))
    assert names[:4] == [
        "shared: first code",
        "semantic: first 2 codes",
        "semantic: code 2 alone",
        "semantic: first 3 codes",
    ]
    assert names.count("shared: first code") == 1 and "collaborative: first 2 codes" in names
    assert names[-4:] == ["category", "clicks", "collisions, semantic", "collisions, collaborative"]
    bare = figures_map.colourings(bare_catalogue())
    assert list(bare)[0] == "semantic: first code" and list(bare)[-1] == "collisions, semantic"
    assert not {"category", "clicks"} & set(bare)
    alone = figures_map.colourings(catalogue())["collisions, collaborative"]
    assert alone.look.tolist() == [7, 1, 1, 1, 7, 7, 7, 7] and alone.rest == "alone"
    assert figures_map.colourings(catalogue())["shared: first code"].names[1] == "1 · Tent (3)"


@given(st.integers(1, 400), st.integers(50, 300))
def test_a_sample_is_a_sample_and_small_groups_stay_whole(n_items, most):
    look = np.zeros(n_items, dtype=np.uint8)
    look[::97] = 3
    drawn = figures_map.drawn_items(look, most)
    assert (np.diff(drawn) > 0).all() and drawn.min(initial=0) >= 0 and drawn.max(initial=0) < n_items
    if n_items <= most:
        assert len(drawn) == n_items
    else:
        assert len(drawn) <= most * 1.02 + 2
        assert (look[drawn] == 3).sum() >= min((look == 3).sum(), most // 100)


def test_a_map_shows_points_picked_items_and_true_neighbours_in_fixed_places():
    colouring = figures_map.colourings(catalogue())["shared: first code"]
    plain = figures_map.item_map(SPACES, colouring, TITLES)
    shown = figures_map.item_map(SPACES, colouring, TITLES, picked=[5], nearest={"by text": [6, 4], "by clicks": [4]})
    assert len(plain.data) == len(shown.data) == 2 * (1 + 1 + 2) + 8
    for place, points in ((0, POINTS), (4, POINTS[::-1])):
        assert shown.data[place].x.tolist() == points[:, 0].tolist()
        assert list(shown.data[place].selectedpoints) == [5] and plain.data[place].selectedpoints is None
        assert shown.data[place + 1].x.tolist() == [points[5, 0]]
        assert shown.data[place + 2].y.tolist() == points[[6, 4], 1].tolist()
        assert shown.data[place + 3].y.tolist() == points[[4], 1].tolist()
    assert shown.data[0].marker.color.tolist() == [0, 0, 0, 0, 1, 1, 1, 2]
    assert "not distances or sizes" in description(plain) and "original space" in description(plain)
    assert "1 picked" in description(shown)
    used = [trace.name for trace in plain.data[8:] if trace.showlegend]
    assert used == ["0 · Odd (4)", "1 · Tent (3)", "2 · Lamp (1)"]


def test_a_sampled_map_says_so_and_still_rings_what_is_picked():
    colouring = figures_map.colourings(catalogue())["shared: first code"]
    figure = figures_map.item_map({"a": POINTS}, colouring, TITLES, np.array([0, 4]), picked=[4, 5])
    assert description(figure).startswith("2 of 8 items, drawn by lot,")
    assert list(figure.data[0].selectedpoints) == [1]  # item 4 is the second that is drawn
    assert figure.data[1].x.tolist() == POINTS[[4, 5], 0].tolist()


def test_cosines_and_kept_neighbours_are_what_counting_gives():
    random = np.random.default_rng(3)
    matrix = random.standard_normal((20, 5))
    matrix[7] = 0  # an item that nobody clicked
    unit = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)
    items = [1, 4, 7, 9]
    pairs = [unit[a] @ unit[b] for a in items for b in items if a != b]
    everyone = [unit[a] @ unit[b] for a in range(20) for b in range(20) if a != b]
    found = figures_map.spread(matrix, items)
    assert found.among == pytest.approx(np.mean(pairs)) and found.anyone == pytest.approx(np.mean(everyone))
    assert np.isnan(figures_map.spread(matrix, [3]).among)
    line = np.array([[0.0, 0], [1, 0], [2, 0], [3, 0]])
    assert figures_map.kept_near(line, 0, [1, 3]) == 1  # 1 and 2 are nearest on the map
    assert figures_map.kept_near(line, 0, []) == 0


# ---------------------------------------------------------------- collisions


def groups(kind, depth):
    return collision_groups(TABLE.codes[kind], list(TITLES), POINTS + 10, None, depth)


def test_groups_with_picked_items_are_ringed():
    panels = {"semantic": groups("semantic", 3), "collaborative": groups("collaborative", 2)}
    assert [trace.x is not None and len(trace.x) for trace in collision_map(panels, TITLES).data][4::5] == [0, 0]
    figure = collision_map(panels, TITLES, [2, 6])
    rings = figure.data[4], figure.data[9]
    assert [len(ring.x) for ring in rings] == [1, 1]  # {5, 6} by text, {1, 2, 3} by clicks
    assert round(rings[1].y[0]) == 3
    empty = collision_map({"semantic": groups("semantic", 3).head(0)}, TITLES, [2])
    assert len(empty.data) == 5


# ---------------------------------------------------------------- codebooks


def test_levels_stand_once_where_they_are_shared():
    rows = figures_debug.level_rows(TABLE)
    assert [row.name for row in rows] == [
        "shared, level 1",
        "semantic, level 2",
        "semantic, level 3",
        "collaborative, level 2",
    ]
    assert rows[0].counts.tolist() == [4, 3, 1] and rows[3].counts.tolist() == [2, 3, 1, 1, 1]
    assert figures_debug.level_rows(TABLE, [4, 5])[0].counts.tolist() == [0, 2, 0]
    assert [row.name for row in figures_debug.level_rows(bare_catalogue().table)][0] == "semantic, level 1"


def test_use_of_a_level_by_hand():
    line = figures_debug.usage_frame(figures_debug.level_rows(TABLE)).iloc[0]
    share = np.array([4, 3, 1]) / 8
    perplexity = np.exp(-(share * np.log(share)).sum())
    assert (line["size"], line["used"], line["dead"]) == (3, 3, 0)
    assert line["perplexity"] == pytest.approx(perplexity) and line["evenness"] == pytest.approx(perplexity / 3)
    assert line["largest_share"] == 0.5


def history(counts=None):
    rows = [
        {"epoch": epoch, "family": family, "level": level, "size": 4, "perplexity": 1.0 + epoch}
        for epoch in (0, 1, 2)
        for family, levels in (("shared", 1), ("semantic", 2), ("collaborative", 1))
        for level in range(1, levels + 1)
    ]
    frame = pd.DataFrame(rows)
    return (
        frame if counts is None else frame.assign(counts=[counts[row] for row in zip(frame["family"], frame["level"])])
    )


def test_the_grid_says_how_many_items_a_code_has_beside_an_even_spread():
    rows = figures_debug.level_rows(TABLE)
    figure = figures_debug.codebook_health(rows, {"lots": figures_debug.usage_frame(rows)})
    grid = np.asarray(figure.data[0].z, dtype=float)
    assert grid.shape == (4, 5)
    assert grid[0].tolist()[:3] == [4 / 8 * 3, 3 / 8 * 3, 1 / 8 * 3] and np.isnan(grid[0, 3:]).all()
    assert np.asarray(figure.data[0].customdata, dtype=float)[3].tolist() == [2, 3, 1, 1, 1]
    # Codes 0 .. 3 of level 3 by text: 2, 3, 2, 1 of 8 items; level 2: 3, 4, 1. Nothing is dead.
    assert len(figure.data[1].x) == 0
    names = [trace.name for trace in figure.data]
    assert names[4:] == ["semantic", "collaborative", "control: lots"]
    assert "0 of 15" in description(figure)


def test_dead_codes_picked_codes_and_the_chosen_one_are_marked():
    codes = np.array([[0], [0], [3]])
    rows = figures_debug.level_rows(IdentifierTable("x", np.array(["a", "b", "c"]), {"k": codes}, {"k": (4,)}, 1))
    figure = figures_debug.codebook_health(rows, picked=[np.array([2, 0, 0, 1])], chosen=(0, 3))
    assert figure.data[1].x.tolist() == [1, 2]
    assert figure.data[2].x.tolist() == [0, 3] and figure.data[2].marker.size[0] > figure.data[2].marker.size[1]
    assert (figure.data[3].x.tolist(), figure.data[3].y.tolist()) == ([3], [0])
    assert len(figures_debug.codebook_health(rows).data) == len(figure.data)


def test_an_epoch_changes_the_profile_and_with_counts_the_grid():
    rows = figures_debug.level_rows(TABLE)
    figure = figures_debug.codebook_health(rows, history=history(), epoch=1)
    assert figure.data[4].y.tolist() == [0.5, 0.5, 0.5] and figure.data[5].y.tolist() == [0.5, 0.5]
    assert figure.layout.shapes[0].x0 == 1
    assert np.asarray(figure.data[0].customdata, dtype=float)[0, 0] == 4
    counts = {
        ("shared", 1): [7, 1, 0],
        ("semantic", 1): [8, 0, 0],
        ("semantic", 2): [2] * 4,
        ("collaborative", 1): [1] * 5,
    }
    told = figures_debug.codebook_health(rows, history=history(counts), epoch=1)
    assert np.asarray(told.data[0].customdata, dtype=float)[0, :3].tolist() == [7, 1, 0]
    assert len(told.data) == len(figures_debug.codebook_health(rows, history=history()).data)
    assert "epoch 1" in description(figure)


def test_a_single_views_levels_are_one_family_whatever_its_name():
    rows = figures_debug.level_rows(bare_catalogue().table)
    frame = history()[lambda table: table["family"] == "semantic"].assign(family="shared")
    figure = figures_debug.codebook_health(rows, history=frame, epoch=2)
    assert figure.data[4].y.tolist() == [0.75, 0.75]


# ---------------------------------------------------------------- the tree


def test_boxes_add_up_and_name_what_most_of_their_items_are():
    boxes = figures_debug.prefix_boxes(catalogue(), "semantic", (), [0, 6]).set_index("id")
    root = boxes.loc["all items"]
    assert (root["items"], root["clicks"], root["picked"], root["parent"]) == (8, 41, 2, "")
    below = boxes[boxes["parent"] == "all items"]
    assert below["items"].to_dict() == {"0": 4, "1": 3, "2": 1}
    assert below["picked"].to_dict() == {"0": 1, "1": 1, "2": 0}
    assert below["clicks"].to_dict() == {"0": 6, "1": 30, "2": 5}
    assert boxes.loc["1", "text"] == "1 · Tent" and boxes.loc["1", "share"] == pytest.approx(2 / 3)
    leaves = boxes[boxes["item"] >= 0]
    assert leaves.loc["item 3", ["parent", "text", "clicks", "picked"]].tolist() == ["0", "Steel Bottle", 3, 0]
    for parent, size in leaves.groupby("parent")["items"].sum().items():
        assert boxes.loc[parent, "items"] == size


def test_a_branch_has_its_own_root_and_the_last_code_hangs_items():
    boxes = figures_debug.prefix_boxes(catalogue(), "semantic", (0,))
    assert boxes["id"].tolist()[:3] == ["0", "0-1", "0-2"] and boxes["parent"].tolist()[:3] == ["", "0", "0"]
    whole = figures_debug.prefix_boxes(catalogue(), "semantic", (0, 1, 2))
    assert whole["id"].tolist() == ["0-1-2", "item 0", "item 1"]
    assert figures_debug.prefix_boxes(one_item(), "semantic")["id"].tolist() == ["all items", "0", "item 0"]


def test_too_many_items_get_no_boxes_of_their_own():
    boxes = figures_debug.prefix_boxes(catalogue(), "semantic", (), leaves=7)
    assert (boxes["item"] < 0).all() and len(boxes) == 4
    assert "too many items" in description(figures_debug.prefix_tree(boxes))
    # Below a whole identifier there is nothing else to show.
    assert (figures_debug.prefix_boxes(catalogue(), "semantic", (0, 1, 2), leaves=0)["item"] >= 0).any()


def test_a_prefix_that_nobody_has_is_refused():
    with pytest.raises(ValueError, match="Choose a prefix that is in use"):
        figures_debug.prefix_boxes(catalogue(), "semantic", (2, 0))


@pytest.mark.parametrize("shape", ["icicle", "sunburst"])
@pytest.mark.parametrize("size", ["items", "clicks"])
@pytest.mark.parametrize("colour", ["level", "agreement", "picked"])
def test_a_tree_by_items_or_clicks_in_every_colour(shape, size, colour):
    boxes = figures_debug.prefix_boxes(catalogue(), "semantic", (), [0, 6])
    (trace,) = figures_debug.prefix_tree(boxes, size, colour, shape).data
    assert trace.type == shape and trace.ids.tolist() == boxes["id"].tolist()
    assert list(trace.values) == boxes[size].tolist()
    thick = [box for box, width in zip(trace.ids, trace.marker.line.width) if width > 1]
    assert thick == ["all items", "0", "1", "item 0", "item 6"]
    shares = {"agreement": boxes["share"], "picked": boxes["picked"] / boxes["items"]}
    if colour in shares:
        assert list(trace.marker.colors) == shares[colour].tolist()


def test_where_nothing_was_clicked_boxes_go_by_items():
    boxes = figures_debug.prefix_boxes(bare_catalogue(), "semantic")
    assert list(figures_debug.prefix_tree(boxes, "clicks").data[0].values) == boxes["items"].tolist()
    assert boxes["text"].tolist()[1] == "0"  # no category, so no word


# ---------------------------------------------------------------- comparisons


def changed():
    after = SEMANTIC.copy()
    after[1], after[7] = (0, 1, 1), (1, 0, 0)
    return difference(
        TABLE, IdentifierTable("x", TABLE.item_ids, {"semantic": after}, {"semantic": (3, 3, 4)}, 3), "semantic"
    )


def test_movers_by_level_code_to_code_and_the_square_of_collisions():
    found = changed()
    counted = figures_compare.part_counts(found, [7, 0])
    assert counted["parts"].tolist() == ["1", "2", "3", "not at all"]
    assert counted["items"].tolist() == [1, 0, 1, 6] and counted["picked"].tolist() == [1, 0, 0, 1]
    figure = figures_compare.identifier_diff(found, level=1, picked=[7, 0])
    assert figure.data[0].y.tolist() == [1, 0, 1, 6]
    assert list(figure.data[0].x) == ["level<br>1", "level<br>2", "level<br>3", "not<br>at all"]
    flow = {(x, y): size for x, y, size in zip(figure.data[2].x, figure.data[2].y, figure.data[2].customdata)}
    assert flow == {(0, 0): 4, (1, 1): 3, (2, 1): 1}
    assert list(zip(figure.data[3].x, figure.data[3].y)) == [(0, 0), (2, 1)]
    # Alone before: 2 stay alone, 2 entered a collision; shared before: 2 left one, 2 stayed.
    assert np.asarray(figure.data[4].z).tolist() == [[0.25, 0.25], [0.25, 0.25]]
    assert "1 picked" in figure.data[4].text[0][1] and "new<br>collision" in figure.data[4].text[0][1]
    assert "2 of 8 semantic identifiers differ" in description(figure)
    assert len(figures_compare.identifier_diff(found, level=3).data) == 5


def aligned():
    codes = {"semantic": TABLE.codes["semantic"], "collaborative": TABLE.codes["collaborative"]}
    return alignment(codes, {"by text": NEAR_TEXT, "by clicks": NEAR_CLICKS}, pd.DataFrame({"category": CATEGORIES}))


def test_the_heat_map_has_a_panel_per_yardstick_and_a_row_for_what_is_picked():
    frame = aligned()
    plain = figures_compare.alignment_heat(frame)
    figure = figures_compare.alignment_heat(frame, ("semantic", 2), {"by text": [0.5, 0.25, 0.125]})
    assert len(plain.data) == len(figure.data) == 2 * 3
    by_text, by_clicks = (np.asarray(figure.data[place].z, dtype=float) for place in (0, 2))
    assert by_text[2].tolist() == [0.5, 0.25, 0.125] and np.isnan(by_clicks[2]).all()
    assert np.isnan(by_text[1, 2])  # click identifiers have two codes
    row = frame[(frame["identifiers"] == "semantic") & (frame["against"] == "by text") & (frame["depth"] == 1)].iloc[0]
    assert by_text[0, 0] == pytest.approx(row["value"])
    assert list(figure.data[1].x) == [2] and list(figure.data[1].y) == ["semantic"]
    assert "0 is chance" in description(figure)


def test_a_formula_shows_its_numbers():
    told = figures_compare.alignment_formula(aligned(), "semantic", 1, "by text")
    # 5.5 of 8 items' neighbours share the first code; by lot 18 / 56; item 7 alone has no room.
    assert told == "by text: (0.688 - 0.3214) / (0.875 - 0.3214) = 0.661; lift 0.688 / 0.3214 = 2.1"
    assert "adjusted mutual information" in figures_compare.alignment_formula(aligned(), "semantic", 1, "category")
    assert "has no 3 codes" in figures_compare.alignment_formula(aligned(), "collaborative", 3, "by text")
    alone = alignment({"own": np.arange(8)[:, None]}, {"by text": NEAR_TEXT})
    assert "no room" in figures_compare.alignment_formula(alone, "own", 1, "by text")


def test_the_square_counts_with_whom_items_stand():
    sides = figures_compare.side_counts(np.array([0, 0, 1, 2, 3, 3]), [1, 4])
    assert sides["items"].tolist() == [2, 1, 1, 2] and sides["picked"].tolist() == [1, 0, 0, 1]
    figure = figures_compare.alignment_square(aligned(), ("by text", "by clicks"), ("semantic", 2), sides, (0.4, 0.6))
    paths, star, square = figure.data[:2], figure.data[2], figure.data[3]
    assert [path.name for path in paths] == ["semantic", "collaborative"]
    assert [len(path.x) for path in paths] == [3, 2]
    assert (star.x[0], star.y[0]) == (0.4, 0.6)
    assert square.text[0][0].startswith("2<br>(1 picked)") and square.text[1][1].startswith("2<br>(1 picked)")
    assert list(square.y) == ["by text: near", "by text: apart"] and list(square.x)[0] == "by clicks: near"
    unknown = figures_compare.alignment_square(
        aligned(), ("by text", "by clicks"), ("semantic", 2), sides, (np.nan, 0.6)
    )
    assert len(unknown.data[2].x) == 0
    assert "2 stand with most of their neighbours of both kinds" in description(figure)


# ---------------------------------------------------------------- strangers


def every_figure():
    hostile = dict.fromkeys(HOSTILE, TABLE.codes["semantic"])
    frame = alignment(hostile, {HOSTILE[0]: NEAR_TEXT, HOSTILE[1]: NEAR_CLICKS})
    named = Catalogue(
        TABLE, HOSTILE * 2 + HOSTILE[:2], [f"{text}, {text}" for text in HOSTILE * 2 + HOSTILE[:2]], CLICKS
    )
    for colouring in figures_map.colourings(named).values():
        yield figures_map.item_map({HOSTILE[0]: POINTS}, colouring, named.titles, picked=[0], nearest={HOSTILE[0]: [1]})
    yield figures_debug.codebook_health(figures_debug.level_rows(TABLE), {HOSTILE[0]: figures_debug.usage_frame([])})
    for colour in ("level", "agreement", "picked"):
        yield figures_debug.prefix_tree(figures_debug.prefix_boxes(named, "semantic"), "items", colour)
    yield figures_compare.identifier_diff(changed())
    yield figures_compare.alignment_heat(frame, (HOSTILE[0], 1))
    sides = figures_compare.side_counts(np.zeros(8, dtype=int))
    yield figures_compare.alignment_square(frame, HOSTILE[:2], (HOSTILE[0], 1), sides)
    yield collision_map({HOSTILE[0]: groups("semantic", 3)}, named.titles)


@pytest.mark.parametrize("figure", list(every_figure()))
def test_texts_of_strangers_stay_text_and_every_figure_has_its_sentence(figure):
    shown = figure.to_plotly_json()
    meta = shown["layout"].pop("meta")
    assert meta["description"].strip()
    text = json.dumps(shown, default=str)
    for tag in ("<img", "</script", "<b>bold", "$x$"):
        assert tag not in text


def test_codebooks_too_large_to_be_shown_one_by_one_are_refused():
    rows = [figures_debug.LevelRow("semantic", 1, "semantic", np.ones(figures_debug.MOST_CODES + 1, dtype=int))]
    with pytest.raises(ValueError, match="usage_frame"):
        figures_debug.codebook_health(rows)


def test_groups_of_unknown_cause_are_drawn_and_told_where_there_are_any():
    known = groups("semantic", 3)
    unknown = known.assign(kind=UNKNOWN, least_cosine=np.nan)
    figure = collision_map({"one": known, "two": unknown}, TITLES)
    drawn = [trace for trace in figure.data if trace.name == UNKNOWN]
    assert [len(trace.y) for trace in drawn] == [0, len(unknown)] and drawn[0].showlegend
    assert np.isfinite(np.array(drawn[1].x, dtype=float)).all()
    assert drawn[1].customdata[:, 1:].tolist() == [[1, row] for row in range(len(unknown))]
    assert f"{len(unknown)} {UNKNOWN}" in description(figure)
    plain = collision_map({"one": known}, TITLES)
    assert UNKNOWN not in description(plain)
    assert not any(trace.showlegend for trace in plain.data if trace.name == UNKNOWN)
