import numpy as np
import pandas as pd
import pytest
from generator_data import model_of, packed, text

from gensar_lite.generate.tasks import NSIP, Action, Prompt
from gensar_lite.lab.attention import looked_at, owed
from gensar_lite.log.schema import QUERY, RECOMMENDATION, SEARCH
from gensar_lite.view.figures_attention import attention_figure, owed_figure
from gensar_lite.view.theme import description

HOSTILE = "<R_I> <img src=x> $x$"


def shares():
    return pd.DataFrame({"layer 1": [0.7, 0.2, 0.1], "layer 2": [0.1, 0.1, 0.8]}, index=["<R_I> lamp", HOSTILE, "vase"])


def test_every_share_has_a_square_whose_area_grows_with_it():
    figure = attention_figure(shares(), "S_I")
    (trace,) = figure.data
    drawn = dict(zip(zip(trace.y, trace.x, strict=True), trace.marker.size, strict=True))
    assert trace.marker.sizemode == "area"
    for row in range(3):
        for column in range(2):
            assert drawn[row, column] == pytest.approx(shares().iloc[row, column] / 0.8)
    assert list(figure.layout.xaxis.ticktext) == ["layer 1", "layer 2"]
    assert "layer 1: most (70%) to <R_I> lamp; layer 2: most (80%) to vase" in description(figure)


def test_titles_from_strangers_stay_text_in_attention_figures():
    for figure in (attention_figure(shares(), "R_I"), owed_figure(shares() - 0.5, "R_I")):
        shown = [
            *figure.layout.yaxis.ticktext,
            *(cell for trace in figure.data for row in trace.customdata for cell in row),
        ]
        assert any("&lt;img" in words for words in shown)
        assert not any("<" in words or "$" in words for words in shown)


def test_what_speaks_for_and_against_differs_in_mark_and_colour():
    owes = pd.DataFrame({"<M1_3>": [0.5, -1.5], "<M2_1>": [0.0, 0.25]}, index=["one", "other"])
    figure = owed_figure(owes, "S_I")
    speaks, against = figure.data
    assert list(zip(speaks.y, speaks.x, speaks.text, strict=True)) == [
        (0, 0, "+0.50 nats"),
        (0, 1, "+0.00 nats"),
        (1, 1, "+0.25 nats"),
    ]
    assert list(zip(against.y, against.x, against.text, strict=True)) == [(1, 0, "-1.50 nats")]
    assert list(against.marker.size) == [1.0]
    assert speaks.marker.symbol != against.marker.symbol and speaks.marker.color != against.marker.color
    told = description(figure)
    assert "-1.50 nats, is of other, which speaks against <M1_3>" in told
    assert "<M1_3> -1.00, <M2_1> +0.25" in told


def test_an_empty_history_is_told_in_words():
    figure = owed_figure(pd.DataFrame(np.zeros((0, 4)), columns=list("abcd")), "R_I")
    assert "no history" in description(figure)


def test_nothing_owed_draws_without_dividing_by_zero():
    figure = owed_figure(pd.DataFrame({"a": [0.0, 0.0]}, index=["x", "y"]), "R_I")
    assert list(figure.data[0].marker.size) == [0, 0]


# ---- the tables -----------------------------------------------------------------------------------------------------

HISTORY = (
    Action(RECOMMENDATION, 3, "", 1),
    Action(QUERY, -1, "red lamp", 2),
    Action(SEARCH, 8, "red lamp", 2),
)
ASK = Prompt(NSIP, HISTORY, SEARCH, "blue vase")


@pytest.mark.parametrize("backbone", [packed, text])
def test_tables_name_actions_by_token_and_title_and_columns_by_code(backbone):
    _, _, model = model_of(backbone)
    title = model.items["title"]
    actions = [f"<R_I> {title.iloc[3]}", '<S_Q> "red lamp"', f"<S_I> {title.iloc[8]}"]
    kind = model.table.kind_for(SEARCH)[0]
    codes = [model.vocabulary.tokens[token] for token in model.vocabulary.identifiers(model.table, kind)[2]]
    table = owed(model, ASK, 2)
    assert table.index.tolist() == actions
    assert table.columns.tolist() == codes
    seen = looked_at(model, ASK, 2)
    assert [part for part in seen.index if part in actions] == actions
    np.testing.assert_allclose(seen.sum(), 1, rtol=1e-5)
    if backbone is packed:
        assert seen.index.tolist()[-1] == "the question itself"
        assert seen.columns.tolist() == ["layer 1", "layer 2"]
        assert looked_at(model, ASK, 2, layer=1).columns.tolist() == ["layer 2"]
    else:
        assert seen.columns.tolist() == codes
        assert {"instruction", "query", "the behaviour token"} <= set(seen.index)


def test_heads_average_to_the_mean():
    _, _, model = model_of(packed)
    heads = range(model.generator.settings.heads)
    mean = sum(looked_at(model, ASK, 2, head=head) for head in heads) / len(heads)
    pd.testing.assert_frame_equal(mean, looked_at(model, ASK, 2), check_exact=False, rtol=1e-5)


def test_only_what_the_model_reads_is_shown():
    _, _, model = model_of(packed)
    model.history = 1
    assert owed(model, ASK, 2).index.tolist() == [f"<S_I> {model.items['title'].iloc[8]}"]
