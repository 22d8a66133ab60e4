from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from decoder_mocks import TableDecoder
from evaluate_data import log_of
from generator_data import model_of, packed, text

from gensar_lite.evaluate.agreement import rank_biased_overlap
from gensar_lite.evaluate.microscope import (
    causes,
    funnel,
    item_strata,
    lens,
    recall_by_width,
    where_lost,
)
from gensar_lite.evaluate.spelling import decoder_frame
from gensar_lite.generate.beam import DecodingError
from gensar_lite.generate.model import GenSAR
from gensar_lite.generate.tasks import prompts_for
from gensar_lite.generate.trace import next_token_log_probs
from gensar_lite.generate.vocabulary import TableShape, Vocabulary
from gensar_lite.identify.table import COLLABORATIVE, SEMANTIC, IdentifierTable
from gensar_lite.log.schema import RECOMMENDATION, SEARCH
from gensar_lite.log.split import Histories, leave_one_out

# Two levels, codes A and B first. Items 0 … 3 are (A, 0) … (A, 3); items 4 and 6 share (B, 0); item 5 is (B, 1).
CODES = np.array([[0, 0], [0, 1], [0, 2], [0, 3], [1, 0], [1, 1], [1, 0]])
TABLE = IdentifierTable(
    "by hand",
    np.array([str(item) for item in range(7)], dtype=object),
    {SEMANTIC: CODES, COLLABORATIVE: CODES},
    {SEMANTIC: (2, 4), COLLABORATIVE: (2, 4)},
    2,
)
VOCABULARY = Vocabulary(["lamp"], TableShape.of(TABLE))
STRATUM = np.array(["head", "head", "middle", "middle", "tail", "cold", "tail"], dtype=object)


def planted(prompt, prefix):
    """A .6 over four codes of .25, B .4 of which code 0 has .9; whoever has read of item 5 is sure of (B, 1)."""
    knows = any(action.item == 5 for action in prompt.history)
    first = [0.02, 0.98] if knows else [0.6, 0.4]
    below_b = [0.01, 0.97, 0.01, 0.01] if knows else [0.9, 0.1, 0, 0]
    told = np.zeros(len(VOCABULARY))
    start = [VOCABULARY.segment(SEMANTIC, level).start for level in range(2)]
    if not prefix:
        told[start[0] : start[0] + 2] = first
    else:
        told[start[1] : start[1] + 4] = below_b if prefix[0] == start[0] + 1 else [0.25] * 4
    with np.errstate(divide="ignore"):
        return np.log(told)


class Planted(TableDecoder):
    """The table under prompts as a model sees them."""

    def __init__(self):
        super().__init__(planted)


# user, behaviour, item, query, session, day: the history of user u ends in day 5; targets are handed out below.
EVENTS = [
    (0, "R_I", 1, "", -1, 1), (0, "R_I", 0, "", -1, 6),
    (1, "R_I", 5, "", -1, 1), (1, "R_I", 2, "", -1, 2), (1, "R_I", 5, "", -1, 6),
    (2, "R_I", 3, "", -1, 6),
    (3, "R_I", 1, "", -1, 1), (3, "S_Q", -1, "lamp", 0, 6), (3, "S_I", 4, "lamp", 0, 6),
]  # fmt: skip
LOG = log_of(EVENTS, n_items=7)
HISTORIES = Histories(LOG)
MODEL = GenSAR(Planted(), VOCABULARY, TABLE, LOG.items, beams=1, history=1)


def last_event(user):
    return int(np.flatnonzero(LOG.events["user"].to_numpy() == user)[-1])


def case(user, target, task=RECOMMENDATION):
    """A case whose history is user's and whose target is planted."""
    event = last_event(user)
    query = "lamp" if task == SEARCH else ""
    history = len(HISTORIES.before(event))
    facts = {"user": user, "task": task, "event": event, "item": target, "query": query, "timestamp": 6}
    return {**facts, "n_history": history, "cold": STRATUM[target] == "cold"}


def lost_of(*cases, **changes):
    decoding = replace(MODEL.decoding, **changes)
    return where_lost(MODEL, pd.DataFrame(list(cases)), LOG, HISTORIES, STRATUM, decoding, k=1)


@pytest.mark.parametrize(
    ("asked", "lost", "exact_rank", "beam_rank", "step"),
    [
        (case(0, 0), "found", 3, 1, None),  # items 4 and 6 have .18 each, then 0 … 3 with .15
        (case(0, 4), "pruned", 1, None, 1),  # a beam of 1 follows A
        (case(0, 6), "collision", 2, None, 1),  # as likely as item 4, which stands before it
        (case(0, 1), "model", 4, None, 2),  # A is kept, but code 1 is no likelier than code 0
        (case(0, 5), "model", 7, None, 1),
        (case(1, 5), "history", 7, None, 1),  # the day it was clicked lies beyond a history of one event
        (case(2, 3), "history", 6, None, 2),  # a recommendation from nothing
        (case(3, 4, SEARCH), "pruned", 1, None, 1),
    ],
)
def test_every_cause_of_a_loss_is_told(asked, lost, exact_rank, beam_rank, step):
    row = lost_of(asked).iloc[0]
    assert (row["lost"], row["exact_rank"]) == (lost, exact_rank)
    assert pd.isna(row["beam_rank"]) if beam_rank is None else row["beam_rank"] == beam_rank
    assert pd.isna(row["step"]) if step is None else row["step"] == step
    assert row["stratum"] == STRATUM[asked["item"]]


