"""Linked views: every control over its whole range, clicks and lassos as a browser sends them, one selection."""

import json

import ipywidgets
import numpy as np
import pandas as pd
import pytest
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
from ipywidgets.widgets.widget import _remove_buffers
from jupyter_client.jsonutil import json_default

from gensar_lite.identify.diff import STATES, difference
from gensar_lite.identify.labels import UNKNOWN, collision_groups
from gensar_lite.identify.table import IdentifierTable
from gensar_lite.view.catalogue import Catalogue
from gensar_lite.view.selection import Selection
from gensar_lite.view.theme import description
from gensar_lite.view.widgets_codebooks import CodebookHealth, PrefixTree
from gensar_lite.view.widgets_compare import AlignmentHeat, IdentifierDiff, TradeoffSquare
from gensar_lite.view.widgets_identifiers import CollisionMap, IdentifierMap
from gensar_lite.view.widgets_linked import SelectionTable

SPACES = {"by text": POINTS, "by clicks": POINTS[::-1].copy()}
VECTORS = {"by text": POINTS + 1.0, "by clicks": POINTS[::-1] - 2.0}
NEAR = {"by text": NEAR_TEXT, "by clicks": NEAR_CLICKS}
HISTORY = pd.DataFrame(
    [
        {"epoch": epoch, "family": family, "level": level, "size": 4, "perplexity": 1.0 + epoch}
        for epoch in (0, 1, 2)
        for family, level in (("shared", 1), ("semantic", 1), ("semantic", 2), ("collaborative", 1))
    ]
)
AFTER = SEMANTIC.copy()
AFTER[1], AFTER[7] = (0, 1, 1), (1, 0, 0)


def groups_of(items: Catalogue):
    return lambda kind, depth: collision_groups(
        items.table.codes[kind], list(items.titles), POINTS[: items.n_items] + 10, None, depth
    )


class Views(dict):
    """Views of one catalogue on one selection, with everything the catalogue allows; each is made when asked for."""

    def __init__(self, items: Catalogue, selection: Selection):
        super().__init__()
        count, table = items.n_items, items.table
        near = {name: nearest[:count] if count > 1 else np.full((1, 2), -1) for name, nearest in NEAR.items()}
        later = IdentifierTable(
            "later",
            table.item_ids,
            {"semantic": AFTER[:count, : table.codes["semantic"].shape[1]]},
            {"semantic": (3, 3, 4)[: table.codes["semantic"].shape[1]]},
            1,
        )
        cut = {name: points[:count] for name, points in SPACES.items()}
        vectors = {name: own[:count] for name, own in VECTORS.items()}
        means = {"semantic": POINTS[:count] + 1.0}
        self.makers = {
            "map": lambda: IdentifierMap(items, cut, vectors, selection),
            "collisions": lambda: CollisionMap(items, groups_of(items), selection),
            "codebooks": lambda: CodebookHealth(items, {"itself": table}, HISTORY, means, selection),
            "tree": lambda: PrefixTree(items, selection),
            "diff": lambda: IdentifierDiff(items, {"semantic": difference(table, later, "semantic")}, selection),
            "heat": lambda: AlignmentHeat(items, table.codes, near, selection),
            "square": lambda: TradeoffSquare(items, table.codes, near, selection),
            "table": lambda: SelectionTable(items, selection),
        }

    def __missing__(self, name: str):
        self[name] = self.makers[name]()
        return self[name]

    def all(self) -> "Views":
        """The same, with none missing."""
        for name in self.makers:
            self[name]
        return self


@pytest.fixture
def selection():
    return Selection()


@pytest.fixture
def views(selection):
    return Views(catalogue(), selection)


def send(view, event: str, *points: tuple) -> None:
    """What the browser sends for a click or a lasso: (trace, place) or (trace, place, x, y) each."""
    whole = [(*point, None, None)[:4] for point in points]
    names = ("trace_indexes", "point_indexes", "xs", "ys")
    columns = {name: [point[column] for point in whole] for column, name in enumerate(names)}
    view.plot._js2py_pointsCallback = {
        "event_type": f"plotly_{event}",
        "points": columns,
        "selector": {"type": "lasso", "selector_state": {"xs": [0, 1], "ys": [0, 1]}} if event == "selected" else None,
        "device_state": None,
    }


