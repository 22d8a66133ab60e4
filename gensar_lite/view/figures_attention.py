"""What an answer looked at and what it owes: one square per action of the history and step, sized by its number.

Tables in, figures out. Titles are data from strangers and are shown as plain text.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gensar_lite.view.theme import COLOUR, GREY, OKABE_ITO, describe, label, new_figure

_WIDEST = 26  # pixels, side of the largest square
_AGAINST = OKABE_ITO[5]


class _Mark(NamedTuple):
    """How one kind of number is drawn, and where it stands in the table."""

    colour: str
    symbol: str
    where: np.ndarray


def attention_figure(shares: pd.DataFrame, behaviour: str) -> go.Figure:
    """Share of attention each part of the input gets, 0 to 1.

    Args:
        shares: index: the parts, oldest first; one column per time the model looks; each column adds up to 1.
        behaviour: "R_I" or "S_I", for the colour.
    """
    kinds = {"attention": _Mark(COLOUR[behaviour], "square", shares.to_numpy() >= 0)}
    figure = _squares(shares, kinds, "{:.1%}")
    told = []
    for column in shares.columns:
        best = shares[column].to_numpy().argmax()
        told.append(f"{column}: most ({shares[column].iloc[best]:.0%}) to {shares.index[best]}")
    return describe(figure, f"A square's area is the share of attention. {'; '.join(told)}.")


def owed_figure(owed: pd.DataFrame, behaviour: str) -> go.Figure:
    """What each code of an answer owes to each action, in nats; signed.

    Args:
        owed: index: the actions, oldest first; one column per code. Positive: without the action the code would be
            less likely.
        behaviour: "R_I" or "S_I", for the colour of what speaks for the answer.
    """
    values = owed.to_numpy()
    kinds = {
        "spoke for the code": _Mark(COLOUR[behaviour], "square", values >= 0),
        "spoke against it": _Mark(_AGAINST, "x", values < 0),
    }
    figure = _squares(owed, kinds, "{:+.2f} nats")
    if not values.size:
        return describe(figure, "There is no history, and so nothing the answer could owe to it.")
    row, column = np.unravel_index(np.abs(values).argmax(), values.shape)
    speaks = "for" if values[row, column] >= 0 else "against"
    total = ", ".join(f"{name} {value:+.2f}" for name, value in zip(owed.columns, values.sum(0), strict=True))
    return describe(
        figure,
        f"A mark's area is the change in log-probability when the action is left out. The largest, "
        f"{values[row, column]:+.2f} nats, is of {owed.index[row]}, which speaks {speaks} {owed.columns[column]}. "
        f"Summed over the actions: {total}.",
    )


def _squares(table: pd.DataFrame, kinds: dict[str, _Mark], told: str) -> go.Figure:
    """One trace per kind of mark, whose area is proportional to the number's size; ``told`` writes a number."""
    values = table.to_numpy(dtype=float)
    figure = new_figure(height=130 + 30 * max(len(table), 1))
    largest = np.abs(values).max() if values.size else 1.0
    for name, (colour, symbol, mask) in kinds.items():
        row, column = np.nonzero(mask)
        found = values[row, column]
        figure.add_scatter(
            x=column,
            y=row,
            mode="markers",
            name=name,
            showlegend=len(kinds) > 1,
            text=[told.format(value) for value in found],
            customdata=[[label(table.index[place]), label(table.columns[step])] for place, step in zip(row, column)],
            hovertemplate="%{customdata[0]}<br>%{customdata[1]}: %{text}<extra></extra>",
            marker={
                "size": np.abs(found) / (largest or 1.0),
                "sizemode": "area",
                "sizeref": 2 / _WIDEST**2,
                "sizemin": 1,
                "symbol": symbol,
                "color": colour,
                "opacity": 0.9,
                "line": {"width": 1, "color": GREY},
            },
        )
    columns = [label(name, 24) for name in table.columns]
    figure.update_xaxes(tickvals=list(range(len(columns))), ticktext=columns, side="top", showgrid=False)
    figure.update_xaxes(range=[-0.6, len(columns) - 0.4], zeroline=False)
    rows = [label(name, 48) for name in table.index]
    figure.update_yaxes(tickvals=list(range(len(rows))), ticktext=rows, range=[len(rows) - 0.4, -0.6], zeroline=False)
    figure.update_yaxes(automargin=True)
    figure.update_layout(legend={"orientation": "h", "y": -0.02, "yanchor": "top", "itemsizing": "constant"})
    return figure