def test_a_wider_beam_finds_what_was_pruned_and_a_longer_history_what_was_out_of_reach():
    assert lost_of(case(0, 4), beams=2)["lost"].tolist() == ["found"]
    assert lost_of(case(1, 5), beams=2, history=5)["lost"].tolist() == ["found"]
    assert lost_of(case(0, 6), beams=2)["lost"].tolist() == ["collision"]  # no beam helps
    assert lost_of(case(0, 5), beams=9)["lost"].tolist() == ["model"]


def test_rows_come_back_in_the_order_of_the_cases():
    asked = [case(3, 4, SEARCH), case(0, 0), case(1, 5), case(0, 4), case(2, 3)]
    together = lost_of(*asked)
    for place, one in enumerate(asked):
        pd.testing.assert_frame_equal(together.iloc[[place]].reset_index(drop=True), lost_of(one), check_dtype=False)


def test_an_unconstrained_beam_is_refused():
    with pytest.raises(DecodingError, match="only constrained beams are replayed"):
        lost_of(case(0, 0), constrained=False)


def test_the_funnel_counts_who_is_left_after_each_code_and_why_the_others_went():
    asked = [case(0, 0), case(0, 4), case(0, 6), case(0, 1), case(0, 5), case(1, 5), case(3, 4, SEARCH)]
    rows = funnel(lost_of(*asked))
    whole = rows[(rows["task"] == RECOMMENDATION) & (rows["stratum"] == "all")]
    assert whole["stage"].tolist() == ["asked", "after code 1", "after code 2", "in the first 1"]
    assert whole["alive"].tolist() == [6, 2, 1, 1]
    assert whole["share"].tolist() == [1, 2 / 6, 1 / 6, 1 / 6]
    assert whole["pruned"].tolist() == [0, 1, 0, 0]
    assert whole["collision"].tolist() == [0, 1, 0, 0]
    assert whole["history"].tolist() == [0, 1, 0, 0]
    assert whole["model"].tolist() == [0, 1, 1, 0]
    assert rows[rows["task"] == SEARCH]["stratum"].unique().tolist() == ["all", "tail"]
    for _, part in rows.groupby(["task", "stratum"]):
        gone = part[["pruned", "collision", "history", "model"]].sum(axis=1)
        assert (part["alive"].diff().iloc[1:] == -gone.iloc[1:]).all()
    shares = causes(lost_of(*asked))
    np.testing.assert_allclose(shares.drop(columns="cases").sum(axis=1), 1)
    assert shares.loc[(RECOMMENDATION, "all"), "model"] == pytest.approx(2 / 6)


def test_who_stays_to_the_end_and_is_not_listed_leaves_at_the_list():
    rows = funnel(lost_of(case(0, 6), beams=2))
    assert rows[rows["stratum"] == "all"]["alive"].tolist() == [1, 1, 1, 0]
    assert rows[rows["stratum"] == "all"]["collision"].tolist() == [0, 0, 0, 1]


# ---- one case -----------------------------------------------------------------------------------------------------


def test_one_case_can_be_looked_at_under_any_beam():
    found = lens(MODEL, pd.DataFrame([case(0, 4)]), LOG, HISTORIES)
    narrow, wide = found.at(1, listed=3), found.at(2, listed=3)
    assert narrow.items["item"].tolist() == [4, 6, 0]
    assert narrow.items["exact_rank"].tolist() == [1, 2, 3]
    assert narrow.items["beam_rank"].isna().tolist() == [True, True, False]
    assert narrow.items["left_at"].tolist()[:2] == [1, 1]
    assert narrow.items["shared"].tolist() == [2, 2, 1]
    assert narrow.items["target"].tolist() == [True, False, False]
    assert wide.items["beam_rank"].tolist()[:2] == [1, 2]
    np.testing.assert_allclose(np.exp(wide.items["log_prob"]), [0.18, 0.18, 0.15], rtol=1e-5)

    first, second = narrow.steps.to_dict("records")
    assert (first["place"], first["kept"], first["prefixes"]) == (2, False, 2)
    assert np.exp([first["log_prob"], first["cut"]]) == pytest.approx([0.4, 0.6], rel=1e-5)
    assert (second["place"], second["kept"], second["prefixes"]) == (1, False, 6)
    assert VOCABULARY.text([first["token"], second["token"]]) == "<M1_1> <M2_0>"
    assert wide.steps["kept"].tolist() == [True, True]
    assert wide.steps["cut"].iloc[0] == pytest.approx(np.log(0.4), rel=1e-5)


def test_a_target_below_the_listed_items_is_shown_beside_them():
    found = lens(MODEL, pd.DataFrame([case(0, 5)]), LOG, HISTORIES).at(1, listed=2)
    assert found.items["item"].tolist() == [4, 6, 5]
    assert found.items["exact_rank"].tolist() == [1, 2, 7]