def live_is_figure(view) -> None:
    """The live figure shows what the pure figure of the same state is."""
    figure = view.figure()
    live, pure = (json.loads(shown.to_json())["data"] for shown in (view.plot, figure))
    for shown, wanted in zip(live, pure, strict=True):
        shown.pop("uid", None)
        assert shown == wanted
    assert view.plot.layout.meta["description"] == description(figure)
    assert view.plot.layout.height == figure.layout.height
    state, *_ = _remove_buffers(view.plot.get_state())
    json.dumps(state, default=json_default, allow_nan=False)  # browsers read no NaN


def controls(view) -> list[ipywidgets.ValueWidget]:
    return [child for child in view.children[0].children if isinstance(child, ipywidgets.ValueWidget)]


def drive(control) -> list:
    """All values that a reader can give a control."""
    if isinstance(control, ipywidgets.IntSlider):
        return list(range(control.min, control.max + 1))
    if isinstance(control, ipywidgets.Text):
        return ["steel", "0-1", "i5", HOSTILE[0], "no such thing", "", "1-0-1"]
    return [value for _, value in control.options] if isinstance(control.options[0], tuple) else list(control.options)


def give(control, value) -> None:
    """As a reader does: where a menu has other entries by now, its first one leads back to those it had."""
    if isinstance(control, ipywidgets.Dropdown) and value not in control._options_values:
        control.index = 0
    control.value = value


@pytest.mark.parametrize("kind", ["map", "collisions", "codebooks", "tree", "diff", "heat", "square"])
@pytest.mark.parametrize("make", [catalogue, bare_catalogue, one_item], ids=["two kinds", "one kind, bare", "one item"])
def test_every_control_over_its_whole_range(make, kind):
    view = Views(make(), Selection())[kind]
    assert len(controls(view)) <= 3
    live_is_figure(view)
    for control in controls(view):
        assert control.description, "a control without a label"
        for value in drive(control):
            give(control, value)
            live_is_figure(view)
            assert view.below.value.startswith('<p role="note">') and "<details>" in view.below.value
            assert view.note.value and isinstance(view.twin(), pd.DataFrame)


# Something to pick in each view, by mouse and without one: (act, the items that are picked then).
GESTURES = {
    "map, lasso": (lambda views: send(views["map"], "selected", (0, 3), (0, 1)), (1, 3)),
    "map, lasso on the second": (lambda views: send(views["map"], "selected", (4, 7)), (7,)),
    "map, click": (lambda views: send(views["map"], "click", (4, 2)), (2,)),
    "map, search": (lambda views: setattr(views["map"].find, "value", "steel"), (3, 4)),
    "collisions, click": (lambda views: send(views["collisions"], "click", (6, 0)), (1, 2, 3)),
    "collisions, lasso": (lambda views: send(views["collisions"], "selected", (0, 0), (4, 0), (6, 0)), (1, 2, 3, 5, 6)),
    "collisions, menu": (lambda views: setattr(views["collisions"].group, "index", 1), (1, 2, 3)),
    "codebooks, click": (lambda views: send(views["codebooks"], "click", (0, [2, 0], 0, 2)), (3, 4)),
    "codebooks, menus": (lambda views: views["codebooks"].choose(0, 1), (4, 5, 6)),
    "tree, click on an item": (lambda views: send(views["tree"], "click", (0, 6)), (2,)),
    "tree, click on a prefix": (lambda views: send(views["tree"], "click", (0, 2)), (4, 5, 6)),
    "tree, menu": (lambda views: setattr(views["tree"].branch, "value", ("semantic", (0,))), (0, 1, 2, 3)),
    "diff, click on a bar": (lambda views: send(views["diff"], "click", (0, 0, "level<br>1", 1)), (7,)),
    "diff, click on a mark": (lambda views: send(views["diff"], "click", (2, 3, 2, 1)), (1,)),
    "diff, click on a field": (
        lambda views: send(views["diff"], "click", (4, [0, 1], "shared<br>after", "alone<br>before")),
        (4, 7),
    ),
    "diff, menu": (lambda views: setattr(views["diff"].pick_from, "value", STATES[2]), (0, 1)),
    "heat, click": (lambda views: send(views["heat"], "click", (0, [0, 0], "1", "semantic")), (4, 7)),
    "heat, menu": (lambda views: setattr(views["heat"].astray, "value", "by clicks"), (3, 7)),
    "square, click": (
        lambda views: send(views["square"], "click", (3, [1, 1], "by clicks: apart", "by text: apart")),
        (3, 7),
    ),
    "square, menu": (lambda views: setattr(views["square"].side, "value", 0), (1, 2, 5)),
    "table, search": (lambda views: setattr(views["table"].find, "value", "tent"), (5, 6)),
}


