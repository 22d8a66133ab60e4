"""The live views of quantisation, driven through their whole range without a browser."""

import itertools

import ipywidgets
import numpy as np
import pytest

from gensar_lite.identify.table import IdentifierTable
from gensar_lite.lab.live_rq import LiveTraining
from gensar_lite.view.catalogue import Catalogue
from gensar_lite.view.figures_live import Recipe
from gensar_lite.view.figures_stepper import NOISES, Walks
from gensar_lite.view.selection import Selection
from gensar_lite.view.widgets_quantization import LiveRQ, ResidualStepper

N = 60
CLOUD = np.random.default_rng(0).standard_normal((N, 2)).astype(np.float32)
HOSTILE = "<script>alert(1)</script>"
ITEMS = np.arange(10, 50)  # the live training is shown some of the items only


@pytest.fixture(scope="module")
def catalogue():
    ids = np.array([f"i{row}" for row in range(N)], dtype=object)
    table = IdentifierTable("one", ids, {"semantic": np.zeros((N, 1), dtype=np.int64)}, {"semantic": (1,)}, 1)
    return Catalogue(table, [f"thing {row}" for row in range(N - 1)] + [HOSTILE])


@pytest.fixture
def stepper(catalogue):
    walks = Walks(CLOUD, (CLOUD[:5], 0.3 * CLOUD[5:10], 0.1 * CLOUD[10:15]))
    return ResidualStepper(catalogue, walks, item=4)


class Counted:
    """A real training that counts how often it was asked."""

    def __init__(self):
        self.training = LiveTraining(CLOUD[ITEMS], batch=20)
        self.starts = self.steps = 0

    def start(self, recipe):
        self.starts += 1
        return self.training.start(recipe)

    def step(self, state):
        self.steps += 1
        return self.training.step(state)


@pytest.fixture
def counted():
    return Counted()


@pytest.fixture
def live(catalogue, counted):
    return LiveRQ(catalogue, counted.start, counted.step, ITEMS, epochs=6, epoch=2, sizes=(4, 16, 64))


def click(widget, trace, place):
    """What the browser sends when a point is clicked."""
    drawn = widget.plot.data[trace]
    hit = {"trace_indexes": [trace], "point_indexes": [place], "xs": [drawn.x[place]], "ys": [drawn.y[place]]}
    widget.plot._js2py_pointsCallback = {"event_type": "plotly_click", "points": hit}


def controls(widget):
    """Every control with a value below a widget."""
    found = []
    for child in getattr(widget, "children", ()):
        plain = isinstance(child, ipywidgets.ValueWidget) and not isinstance(child, ipywidgets.HTML)
        found += [child] if plain else controls(child)
    return found


# ---------------------------------------------------------------- stepper


def test_every_step_and_every_noise_is_drawn(stepper):
    noises = [noise for _, noise in stepper.noise.options]
    for step, noise in [*itertools.product(range(4), (0.0, 0.5)), *((3, noise) for noise in noises)]:
        stepper.step.value, stepper.noise.value = step, noise
        assert len(stepper.plot.data[3].x) == step + 1
        assert stepper.plot.data[7].marker.opacity == (1.0,) * (step + 1) + (0.3,) * (3 - step)
        assert f"Step {step} of 3" in stepper.below.value and "<table" in stepper.below.value
        assert ("with noise" in stepper.note.value) is (noise > 0)
    assert tuple(noises) == NOISES


def test_at_the_start_the_whole_walk_is_shown(stepper):
    assert stepper.step.value == 3 and stepper.item == 4
    assert stepper.plot.data[6].x[0] == pytest.approx(CLOUD[4, 0])


def test_an_item_is_found_by_words_and_by_id_and_what_is_not_found_is_said(stepper):
    stepper.find.value = "THING 17"
    assert stepper.item == 17 and "thing 17" in stepper.note.value
    stepper.find.value = "i3"
    assert stepper.item == 3
    stepper.find.value = "nowhere <b>"
    assert stepper.item == 3 and "Nothing is found for “nowhere &lt;b&gt;”" in stepper.note.value
    stepper.find.value = "thing 5"
    assert stepper.item == 5 and "Nothing" not in stepper.note.value


def test_a_hostile_title_stays_text(stepper):
    stepper.find.value = "script"
    assert stepper.item == N - 1
    assert "<script" not in stepper.note.value + stepper.below.value
    assert "<script" not in str(stepper.plot.data) + str(stepper.plot.layout.annotations)


def test_a_click_picks_an_item_and_the_selection_is_followed(stepper):
    click(stepper, 1, 2)  # a code word, not an item
    assert stepper.selection.items == ()
    click(stepper, 0, 12)
    assert stepper.selection.items == (12,) and stepper.selection.source == "ResidualStepper"
    assert stepper.plot.data[6].x[0] == pytest.approx(CLOUD[12, 0])
    stepper.selection.take([30, 20], "elsewhere")
    assert stepper.item == 20
    stepper.selection.clear()
    assert stepper.item == 4
    stepper.selection.take([N + 5])  # an item of a larger catalogue
    assert stepper.item == 4