# ---- the test set -------------------------------------------------------------------------------------------------


def test_recall_grows_with_the_width_of_the_beam():
    table = recall_by_width(MODEL, pd.DataFrame([case(0, 4), case(3, 4, SEARCH)]), LOG, HISTORIES, (1, 2, 9), k=2)
    for _, part in table.groupby("task"):
        assert part["first"].tolist() == [0, 1, 1]
        assert part["recall"].tolist() == [0.5, 1, 1]  # the two best identifiers are (B, 0) and (A, 0)
        np.testing.assert_allclose(part["forbidden 1"], 0, atol=1e-6)
        np.testing.assert_allclose(part["forbidden 2"], 0, atol=1e-6)  # (B, 2) and (B, 3) have no probability


@pytest.mark.parametrize("backbone", [packed, text])
def test_of_a_real_model_ranks_are_those_it_answers_with(backbone):
    log, split, model = model_of(backbone, beams=4)
    histories, cases = Histories(log), split.test
    found = where_lost(model, cases, log, histories, item_strata(log, split), k=3)
    scores, top = model.scores(cases, log, histories), model.top(cases, log.n_items, log, histories, beams=4)
    for place, target in enumerate(cases["item"]):
        order = np.lexsort((np.arange(log.n_items), -scores[place])).tolist()
        listed = top[place].tolist()
        assert found["exact_rank"].iloc[place] == order.index(target) + 1
        rank = found["beam_rank"].iloc[place]
        assert pd.isna(rank) if target not in listed else rank == listed.index(target) + 1
        assert pd.isna(rank) != pd.isna(found["step"].iloc[place])
    assert ((found["beam_rank"] <= 3).fillna(False) == (found["lost"] == "found")).all()
    assert (found["stratum"] == np.where(cases["cold"], "cold", found["stratum"])).all()


@pytest.mark.parametrize("backbone", [packed, text])
def test_the_decoder_frame_says_how_the_right_codes_are_spelt(backbone):
    log, split, model = model_of(backbone, beams=4)
    histories, cases = Histories(log), split.test.iloc[::4]
    frame = decoder_frame(model, cases, log, histories)
    assert frame.groupby("case")["step"].apply(list).tolist() == [[1, 2, 3, 4]] * len(cases)
    prompts = prompts_for(cases, log, histories)
    other = {RECOMMENDATION: SEARCH, SEARCH: RECOMMENDATION}
    for number, prompt in enumerate(prompts):
        rows = frame[frame["case"] == number]
        kind = model.table.kind_for(prompt.behaviour)[0]
        answer = model.vocabulary.identifiers(model.table, kind)[cases["item"].iloc[number]]
        size, trie = len(model.vocabulary), model.trie(prompt.behaviour)
        told, flipped = (
            next_token_log_probs(model.generator, [one], answer[None, :-1], size)[0]
            for one in (prompt, prompt._replace(behaviour=other[prompt.behaviour]))
        )
        sequences = trie.leaf_sequences()
        for level, row in enumerate(rows.itertuples()):
            assert row.log_prob == pytest.approx(told[level, answer[level]], abs=1e-4)
            assert row.likeliest == (told[level].argmax() == answer[level])
            after = sequences[(sequences[:, :level] == answer[:level]).all(1)][:, level]
            assert row.forbidden == pytest.approx(1 - np.exp(told[level, np.unique(after)]).sum(), abs=1e-4)
            p, q = np.exp(told[level]), np.exp(flipped[level])
            at = p > 0
            assert row.kl == pytest.approx((p[at] * np.log(p[at] / q[at])).sum(), abs=1e-3)
        orders = [
            np.argsort(-model.exact(one), kind="stable").tolist()
            for one in (prompt, prompt._replace(behaviour=other[prompt.behaviour]))
        ]
        assert rows["rbo"].iloc[0] == pytest.approx(rank_biased_overlap(*orders), abs=1e-3)
    lost = where_lost(model, cases, log, histories, item_strata(log, split))
    assert frame.drop_duplicates("case")["pruned_at"].fillna(0).tolist() == lost["step"].fillna(0).tolist()
    assert set(frame["kind"]) <= set(model.table.kinds)


def test_the_report_on_identifiers_reads_the_frame():
    log, split, model = model_of(packed)
    frame = decoder_frame(model, split.test.iloc[:6], log, Histories(log))
    measures = pytest.importorskip("gensar_lite.identify.measures_decoder")
    assert {row.measure for row in measures.measure_decoder(frame)} >= {"accuracy", "mass outside the trie", "pruned"}


def test_strata_count_training_clicks_only():
    log, split, _ = model_of(packed)
    stratum = item_strata(log, split)
    seen = set(log.events["item"].to_numpy()[split.train & (log.events["item"] >= 0).to_numpy()].tolist())
    assert {item for item in range(log.n_items) if stratum[item] != "cold"} == seen
    assert leave_one_out(log).test["cold"].tolist() == [stratum[item] == "cold" for item in split.test["item"]]