@pytest.mark.parametrize("gesture", GESTURES)
def test_what_is_picked_in_one_view_shows_in_all_the_others_and_in_the_table(views, selection, gesture):
    act, wanted = GESTURES[gesture]
    act(views.all())
    assert selection.items == wanted
    assert selection.source == type(views[gesture.partition(",")[0]]).__name__
    for name in set(views) - {"table"}:
        assert views[name].picked == list(wanted), name
        live_is_figure(views[name])
    assert list(views["map"].plot.data[0].selectedpoints) == list(wanted)
    rings = [len(trace.x) for trace in views["collisions"].plot.data][4::5]
    texts = [frozenset(own) for own in ((0, 1), (5, 6))]
    assert rings == [sum(bool(own & set(wanted)) for own in texts), int(bool({1, 2, 3} & set(wanted)))]
    assert len(views["codebooks"].plot.data[2].x) == sum(
        len(np.unique(codes)) for codes in (*SEMANTIC[list(wanted)].T, TABLE.codes["collaborative"][list(wanted), 1])
    )
    assert views["tree"].boxes["picked"].iloc[0] == len(set(wanted) & set(views["tree"].boxes["item"]))
    assert views["diff"].twin()["picked"].sum() == 2 * len(wanted)
    assert views["square"].counts()["picked"].sum() == len(wanted)
    known = np.isfinite(
        views["square"]._of_picked()
    ).all()  # items alone under their prefix have no room for neighbours
    assert len(views["square"].plot.data[2].x) == int(known)
    assert views["table"].frame.index.tolist() == list(wanted)
    assert f"{len(wanted)} picked" in views["table"].table.value


def test_a_double_click_and_the_button_pick_nothing_and_all_views_let_go(views, selection):
    send(views.all()["map"], "selected", (0, 3))
    send(views["map"], "deselect")
    assert selection.items == () and views["map"].plot.data[4].selectedpoints is None
    send(views["map"], "selected", (0, 3))
    views["table"].clear.click()
    assert selection.items == () and views["table"].frame.empty
    assert "Nothing is picked" in views["table"].table.value
    for name in set(views) - {"table"}:
        live_is_figure(views[name])


def test_menus_let_go_of_what_they_picked_when_something_is_picked_elsewhere(views, selection):
    menus = {
        "collisions": views["collisions"].group,
        "codebooks": views["codebooks"].code,
        "diff": views["diff"].pick_from,
        "heat": views["heat"].astray,
        "square": views["square"].side,
    }
    for name, menu in menus.items():
        menu.index = 1
        assert selection.items and menu.index == 1, name
        views["table"].find.value = name  # nothing is called so
        assert selection.items == () and menu.index == 0, name
        live_is_figure(views[name])


def test_an_empty_lasso_leaves_nothing_faded(views, selection):
    sent = []
    views["map"].plot.observe(lambda change: sent.append(change["new"]), "_py2js_restyle")
    send(views["map"], "selected")
    told = [message["restyle_data"] for message in sent if message]
    assert selection.items == ()
    assert told[-1] == {"selectedpoints": [None]}  # the browser is told, though nothing has changed here


def test_points_of_rings_and_lines_pick_nothing(views, selection):
    for name, trace in (
        ("map", 1),
        ("map", 9),
        ("collisions", 4),
        ("codebooks", 5),
        ("diff", 3),
        ("heat", 1),
        ("square", 2),
    ):
        send(views[name], "click", (trace, 0, 0, 0))
        assert selection.items == (), (name, trace)
    send(views["heat"], "click", (0, [2, 0], "1", "picked items"))
    assert selection.items == ()
    send(views["map"], "hover", (0, 0))
    assert selection.items == ()


def test_a_new_selection_takes_the_outline_of_an_old_lasso_away(views):
    lasso = {"type": "path", "path": "M0,0L1,0L1,1Z", "xref": "x", "yref": "y"}
    views["map"].plot.layout.selections = [lasso]
    send(views["map"], "selected", (0, 3))
    assert len(views["map"].plot.layout.selections) == 1  # its own stays
    views["table"].find.value = "tent"
    assert views["map"].plot.layout.selections == ()


