"""The tree of a beam search: its data are the inputs, and hostile words stay text."""

import re

import pandas as pd
import pytest
from test_figures_flip import HOSTILE, read

from gensar_lite.view.figures_beam import Shares, beam_html, beam_sentence, card_html, shares

COLUMNS = ["step", "place", "parent", "prefix", "token", "probability", "fate", "items", "title", "forbidden"]


def beam(rows):
    return pd.DataFrame(rows, columns=COLUMNS)


STEPS = beam(
    [
        (1, 0, 0, "<M1_4>", "<M1_4>", 0.5, "kept", 9, "", 0.05),
        (1, 1, 0, HOSTILE, HOSTILE, 0.3, "kept", 2, "", 0.05),
        (1, 2, 0, "<M1_6>", "<M1_6>", 0.1, "pruned", 1, "", 0.05),
        (1, 3, 0, "<M1_9>", "<M1_9>", 0.04, "forbidden", 0, "", 0.05),
        (2, 0, 1, f"{HOSTILE} <S1_1>", "<S1_1>", 0.25, "kept", 1, HOSTILE, 0.2),
        (2, 1, 0, "<M1_4> <S1_2>", "<S1_2>", 0.2, "kept", 0, "", 0.2),
        (2, 2, 0, "<M1_4> <S1_3>", "<S1_3>", 0.0001, "pruned", 4, "", 0.2),
    ]
)


def nodes(page):
    return {attrs["data-pick"]: attrs for attrs in read(page).of("button", "gs-node")}


def curves(page):
    found = re.findall(r'<path d="M(\d+),([\d.]+) .*? (\d+),([\d.]+)" stroke="(.*?)"', page)
    return [(tuple(map(float, ends[:4])), ends[4]) for ends in found]


def middle(attrs):
    """Height of a prefix's middle, as the curves mean it (the box is 4 pixels lower than its row)."""
    top, height = (float(re.search(rf"{name}:([\d.]+)px", attrs["style"])[1]) for name in ("top", "height"))
    return top + (height + 4) / 2


# ---- where the probability went ----------------------------------------------------------------------------------


def test_shares_by_hand():
    first, second = shares(STEPS)
    assert first == pytest.approx(Shares(0.8, 0.15, 0.05, 0.0))
    assert second == pytest.approx(Shares(0.45, 0.15, 0.2, 0.2))
    assert sum(first) == sum(second) == pytest.approx(1)


def test_without_the_constraint_nothing_is_forbidden():
    first, second = shares(STEPS, constrained=False)
    assert first == pytest.approx(Shares(0.8, 0.2, 0.0, 0.0)) and second == pytest.approx(Shares(0.45, 0.35, 0.0, 0.2))


# ---- the tree ----------------------------------------------------------------------------------------------------


def test_every_prefix_is_a_button_with_its_fate_probability_and_items():
    found = nodes(beam_html(STEPS, "S_I"))
    assert set(found) == set(STEPS["prefix"])
    assert found["<M1_4>"]["aria-label"] == "<M1_4>, kept, 50.0%, 9 items"
    assert found["<M1_6>"]["aria-label"] == "<M1_6>, pruned, 10.0%, 1 item"
    assert found["<M1_9>"]["aria-label"] == "<M1_9>, forbidden, 4.0%, no item"
    assert found["<M1_4> <S1_3>"]["aria-label"] == "<S1_3>, pruned, < 0.1%, 4 items"
    kinds = {prefix: attrs["class"].split()[1:] for prefix, attrs in found.items()}
    assert kinds["<M1_4> <S1_2>"] == ["gs-is-kept", "gs-nothing"]  # an identifier of nothing
    assert kinds["<M1_4>"] == ["gs-is-kept"]


def test_hostile_tokens_and_titles_stay_text():
    page = read(beam_html(STEPS, "S_I", picked=HOSTILE))
    assert not page.of("script") and HOSTILE in page.text
    leaves = page.of("button", "gs-leaf")
    assert [attrs["title"] for attrs in leaves] == [HOSTILE, "names nothing"]


def test_every_prefix_grows_from_its_parent():
    page = beam_html(STEPS, "S_I")
    found = nodes(page)
    ends = {(start, end) for (_, start, _, end), _ in curves(page)}
    assert len(curves(page)) == len(STEPS)
    parents = {1: {}, 2: {0: "<M1_4>", 1: HOSTILE}}
    for row in STEPS[STEPS["step"] == 2].itertuples():
        parent = found[parents[2][row.parent]]
        assert (pytest.approx(middle(parent)), pytest.approx(middle(found[row.prefix]))) in [
            (start, end) for start, end in ends
        ]


