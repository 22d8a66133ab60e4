"""The kit's look, shared by all figures and widgets: colours, template, descriptions, table twins, escaping.

A figure function takes arrays and tables and ends in ``return describe(figure, "One sentence that says what it
shows.")``; a notebook calls ``show(figure, table)``, which puts that sentence and the table below the figure. Titles
and queries are data from strangers: ``label`` makes them harmless inside figures, ``safe`` inside HTML.

This module knows nothing about items, identifiers or models.
"""

from __future__ import annotations

import html

import pandas as pd
import plotly.graph_objects as go

# Okabe-Ito, in the order used for traces. Blue stands for search, orange for recommendation, everywhere.
OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
SEARCH_BLUE, RECOMMENDATION_ORANGE, SHARED_GREEN = OKABE_ITO[:3]
GREY = "#767676"  # contrast 4.5 : 1 on white and on black, so that labels are read in either theme

# By behaviour. Colour never stands alone: a marker, a dash or a hatching goes with it. Orange is for areas, lines and
# borders; as text it is too pale on white.
WORD = {"S_I": "search", "R_I": "recommendation"}
COLOUR = {"S_I": SEARCH_BLUE, "R_I": RECOMMENDATION_ORANGE}
SYMBOL = {"S_I": "circle", "R_I": "diamond"}
DASH = {"S_I": "solid", "R_I": "dash"}
HATCH = {"S_I": "", "R_I": "/"}

# By part of an identifier: semantic codes answer searches, collaborative codes answer recommendations.
PART_COLOUR = {"shared": SHARED_GREEN, "semantic": SEARCH_BLUE, "collaborative": RECOMMENDATION_ORANGE}


def template() -> go.layout.Template:
    """The template of every figure: grey text on no background, readable in light and dark themes."""
    axis = {"gridcolor": "rgba(128,128,128,0.25)", "zerolinecolor": "rgba(128,128,128,0.5)", "linecolor": GREY}
    return go.layout.Template(
        layout={
            "colorway": [GREY if colour == "#000000" else colour for colour in OKABE_ITO],
            "font": {"color": GREY, "size": 13},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "xaxis": axis,
            "yaxis": axis,
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": OKABE_ITO[0]},
            "margin": {"l": 60, "r": 20, "t": 50, "b": 50},
            "hoverlabel": {"font": {"color": "#000000"}, "bgcolor": "#FFFFFF"},
        }
    )


def new_figure(title: str = "", height: int = 420) -> go.Figure:
    """An empty figure in the kit's look.

    Args:
        title: plain text; shown as it is, whatever it holds.
        height: in pixels; the width follows the page.
    """
    layout = {"template": template(), "height": height, "title": {"text": label(title, None)}}
    return go.Figure(layout=layout)


def describe(figure: go.Figure, sentence: str) -> go.Figure:
    """Give a figure the sentence that stands in for it: shown below it, read aloud, kept in ``layout.meta``.

    Returns:
        the same figure, so that a figure function can end in ``return describe(...)``.

    Raises:
        ValueError: the sentence is empty.
    """
    if not sentence.strip():
        raise ValueError("A figure needs a sentence that says what it shows.")
    figure.update_layout(meta={"description": sentence.strip()})
    return figure


def description(figure: go.Figure) -> str:
    """The sentence that ``describe`` gave a figure; empty without one."""
    return (figure.layout.meta or {}).get("description", "")


def table_twin(table: pd.DataFrame, summary: str = "The same as a table", digits: int = 3) -> str:
    """A table as a folded piece of HTML; every cell and heading is escaped.

    Args:
        table: its index is shown if it has a name.
        summary: the words to click on.
        digits: decimals of floating-point numbers.
    """
    body = table.to_html(
        index=table.index.name is not None,
        border=0,
        escape=True,
        float_format=lambda number: f"{number:.{digits}f}",
        na_rep="–",
        max_rows=200,
    )
    return f"<details><summary>{safe(summary)}</summary>{body}</details>"


def caption(figure: go.Figure, table: pd.DataFrame | None = None) -> str:
    """What stands below a figure, as HTML: its description and its table twin."""
    sentence = f'<p role="note">{safe(description(figure))}</p>' if description(figure) else ""
    return sentence + (table_twin(table) if table is not None else "")


def show(figure: go.Figure, table: pd.DataFrame | None = None) -> None:
    """Display a figure with its description and its table twin below it (in a notebook)."""
    from IPython.display import HTML, display

    display(figure)
    below = caption(figure, table)
    if below:
        display(HTML(below))


def safe(text: object) -> str:
    """Any text as HTML that shows it and does nothing else."""
    return html.escape(str(text), quote=True)


def label(text: object, width: int | None = 60) -> str:
    """Any text as a figure's label: tags, entities and formulas in it stay plain text.

    plotly reads a few tags and TeX between dollar signs in every label, but knows fewer entities than HTML.

    Args:
        width: characters after which the text is cut, with an ellipsis; None keeps all.
    """
    plain = " ".join(str(text).split())
    if width is not None and len(plain) > width:
        plain = plain[: width - 1].rstrip() + "…"
    return html.escape(plain, quote=False).replace("$", "&#36;")
