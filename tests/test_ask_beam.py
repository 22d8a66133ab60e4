"""Beams as tables, held against the model's own answers and against the identifier table."""

import numpy as np
import pytest
from generator_data import artefacts_of, model_of, packed
from test_ask import HISTORY

from gensar_lite.generate.model import QuestionError
from gensar_lite.lab import ask, ask_beam
from gensar_lite.log.schema import RECOMMENDATION, SEARCH
from gensar_lite.view.figures_beam import shares
from gensar_lite.view.figures_flip import Asked, Side


@pytest.fixture(scope="module")
def world():
    return model_of(packed, seed=1, unique=True)


@pytest.fixture(scope="module")
def made(world):
    return artefacts_of(*world)


@pytest.fixture(scope="module")
def model(world):
    return world[2]


def test_a_trace_ends_in_the_beams_answer_and_tells_where_an_identifier_was_lost(model):
    prompt = ask.question(HISTORY, SEARCH, "thing 7")
    beam = ask_beam.trace(model, prompt, beams=3)
    last = beam[(beam["step"] == 4) & beam["kept"]]
    found = ask_beam.found(model, prompt, 3)
    names = [" ".join(row) for row in model.table.tokens("semantic")]
    assert last["prefix"].tolist() == [names[item] for item in found]
    assert last["probability"].tolist() == pytest.approx(np.exp(last["log_prob"]).tolist())
    kept = {step: set(rows["prefix"]) for step, rows in beam[beam["kept"]].groupby("step")}
    for item, name in enumerate(names):
        lost = ask_beam.lost_at(beam, name)
        assert (lost is None) == (item in found)
        if lost:
            tokens = name.split()
            assert " ".join(tokens[:lost]) not in kept[lost]
            assert lost == 1 or " ".join(tokens[: lost - 1]) in kept[lost - 1]
    free = ask_beam.trace(model, prompt, beams=3, constrained=False)
    assert (free.loc[free["step"] == 4, "items"] == 0).any()


@pytest.mark.parametrize("behaviour", [RECOMMENDATION, SEARCH, None])
def test_every_fate_is_told_and_the_probability_adds_up(model, behaviour):
    beam = ask_beam.trace(model, ask.question(HISTORY, behaviour, "thing 7"), beams=2, others=4)
    assert set(beam["fate"]) == {"kept", "pruned", "forbidden"}
    assert (beam["kept"] == (beam["fate"] == "kept")).all()
    assert ((beam["items"] == 0) == (beam["fate"] == "forbidden")).all()
    for _, step in beam.groupby("step"):
        assert step["place"].tolist() == list(range(len(step)))
        assert (step["fate"] == "kept").sum() <= 2 and (step["fate"] == "forbidden").sum() <= 4
        for _, part in step.groupby("fate"):
            assert part["log_prob"].is_monotonic_decreasing
    for share in shares(beam):
        assert sum(share) == pytest.approx(1, abs=1e-6) and min(share) >= -1e-6


def test_the_last_step_names_the_items(model):
    beam = ask_beam.trace(model, ask.question(HISTORY, SEARCH, "thing 7"), beams=3)
    names = {" ".join(row): title for row, title in zip(model.table.tokens("semantic"), model.items["title"])}
    last = beam[beam["step"] == 4]
    assert last["title"].tolist() == [names.get(prefix, "") for prefix in last["prefix"]]
    assert (beam.loc[beam["step"] < 4, "title"] == "").all()


def test_a_question_of_the_flip_is_traced_as_it_is_asked(model):
    crossed = Asked(HISTORY, Side(RECOMMENDATION, "S_I"), "thing 7")
    beam = ask_beam.trace_asked(model, crossed, 3, True)
    expected = ask_beam.trace(model, ask.asked(HISTORY, crossed.side, "thing 7"), 3)
    assert beam.equals(expected) and {name.split()[-1][1] for name in beam.loc[beam["step"] == 4, "prefix"]} <= {
        "R",
        "S",
    }


@pytest.mark.parametrize("behaviour", [RECOMMENDATION, SEARCH, None])
def test_a_prefix_counts_the_items_that_its_card_shows(model, made, behaviour):
    """Without a token both identifiers of an item may be said; it is one item all the same."""
    beam = ask_beam.trace(model, ask.question(HISTORY, behaviour, "thing 7"), beams=6)
    told = beam[beam["fate"] == "kept"]
    assert told["items"].tolist() == [ask_beam.below(made, prefix).total for prefix in told["prefix"]]


def test_an_impossible_question_is_refused(model):
    with pytest.raises(QuestionError):
        ask_beam.trace(model, ask.question(HISTORY, SEARCH, "?!"), beams=3)


@pytest.mark.parametrize("kind", ["semantic", "collaborative"])
@pytest.mark.parametrize("length", [1, 2, 4])
def test_below_a_prefix_stand_the_items_that_begin_with_it(made, kind, length):
    prefix = " ".join(made.table.tokens(kind)[5, :length])
    expected = [
        item
        for item in range(made.table.n_items)
        if any(f"{' '.join(made.table.tokens(other)[item])} ".startswith(f"{prefix} ") for other in made.table.kinds)
    ]
    items, total = ask_beam.below(made, prefix, most=3)
    assert 5 in expected and total == len(expected)
    assert items.index.tolist() == expected[:3]
    assert items["title"].tolist() == [made.log.items["title"][item] for item in expected[:3]]
    assert items[kind].tolist() == [" ".join(made.table.tokens(kind)[item]) for item in expected[:3]]


@pytest.mark.parametrize("prefix", ["", "<M1_999>", "nonsense", "<S1_0>", "a b c d e f"])
def test_below_what_no_identifier_begins_with_stands_nothing(made, prefix):
    items, total = ask_beam.below(made, prefix)
    assert total == 0 and len(items) == 0