def test_vectors_that_do_not_fit_the_catalogue_are_refused(catalogue, stepper):
    with pytest.raises(ValueError, match="5 vectors and item 0 do not fit a catalogue of 60"):
        ResidualStepper(catalogue, Walks(CLOUD[:5], (CLOUD[:2],)))
    with pytest.raises(ValueError, match="item 60"):
        ResidualStepper(catalogue, stepper.walks, item=N)


# ---------------------------------------------------------------- live training


def test_at_the_start_the_collapse_is_seen(live):
    assert live.recipe == Recipe() and live.epoch.value == live.play.value == 2
    used = live.frames[-1].used[0]
    assert used < 12
    assert f"Dead codes: {16 - used} of 16 at level 1" in live.note.value
    assert f"dead codes, level 1: {16 - used}" in [trace.name for trace in live.plot.data]


def test_play_moves_the_slider_and_every_epoch_is_trained_once(live, counted):
    for epoch in range(live.play.max + 1):
        live.play.value = epoch
        assert live.epoch.value == epoch and live.frames[-1].epoch == epoch
        assert f"Epoch {epoch}" in live.note.value and f"Epoch {epoch} " in live.below.value
        assert list(live.plot.data[8].x) == list(range(epoch + 1))
    live.epoch.value = 1
    assert live.play.value == 1 and len(live.plot.data[8].x) == 2
    assert (counted.starts, counted.steps) == (1, 6)


def test_every_recipe_on_offer_is_trained_and_drawn(live, counted):
    first = ("uniform", 0.25, 16, 2, False)
    assert live.codes.options == (4, 16)  # a codebook of 64 is not on offer to 40 points
    wanted = [first, ("k-means", *first[1:]), (*first[:4], True)]
    wanted += [("uniform", alpha, 16, 2, False) for alpha in live.alpha.options]
    wanted += [("k-means", 0.25, *pair, True) for pair in itertools.product(live.codes.options, live.levels.options)]
    for start, alpha, size, levels, revive in wanted:
        live.initialise.value, live.alpha.value, live.codes.value = start, alpha, size
        live.levels.value, live.revive.value = levels, revive
        assert live.recipe == Recipe(start, alpha, size, levels, revive)
        frame = live.frames[-1]
        assert (frame.epoch, frame.codes.shape[1], len(frame.codebooks[0])) == (2, levels, size)
        heat = live.plot.data[-1]
        assert np.shape(heat.z) == (levels, size)
    before = counted.starts
    live.initialise.value, live.codes.value, live.levels.value, live.revive.value = "uniform", 16, 2, False
    assert live.recipe == Recipe() and live.frames[-1].epoch == 2
    assert live.plot.data[-1].z.shape == (2, 16)
    assert counted.starts <= before + 3  # the recipes in between; the first one was kept


def test_the_folded_box_holds_what_is_not_needed_at_first(live):
    assert set(controls(live.folded)) == {live.levels, live.revive}
    for wanted, display in ((True, ""), (False, "none")):
        live.more.value = wanted
        assert live.folded.layout.display == display
    playing = (live.play, live.epoch, live.more)
    open_ones = [each for each in controls(live) if each not in (live.levels, live.revive, *playing)]
    assert len(open_ones) <= 3


def test_a_click_picks_the_item_behind_the_point_and_the_selection_is_followed(live):
    click(live, 2, 5)
    assert live.selection.items == (15,) and live.selection.source == "LiveRQ"
    assert len(live.plot.data[7].x) == 5  # origin, two sums, the item, a gap
    live.selection.take([10, 11, 55], "elsewhere")  # the last one is not trained on
    assert len(live.plot.data[7].x) == 10
    live.selection.clear()
    assert len(live.plot.data[7].x) == 0


def test_one_selection_links_both_views(catalogue, counted, stepper):
    selection = Selection()
    live = LiveRQ(catalogue, counted.start, counted.step, ITEMS, selection, epochs=2, epoch=0)
    walk = ResidualStepper(catalogue, stepper.walks, selection=selection)
    click(live, 2, 0)
    assert walk.item == 10
    walk.find.value = "thing 33"
    assert len(live.plot.data[7].x) == 5


def test_every_control_has_a_label(live, stepper):
    for widget in (live, stepper):
        assert controls(widget)
        for control in controls(widget):
            assert control.description


def test_the_views_have_a_figure_for_where_no_kernel_runs(live, stepper):
    for widget in (live, stepper):
        assert widget.figure().layout.meta["description"] in widget.below.value.replace("&quot;", '"')
        assert len(widget.twin())
