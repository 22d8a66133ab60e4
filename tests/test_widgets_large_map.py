"""The map for a million items, on a few hundred: the same selection, search and colours as the small one."""

import numpy as np
import pytest
from identifier_data import HOSTILE

from gensar_lite.identify.table import IdentifierTable
from gensar_lite.view.catalogue import Catalogue
from gensar_lite.view.figures_map import COLOURS
from gensar_lite.view.selection import Selection
from gensar_lite.view.theme import GREY
from gensar_lite.view.widgets_large_map import LargeIdentifierMap
from gensar_lite.view.widgets_linked import SelectionTable

COUNT = 300


@pytest.fixture
def made():
    random = np.random.default_rng(0)
    codes = random.integers(0, 9, (COUNT, 2))
    ids = np.array([f"i{place}" for place in range(COUNT)], dtype=object)
    titles = [f"thing {place} {HOSTILE[place % 3]}" for place in range(COUNT)]
    table = IdentifierTable("made", ids, {"semantic": codes}, {"semantic": (9, 9)}, 2)
    catalogue = Catalogue(table, titles, [f"{HOSTILE[0]}, kind {place % 9}" for place in range(COUNT)])
    selection = Selection()
    spaces = {"by text": random.standard_normal((COUNT, 2)), HOSTILE[2]: random.standard_normal((COUNT, 2))}
    return LargeIdentifierMap(catalogue, spaces, selection), SelectionTable(catalogue, selection)


def held(scatter) -> list[int]:
    return sorted(np.asarray(scatter.widget.selection).tolist())


def test_a_lasso_on_one_map_picks_on_the_other_and_in_the_table(made):
    view, table = made
    first, second = view.scatters.values()
    first.widget.selection = np.array([7, 3, 250], dtype=np.uint32)
    assert view.selection.items == (3, 7, 250) and view.selection.source == "LargeIdentifierMap"
    assert held(second) == [3, 7, 250] == table.frame.index.tolist()
    assert "3 items are picked" in view.note.value
    table.clear.click()
    assert held(first) == held(second) == []
    assert "Nothing is picked" in view.note.value


def test_what_is_picked_elsewhere_or_by_words_shows_on_all_maps(made):
    view, table = made
    table.find.value = "i12"
    assert [held(scatter) for scatter in view.scatters.values()] == [[12], [12]]
    view.find.value = "thing 29"
    assert table.frame.index.tolist() == [29, 129, 229, *range(290, 300)]
    view.selection.take([5, COUNT + 1])
    assert [held(scatter) for scatter in view.scatters.values()] == [[5], [5]]


def test_every_colouring_reaches_every_point(made):
    view, _ = made
    looks = np.array([list(bytes.fromhex(colour[1:])) for colour in (*COLOURS, GREY)])
    for name in view.colour.options:
        view.colour.value = name
        for scatter in view.scatters.values():
            drawn = np.array(scatter.widget.color)[scatter.widget.points[:, 2].astype(int), :3]
            assert np.allclose(drawn * 255, looks[view.colouring.look], atol=0.5)
        assert "not distances or sizes" in view.below.value and f"{COUNT} items" in view.below.value
        assert not any(tag in view.below.value for tag in ("<img", "</script", "<b>bold"))


def test_maps_in_other_colours_keep_their_zoom_and_what_is_picked(made):
    view, table = made
    first = view.scatters["by text"].widget
    first.camera_view = zoomed = [float(place) for place in range(16)]
    view.selection.take([5, 6])
    view.colour.index = 1
    now = view.scatters["by text"]
    assert now.widget is not first and now.widget.camera_view == zoomed and held(now) == [5, 6]
    assert now.widget in view.children[2].children[0].children
    now.widget.selection = np.array([8], dtype=np.uint32)
    assert table.frame.index.tolist() == [8]


def test_a_map_of_another_catalogue_is_refused(made):
    view, _ = made
    with pytest.raises(ValueError, match="for 300 items"):
        LargeIdentifierMap(view.catalogue, {"a": np.zeros((3, 2))})