def test_what_the_reader_did_in_the_browser_is_kept(views, selection):
    views["map"].plot.layout.xaxis.range = [0, 1]  # zoomed in
    selection.take([2], "test")
    assert tuple(views["map"].plot.layout.xaxis.range) == (0, 1)


def test_only_what_differs_is_sent(views, selection):
    sent = []
    views["map"].plot.observe(lambda change: sent.append(change["new"]), "_py2js_update")
    selection.take([2, 5], "test")
    (message,) = [one for one in sent if one]
    assert "text" not in message["style_data"] and "marker.color" not in message["style_data"]
    assert set(message["style_data"]) == {"selectedpoints", "x", "y", "showlegend"}
    assert set(message["layout_data"]) == {"meta"}


# ---------------------------------------------------------------- one by one


def test_the_map_rings_true_neighbours_of_a_single_item_and_says_how_many_the_map_kept(views, selection):
    view = views["map"]
    view.neighbours.value = 2
    selection.take([5], "test")
    unit = VECTORS["by text"] / np.linalg.norm(VECTORS["by text"], axis=1, keepdims=True)
    cosines = unit @ unit[5]
    best = [one for one in np.argsort(-cosines, kind="stable") if one != 5][:2]
    assert view.plot.data[2].x.tolist() == POINTS[best, 0].tolist()
    assert view.twin()["title"].tolist()[:2] == [TITLES[one] for one in best]
    assert "<b>Tent</b>: 2 nearest by text" in view.note.value
    selection.take([5, 6], "test")
    assert len(view.plot.data[2].x) == 0
    assert "Mean cosine" in view.note.value and view.twin().shape == (2, 3)
    view.neighbours.value = 0
    selection.take([5], "test")
    assert len(view.plot.data[2].x) == 0


def test_a_search_that_finds_nothing_says_so_as_text(views):
    views["map"].find.value = HOSTILE[2] + "zzz"
    assert "Nothing answers" in views["map"].note.value and "</script>" not in views["map"].note.value


def test_wrong_maps_are_refused():
    items = catalogue()
    for spaces, vectors, words in (
        ({}, {}, "at least one"),
        ({"a": POINTS[:3]}, {}, "for 8 items"),
        ({"a": POINTS}, {"b": POINTS}, "No map for"),
        ({"a": POINTS}, {"a": POINTS[:3]}, "3 rows for 8"),
    ):
        with pytest.raises(ValueError, match=words):
            IdentifierMap(items, spaces, vectors)


def test_collision_groups_follow_the_depth_and_are_asked_for_once(selection):
    asked = []

    def groups(kind, depth):
        asked.append((kind, depth))
        return groups_of(catalogue())(kind, depth)

    view = CollisionMap(catalogue(), groups, selection)
    for depth in (1, 3, 1, 2, 3):
        view.depth.value = depth
    # Click identifiers have two codes; at depth 3 they are shown whole.
    assert sorted(asked) == [(kind, depth) for kind in ("collaborative", "semantic") for depth in (1, 2)] + [
        ("semantic", 3)
    ]
    view.depth.value = 1
    assert [len(frame) for frame in view.groups.values()] == [2, 2]
    assert view.group.value == () and len(view.group.options) == 5


def test_every_mark_gives_its_own_group_at_every_depth_and_also_where_causes_are_unknown(selection):
    texts = ["" if item == 5 else title for item, title in enumerate(catalogue().titles)]

    def groups(kind, depth):
        return collision_groups(catalogue().table.codes[kind], texts, POINTS + 10, None, depth)

    view = CollisionMap(catalogue(), groups, selection)
    kinds = set()
    for depth in (3, 1, 2, 3, 1):
        view.depth.value = depth
        live_is_figure(view)
        picked = []
        for number, trace in enumerate(view.plot.data):
            for place in range(len(trace.y)):
                selection.take([], "test")
                send(view, "click", (number, place))
                if trace.customdata is None:
                    assert selection.items == ()
                    continue
                assert len(selection.items) == trace.customdata[place][0]
                kinds.add(trace.name)
                picked.append(selection.items)
        assert sorted(picked) == sorted(tuple(items) for frame in view.groups.values() for items in frame["items"])
    assert UNKNOWN in kinds and len(kinds) > 1


