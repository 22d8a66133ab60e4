"""Small tables of diagnoses."""

import numpy as np
import pandas as pd
import pytest

from gensar_lite.identify.diagnose import COLUMNS, Diagnosis
from gensar_lite.identify.formats import Finding
from gensar_lite.lab.reports import beside, told, wrong


def report(**rows):
    """A diagnosis from measure -> list of (level, value, verdict)."""
    lines = []
    for measure, own in rows.items():
        for level, value, verdict in own:
            line = dict.fromkeys(COLUMNS, "")
            line |= {"kind": "semantic", "measure": measure, "level": level, "value": value, "verdict": verdict}
            lines.append({**line, "control_random": value / 2, "control_category": np.nan, "control_kmeans": np.nan})
    frame = pd.DataFrame(lines, columns=list(COLUMNS)).astype({"level": "Int64"})
    return Diagnosis(frame, "look", ())


SOUND = report(evenness=[(1, 0.9, "fine"), (2, 0.8, "fine")], lift=[(1, 30.0, "fine"), (2, 50.0, "")])
BROKEN = report(evenness=[(1, 0.9, "fine"), (2, 0.1, "bad")], lift=[(1, 2.0, "look"), (2, 3.0, "")])


def test_what_is_wrong_stands_with_the_worst_first_and_is_cut():
    table = wrong(BROKEN)
    assert table["measure"].tolist() == ["evenness", "lift"] and table["verdict"].tolist() == ["bad", "look"]
    assert len(wrong(BROKEN, most=1)) == 1 and wrong(SOUND).empty


def test_values_stand_side_by_side_in_the_order_asked_for():
    table = beside({"sound": SOUND, "broken": BROKEN}, ["lift", "evenness"])
    assert table["measure"].tolist() == ["lift", "evenness", "evenness"]
    assert table["level"].tolist() == [1, 1, 2]  # level 2 of lift has no verdict
    assert table["sound"].tolist() == [30, 0.9, 0.8] and table["broken"].tolist() == [2, 0.9, 0.1]
    assert table["random"].tolist() == [15, 0.45, 0.4] and table["k-means"].isna().all()


def test_a_row_that_one_report_lacks_is_a_gap():
    shorter = report(evenness=[(1, 0.7, "fine")])
    table = beside({"sound": SOUND, "short": shorter}, ["evenness"])
    assert table["level"].tolist() == [1, 2]
    assert table["short"].tolist()[0] == 0.7 and np.isnan(table["short"].tolist()[1])


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(ValueError, match="at least one diagnosis"):
        beside({}, ["lift"])
    with pytest.raises(ValueError, match="No verdict was passed on weight"):
        beside({"sound": SOUND}, ["lift", "weight"])
    two = Diagnosis(pd.concat([SOUND.frame, SOUND.frame.assign(kind="collaborative")]), "fine", ())
    with pytest.raises(ValueError, match="'both' is of 2 kinds"):
        beside({"both": two}, ["lift"])


def test_findings_are_told_as_a_list_in_which_a_file_can_do_nothing():
    found = [Finding("1-based keys", 2000, "the first key is '<b>1</b>'", "Join them & see.", "look")]
    assert told(found) == (
        "<ul><li><b>look</b>: 1-based keys (2,000): the first key is &#x27;&lt;b&gt;1&lt;/b&gt;&#x27;. "
        "Join them &amp; see.</li></ul>"
    )
    assert told([]) == "<p>Nothing odd about the file.</p>"
