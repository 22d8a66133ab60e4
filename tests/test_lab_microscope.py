import pandas as pd
from generator_data import artefacts_of, model_of, packed

from gensar_lite.evaluate.microscope import CAUSES, FOUND
from gensar_lite.lab.microscope import Cases, telling_cases
from gensar_lite.view.figures_microscope import CAUSES as DRAWN
from gensar_lite.view.figures_microscope import case_figure
from gensar_lite.view.theme import description


def made():
    log, split, model = model_of(packed, beams=3)
    return artefacts_of(log, split, model)


def test_a_choice_of_cases_holds_every_fate_there_is_and_no_more_than_asked_for():
    artefacts = made()
    cases, lost = telling_cases(artefacts, beams=1, sample=40, each=2)
    assert set(lost["lost"]) <= {*CAUSES, FOUND}
    by_fate = lost.groupby(["task", "lost"]).size().clip(upper=2).sum()
    assert len(cases) == by_fate
    assert not cases.index.duplicated().any()
    again, _ = telling_cases(artefacts, beams=1, sample=40, each=2)
    pd.testing.assert_frame_equal(cases, again)


def test_cases_have_readable_names_and_are_drawn_under_any_beam():
    artefacts = made()
    cases, _ = telling_cases(artefacts, beams=1, sample=40, each=1)
    shown = Cases(artefacts.model, artefacts.log, cases)
    titles = artefacts.log.items["title"]
    for place, name in enumerate(shown.names):
        target = titles.iloc[shown.cases["item"].iloc[place]]
        assert name.startswith("shopper ") and name.endswith(f"→ {target}")
        for beams in (1, 2, 30):
            look = shown.look(place, beams)
            assert look.items.loc[look.items["target"], "title"].tolist() == [target]
            assert target in description(case_figure(look.items, look.steps, beams, look.behaviour))
            assert look.steps["token"].str.fullmatch(r"<[MSR]\d_\d+>").all()


def test_the_figure_knows_every_cause():
    assert set(DRAWN) == set(CAUSES)