def test_members_stand_side_by_side_and_escaped(views, selection):
    selection.take([2], "test")
    note = views["collisions"].note.value
    assert "collaborative, 2 of 2 codes: 3 items named 0-1" in note
    assert note.count("<td>") == 3 * len(catalogue().frame([0]).columns)
    assert "&lt;/script&gt;" in note and "</script>" not in note
    selection.take([2, 6], "test")
    assert "2 groups hold picked items" in views["collisions"].note.value
    selection.take([4], "test")
    assert "No picked item" in views["collisions"].note.value


def test_exemplars_are_nearest_to_the_middle_of_their_code_or_most_clicked(views, selection):
    view = views["codebooks"]
    members = np.array([4, 5, 6])
    unit = (POINTS + 1.0)[members] / np.linalg.norm((POINTS + 1.0)[members], axis=1, keepdims=True)
    wanted = members[np.argsort(-(unit @ unit.mean(axis=0)), kind="stable")]
    assert view.exemplars(0, 1).tolist() == wanted.tolist()
    assert view.exemplars(0, 1, most=1).tolist() == wanted[:1].tolist()
    assert view.exemplars(3, 1).tolist() == [3, 2, 1]  # clicks: 3, 2, 1
    assert CodebookHealth(bare_catalogue()).exemplars(0, 0).tolist() == [0, 1, 2, 3]
    view.choose(3, 1)
    assert view.note.value.index("Steel Bottle") < view.note.value.index("&lt;/script") < view.note.value.index("$x$")
    view.choose(0, 17)  # beyond the level: let be
    assert view.level.value == 3


def test_codebooks_scrub_epochs_and_end_with_what_was_kept(views):
    view = views["codebooks"]
    stops = [text for text, _ in view.epoch.options]
    assert stops == ["0", "1", "2", "finished"] and view.epoch.label == "finished"
    finished = view.plot.data[4].y.tolist()
    view.epoch.value = 1
    assert view.plot.data[4].y.tolist() == [0.5, 0.5, 0.5] and view.plot.layout.shapes[0].x0 == 1
    view.epoch.value = -1
    assert view.plot.data[4].y.tolist() == finished
    assert len(controls(CodebookHealth(catalogue()))) == 2  # nothing to scrub without a history


def test_the_tree_goes_down_and_up_again_by_click_and_by_menu(views, selection):
    view = views["tree"]
    send(view, "click", (0, 1))
    assert view.branch.value == ("semantic", (0,)) and view.boxes["id"].iloc[0] == "0"
    assert ("semantic", (0, 1)) in [value for _, value in view.branch.options]
    send(view, "click", (0, 1))
    assert view.branch.value == ("semantic", (0, 1)) and selection.items == (0, 1, 2)
    send(view, "click", (0, 0))
    assert view.branch.value == ("semantic", (0,))
    send(view, "click", (0, 0))
    send(view, "click", (0, 0))  # the top of the tree goes nowhere
    assert view.branch.value == ("semantic", ())
    picked = selection.items
    view.branch.value = ("collaborative", ())
    assert selection.items == picked  # a whole tree picks nothing
    assert view.boxes["items"].iloc[0] == 8
    with pytest.raises(ValueError, match="in use"):
        PrefixTree(catalogue(), branch=("semantic", (2, 1)))


def test_a_tree_starts_at_a_branch_in_another_shape():
    view = PrefixTree(catalogue(), branch=("collaborative", (1,)), shape="sunburst")
    assert view.plot.data[0].type == "sunburst" and view.boxes["items"].iloc[0] == 3
    assert list(view.size.options) == ["items", "clicks"]
    bare = PrefixTree(bare_catalogue())
    assert list(bare.size.options) == ["items"] and list(bare.colour.options) == ["level", "picked"]
    assert "word" not in bare.twin() and "word" in view.twin()


def test_another_kind_has_its_own_movers(selection):
    changed = difference(TABLE, IdentifierTable("x", TABLE.item_ids, {"k": AFTER}, {"k": (3, 3, 4)}, 3), "semantic")
    same = difference(TABLE, TABLE, "collaborative")
    view = IdentifierDiff(catalogue(), {"semantic": changed, "collaborative": same}, selection)
    assert (view.level.max, view.level.value) == (3, 3)  # where most of them moved
    view.kind.value = "collaborative"
    live_is_figure(view)
    assert (view.level.max, view.level.value) == (2, 2)
    view.pick_from.value = "not at all"
    assert selection.items == tuple(range(8))
    with pytest.raises(ValueError, match="Nothing to compare"):
        IdentifierDiff(catalogue(), {})