def test_a_fate_has_its_own_band_at_the_same_height_in_every_step():
    found = nodes(beam_html(STEPS, "S_I"))
    tops = {prefix: float(re.search(r"top:([\d.]+)px", attrs["style"])[1]) for prefix, attrs in found.items()}
    assert tops["<M1_4>"] == tops[f"{HOSTILE} <S1_1>"] < tops[HOSTILE] < tops["<M1_6>"] < tops["<M1_9>"]
    assert tops["<M1_6>"] == tops["<M1_4> <S1_3>"]


def test_steps_are_drawn_up_to_one_and_nothing_jumps():
    longer = pd.concat([STEPS, STEPS[STEPS["step"] == 2].assign(place=[3, 4, 5], fate="kept", prefix=["x", "y", "z"])])
    whole, first = (nodes(beam_html(longer, "S_I", upto=upto)) for upto in (None, 1))
    assert set(first) == set(STEPS.loc[STEPS["step"] == 1, "prefix"])
    assert all(first[prefix]["style"] == whole[prefix]["style"] for prefix in first)
    page = read(beam_html(STEPS, "S_I", upto=1))
    assert not page.of("button", "gs-leaf") and "step 2" not in page.text


def test_the_picked_prefix_is_marked():
    found = nodes(beam_html(STEPS, "S_I", picked="<M1_6>"))
    assert [prefix for prefix, attrs in found.items() if "gs-picked" in attrs["class"]] == ["<M1_6>"]


def test_of_a_wide_beam_the_best_are_drawn_and_what_names_nothing_besides():
    rows = [(1, n, 0, f"<M1_{n}>", f"<M1_{n}>", 0.01, "kept", int(n != 25), "", 0.0) for n in range(30)]
    rows += [(1, n, 0, f"<M1_{n}>", f"<M1_{n}>", 0.01, "pruned", 1, "", 0.0) for n in range(30, 60)]
    found = nodes(beam_html(beam(rows), "R_I", most_kept=4, most_other=2))
    assert list(found) == ["<M1_0>", "<M1_1>", "<M1_2>", "<M1_3>", "<M1_25>", "<M1_30>", "<M1_31>"]
    assert "step 1: 30 kept" in beam_sentence(beam(rows))


@pytest.mark.parametrize(("behaviour", "colour"), [("S_I", "#0072B2"), ("R_I", "#E69F00"), (None, "#767676")])
def test_the_question_gives_the_colour(behaviour, colour):
    assert f"--gs-own:{colour}" in beam_html(STEPS, behaviour)


def test_without_the_constraint_the_sentence_says_when_nothing_was_gained_by_it():
    free = beam_sentence(STEPS, constrained=False)
    real = beam_sentence(STEPS[(STEPS["fate"] != "kept") | (STEPS["items"] > 0)], constrained=False)
    assert ("a wider beam" in real) and ("a wider beam" not in beam_sentence(STEPS))
    nothing = ((STEPS["fate"] == "kept") & (STEPS["items"] == 0)).any()
    assert ("a wider beam" in free) != nothing


def test_the_sentence_tells_every_step():
    told = beam_sentence(STEPS)
    assert "step 1: 2 kept with 80.0% of the probability, best <M1_4> with 50.0%; 15.0% pruned, 5.0% forbidden" in told
    assert "step 2: 2 kept with 45.0% of the probability, 1 of them begin no item's identifier" in told
    assert beam_sentence(beam([])) == "The beam is empty." and "empty" in beam_html(beam([]), None)


# ---- the card ----------------------------------------------------------------------------------------------------

ITEMS = pd.DataFrame(
    {
        "item_id": ["i1"],
        "title": [HOSTILE],
        "category": ["Home"],
        "description": [HOSTILE],
        "semantic": ["<M1_4> <S1_1>"],
    }
)


def test_a_leaf_has_the_card_of_its_item():
    page = read(card_html("<M1_4> <S1_1>", ITEMS, 1, "pruned"))
    assert not page.of("script") and page.text.count(HOSTILE) == 2
    for told in ("One item", "pruned with it", "Home", "semantic:", "item i1", "<S1_1>"):
        assert told in page.text


def test_a_prefix_of_many_shows_the_first_and_counts_the_rest():
    many = pd.concat([ITEMS] * 6)
    page = read(card_html("<M1_4>", many, 42, "kept"))
    assert "42 items" in page.text and "36 more" in page.text and page.text.count(HOSTILE) == 6


def test_what_names_nothing_says_so():
    assert "No item bears this name" in read(card_html("<M1_4>", ITEMS[:0], 0, "kept")).text
    assert "Click a prefix" in read(card_html("", ITEMS[:0], 0)).text
