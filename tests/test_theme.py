"""The shared look: escaping, descriptions, table twins."""

import pandas as pd
import pytest

from gensar_lite.view import theme

HOSTILE = '<script>alert("1")</script> & <b>x</b> $\\alpha$'


def test_labels_and_html_show_hostile_text_and_do_nothing_else():
    for shown in (theme.label(HOSTILE, None), theme.safe(HOSTILE)):
        assert "<" not in shown and ">" not in shown
        assert "&amp;" in shown and "alert" in shown
    assert "$" not in theme.label(HOSTILE)  # no formula


def test_labels_are_cut_before_they_are_escaped():
    assert theme.label("<<<<<<", 4) == "&lt;&lt;&lt;…"
    assert theme.label("a  b\nc") == "a b c"


def test_a_description_stays_with_its_figure():
    figure = theme.describe(theme.new_figure(HOSTILE), "  Two bars. ")
    assert theme.description(figure) == "Two bars."
    assert "<script" not in figure.layout.title.text
    assert "Two bars." in theme.caption(figure)
    with pytest.raises(ValueError, match="sentence"):
        theme.describe(figure, " ")


def test_a_figure_without_description_has_an_empty_caption():
    assert theme.caption(theme.new_figure()) == ""


def test_a_table_twin_holds_every_cell_escaped():
    table = pd.DataFrame({HOSTILE: [HOSTILE, "tent"], "score": [0.12345, 1.0]})
    twin = theme.table_twin(table, summary=HOSTILE)
    assert "<script" not in twin and "tent" in twin and "0.123" in twin and "1.000" in twin
    assert twin.startswith("<details><summary>&lt;script")


def test_a_named_index_is_part_of_the_twin():
    table = pd.DataFrame({"x": [1]}, index=pd.Index(["row one"], name="place"))
    assert "row one" in theme.table_twin(table)
    assert "row one" not in theme.table_twin(table.rename_axis(None))


def test_every_behaviour_has_more_than_a_colour():
    for marks in (theme.COLOUR, theme.SYMBOL, theme.DASH, theme.HATCH, theme.WORD):
        assert set(marks) == {"S_I", "R_I"} and len(set(marks.values())) == 2
    assert theme.COLOUR == {"S_I": "#0072B2", "R_I": "#E69F00"}


def test_figures_are_transparent_so_that_either_theme_shows_through():
    layout = theme.template().layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"


def test_show_displays_the_figure_then_its_words(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    figure = theme.describe(theme.new_figure(), "A sentence.")
    theme.show(figure, pd.DataFrame({"a": [1]}))
    assert shown[0] is figure
    assert "A sentence." in shown[1].data and "<details>" in shown[1].data