def test_the_heat_map_picks_who_stands_apart_from_neighbours_or_category(views, selection):
    view = views["heat"]
    view.depth.value = 1
    assert view.astray_items("by text").tolist() == [4, 7]
    # Under first code 1 most are tents; the mug is none.
    assert view.astray_items("category level 2").tolist() == [3, 4]
    send(view, "click", (2, [1, 1], "2", "collaborative"))
    assert (view.scheme.value, view.depth.value) == ("collaborative", 2)
    assert selection.items == (4, 5, 7)
    assert "collaborative, 2 codes" in view.note.value and "(room - by lot)" in view.note.value
    shelves = AlignmentHeat(catalogue(), TABLE.codes, NEAR, categories=pd.DataFrame({"shelf": list("aaabbbcc")}))
    shelves.depth.value = 1
    assert shelves.astray_items("shelf").tolist() == [3, 6]  # among a, a, a, b and b, b, c
    given = view.frame.assign(value=0.5)
    assert np.asarray(AlignmentHeat(catalogue(), TABLE.codes, NEAR, frame=given).plot.data[0].z)[0, 0] == 0.5


def test_the_square_sorts_items_by_their_neighbours(views):
    view = views["square"]
    view.depth.value = 1
    # By text half or more for all but 4 and 7; by clicks for 1, 2, 3, 4, 5: nobody clicked 0 and 6, and 7 is alone.
    assert view.sides.tolist() == [1, 0, 0, 0, 2, 0, 1, 3]
    send(view, "click", (1, 1))
    assert (view.scheme.value, view.depth.value) == ("collaborative", 2)
    assert view.counts()["items"].sum() == 8
    with pytest.raises(ValueError, match="two spaces"):
        TradeoffSquare(catalogue(), TABLE.codes, {"by text": NEAR_TEXT})


def test_the_table_lists_fifty_escaped_and_counts_the_rest(selection):
    count = 60
    ids = np.array([f"x{place}" for place in range(count)], dtype=object)
    codes = np.arange(count)[:, None]
    table = IdentifierTable("many", ids, {"semantic": codes}, {"semantic": (count,)}, 1)
    view = SelectionTable(Catalogue(table, [HOSTILE[0]] * count), selection)
    selection.take(range(count), "test")
    assert "60 picked" in view.table.value and "and 10 more" in view.table.value
    assert view.table.value.count("<tr") == 51 and len(view.frame) == 60
    assert "<img" not in view.table.value and "&lt;img" in view.table.value
    selection.take([3, 400], "test")  # another catalogue's item is not this one's
    assert view.frame.index.tolist() == [3]


def test_hostile_texts_stay_text_in_every_note_menu_and_table(selection):
    titles = HOSTILE * 2 + HOSTILE[:2]
    items = Catalogue(TABLE, titles, [f"{text}, {text}" for text in titles], CLICKS)
    views = Views(items, selection).all()
    for picked in ((), (0,), (1, 2), range(8)):
        selection.take(picked, "test")
        for name, view in views.items():
            shown = [view.table.value] if name == "table" else [view.note.value, view.below.value]
            for html in shown:
                assert not any(tag in html for tag in ("<img", "</script", "<b>bold")), name
    # Menus show plain text, so nothing is escaped there; texts of strangers come one line each.
    assert all("\n" not in text for text, _ in views["tree"].branch.options)


# ---------------------------------------------------------------- the selection


def test_a_selection_is_ascending_and_knows_who_picked():
    selection, seen = Selection(), []
    selection.observe(lambda change: seen.append((change["new"], selection.source)), "items")
    selection.take(np.array([3, 1, 3], dtype=np.int32), "map")
    selection.take([1, 3], "table")  # the same items: nobody needs to hear of it
    selection.items = [9, 2]
    selection.clear("button")
    assert seen == [((1, 3), "map"), ((2, 9), "table"), ((), "button")]


@pytest.mark.parametrize("wrong", [[-1], [0.5], ["a"]])
def test_a_selection_holds_item_indices_only(wrong):
    selection = Selection()
    with pytest.raises(ValueError, match="item indices"):
        selection.take(wrong)
    assert selection.items == ()


def test_views_that_share_no_selection_do_not_follow_each_other():
    first, second = SelectionTable(catalogue()), SelectionTable(catalogue())
    first.find.value = "tent"
    assert len(first.frame) == 2 and second.frame.empty


def test_categories_of_the_test_data_are_paths():
    assert all(", " in path for path in CATEGORIES)
