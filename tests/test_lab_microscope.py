import numpy as np
import pandas as pd
import pytest
from generator_data import artefacts_of, model_of, packed

from gensar_lite.evaluate.microscope import CAUSES, FOUND, item_strata, where_lost
from gensar_lite.evaluate.replay import beam_recall, constraint_shift
from gensar_lite.generate.beam import prefix_scores
from gensar_lite.generate.decoding import Decoding
from gensar_lite.generate.trie import Trie
from gensar_lite.lab.microscope import Belief, Cases, beliefs, flattened, narrowed, telling_cases
from gensar_lite.log.split import Histories
from gensar_lite.view.figures_microscope import CAUSES as DRAWN
from gensar_lite.view.figures_microscope import case_figure
from gensar_lite.view.theme import description


def made():
    log, split, model = model_of(packed, beams=3)
    return artefacts_of(log, split, model)


def lost_of(artefacts, beams=1):
    model, strata = artefacts.model, item_strata(artefacts.log, artefacts.split)
    decoding = Decoding(beams=beams, history=model.history)
    return where_lost(model, artefacts.split.test, artefacts.log, Histories(artefacts.log), strata, decoding)


def test_a_choice_of_cases_holds_every_fate_there_is_and_no_more_than_asked_for():
    lost = lost_of(made())
    assert set(lost["lost"]) <= {*CAUSES, FOUND}
    chosen = telling_cases(lost, each=2)
    assert len(chosen) == lost.groupby(["task", "lost"]).size().clip(upper=2).sum()
    assert len(set(chosen)) == len(chosen)
    assert telling_cases(lost, each=2) == chosen
    for (_, _), part in lost.iloc[chosen].groupby(["task", "lost"]):
        others = lost[(lost["task"] == part["task"].iloc[0]) & (lost["lost"] == part["lost"].iloc[0])]
        assert part["exact_rank"].max() <= others["exact_rank"].nlargest(len(others) - len(part) + 1).min()


def test_cases_have_readable_names_and_are_drawn_under_any_beam():
    artefacts = made()
    lost = lost_of(artefacts)
    shown = Cases(artefacts.model, artefacts.log, artefacts.split.test, lost, beams=1)
    titles = artefacts.log.items["title"]
    told = {"pruned": "pruned by 1 beams: ", "model": "never likely: ", "found": "found by 1 beams: "}
    for place in telling_cases(lost, each=1):
        name, target = shown.name(place), titles.iloc[shown.cases["item"].iloc[place]]
        assert "shopper " in name and name.endswith(f"→ {target}")
        assert name.startswith(told.get(lost["lost"].iloc[place], ""))
        for beams in (1, 2, 30):
            look = shown.look(place, beams)
            assert look.items.loc[look.items["target"], "title"].tolist() == [target]
            assert target in description(case_figure(look.items, look.steps, beams, look.behaviour))
            assert look.steps["token"].str.fullmatch(r"<[MSR]\d_\d+>").all()


def test_the_figure_knows_every_cause():
    assert set(DRAWN) == set(CAUSES)


# One likely identifier under a first code of its own, and three that together weigh more under another.
ONE_AGAINST_MANY = Trie.build(np.array([[0, 0], [1, 1], [1, 2], [1, 3]]))


def belief_in(*leaves):
    scores = np.zeros((1, ONE_AGAINST_MANY.n_nodes), dtype=np.float32)
    scores[:, ONE_AGAINST_MANY.bounds[-2] :] = np.log(leaves)
    return Belief("R_I", scores, ONE_AGAINST_MANY)


def test_a_beam_of_one_loses_the_best_once_the_tail_beside_it_weighs_more():
    told = flattened([belief_in(0.7, 0.1, 0.1, 0.1)], temperatures=(1.0, 2.0), beams=1, k=1)
    learned = told[told["names"] == "learned"].set_index("temperature")
    roots = np.sqrt([0.7, 0.1, 0.1, 0.1])
    assert learned["held"].tolist() == pytest.approx([0.7, roots[0] / roots.sum()])
    assert roots[0] < roots[1:].sum()  # at T = 2 the first code of the three outweighs that of the best
    assert learned["recall"].tolist() == [1, 0]


def test_flattening_keeps_the_order_so_that_a_wide_beam_finds_all_and_only_thins_what_the_best_hold():
    artefacts = made()
    believed = beliefs(artefacts.model, artefacts.log, artefacts.split.test)
    assert {one.task for one in believed} == {"R_I", "S_I"}
    wide = flattened(believed, (1.0, 3.0), beams=10_000, k=3)
    assert (wide["recall"] == 1).all() and len(wide) == 2 * 2 * 2
    narrow = flattened(believed, (1.0, 3.0), beams=2, k=3)
    assert narrow["recall"].max() <= 2 / 3
    for _, part in narrow.groupby(["task", "names"]):
        assert part["held"].is_monotonic_decreasing
    pd.testing.assert_frame_equal(narrow, flattened(believed, (1.0, 3.0), beams=2, k=3))


def test_the_whole_catalogue_is_bent_as_measured_elsewhere_and_less_of_it_holds_less():
    artefacts = made()
    believed = beliefs(artefacts.model, artefacts.log, artefacts.split.test)
    told = narrowed(believed, shares=(1.0, 0.5, 0.1))
    assert set(told["lying"]) == {"at random", "side by side"}
    for (task, _), part in told.groupby(["task", "lying"]):
        whole = np.concatenate([constraint_shift(one.scores, one.trie) for one in believed if one.task == task])
        assert part["shift"].iloc[0] == pytest.approx(np.median(whole))
        assert part["inside"].is_monotonic_decreasing
        assert (part["shift"] >= 0).all()


def test_scores_of_a_part_are_those_that_its_own_trie_would_get():
    artefacts = made()
    cases = artefacts.split.test[artefacts.split.test["task"] == "R_I"]
    believed = beliefs(artefacts.model, artefacts.log, cases)
    (asked,) = artefacts.model.batches(cases, artefacts.log, Histories(artefacts.log))
    half = np.random.default_rng(0).permutation(np.unique(asked.trie.items))[: round(len(artefacts.log.items) / 2)]
    part = asked.trie.restricted_to(half)
    own = prefix_scores(asked.decoder, asked.prompts, part, asked.forced)
    told = narrowed(believed, shares=(0.5,), seed=0).query("lying == 'at random'")
    assert told["shift"].tolist() == pytest.approx([np.median(constraint_shift(own, part))], rel=1e-4)
    assert told["inside"].tolist() == pytest.approx([np.median(np.exp(own[:, part.bounds[-2] :]).sum(1))], rel=1e-4)
    assert beam_recall(own, part, 10_000, 3).min() == 1
