"""Where a target was lost: one test case under the microscope, and the whole test set as a funnel.

Tables in, figures out. Titles are data from strangers and are shown as plain text.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gensar_lite.view.theme import COLOUR, GREY, OKABE_ITO, SYMBOL, WORD, describe, label, new_figure, template

# Why a target is lost: colour, hatching and words; the hatching tells them apart where colours do not.
CAUSES = {
    "pruned": (OKABE_ITO[5], "x", "pruned by the beam"),
    "collision": (OKABE_ITO[3], ".", "shares an identifier"),
    "history": (OKABE_ITO[4], "-", "beyond the history read"),
    "model": (GREY, "/", "never likely"),
}
_HATCHING = {"fillmode": "overlay", "fgcolor": "#FFFFFF", "fgopacity": 0.7, "size": 6, "solidity": 0.25}
_LOST = OKABE_ITO[5]


def case_figure(items: pd.DataFrame, steps: pd.DataFrame, beams: int, behaviour: str) -> go.Figure:
    """One test case: the target's way through the steps, and the beam's list against the exact one.

    Args:
        items: best first by exact score, the target among them: ``title``, ``exact_rank``, ``beam_rank`` (<NA>: not
            found), ``left_at`` (step at which the beam let go of it; <NA>: never), ``log_prob`` (nats), ``shared``
            (items with its identifier) and ``target`` (bool).
        steps: one row per step: ``step``, ``token`` of the target, ``log_prob`` of its prefix (nats), ``cut`` (of the
            last prefix kept; NaN: all were), ``place`` among the ``prefixes`` of this length, ``kept``.
        beams: width of the beam.
        behaviour: "R_I" or "S_I", for the colour.
    """
    figure = make_subplots(
        1,
        2,
        column_widths=[0.46, 0.54],
        horizontal_spacing=0.12,
        subplot_titles=("the target's prefix, code by code", "the beam's list against the exact one"),
    )
    _way(figure, steps, beams, behaviour)
    _ranks(figure, items, behaviour)
    figure.update_layout(
        template=template(), height=430, legend={"orientation": "h", "y": -0.22}, margin={"t": 50, "b": 40}
    )
    return describe(figure, case_sentence(items, steps, beams))


def case_sentence(items: pd.DataFrame, steps: pd.DataFrame, beams: int) -> str:
    """What became of the target, in words."""
    target = items[items["target"]].iloc[0]
    rank = f"The target, “{target['title']}”, stands at rank {int(target['exact_rank'])} of the exact scores."
    lost = steps[~steps["kept"].astype(bool)]
    if len(lost):
        at = lost.iloc[0]
        behind = f"; the last prefix kept is at {at['cut']:.2f}" if np.isfinite(at["cut"]) else ""
        needed = int(steps["place"].max())
        found = (
            f"A beam of {beams} lets go of it at step {int(at['step'])}: {at['token']} brings its prefix to "
            f"{at['log_prob']:.2f} nats, place {int(at['place'])} of {int(at['prefixes'])}{behind}. "
            f"A beam of {needed} is sure to keep it."
        )
    else:
        found = f"A beam of {beams} keeps it to the end and lists it at rank {int(target['beam_rank'])}."
    shared = int(target["shared"])
    besides = f" It shares its identifier with {shared - 1} other items." if shared > 1 else ""
    best = items[items["exact_rank"] <= 10]
    missed = int(best["beam_rank"].isna().sum())
    return f"{rank} {found}{besides} Of the {len(best)} best items by exact score the beam misses {missed}."


def _way(figure: go.Figure, steps: pd.DataFrame, beams: int, behaviour: str) -> None:
    """Left: log-probability of the target's prefix beside that of the last prefix kept."""
    x = steps["step"].tolist()
    cut = steps["cut"].to_numpy(dtype=float)
    figure.add_scatter(
        x=x,
        y=cut,
        mode="lines+markers",
        name=f"last of the {beams} kept",
        line={"color": GREY, "dash": "dot", "width": 2},
        marker={"symbol": "line-ew-open", "size": 16, "color": GREY},
        hovertemplate="step %{x}: the last prefix kept has %{y:.2f} nats<extra></extra>",
        row=1,
        col=1,
    )
    kept = steps["kept"].to_numpy(dtype=bool)
    hover = [
        f"{label(row.token)}: {row.log_prob:.2f} nats, place {row.place} of {row.prefixes}"
        for row in steps.itertuples()
    ]
    figure.add_scatter(
        x=x,
        y=steps["log_prob"],
        mode="lines+markers+text",
        name="the target's prefix",
        text=[f"{row.place}/{row.prefixes}" for row in steps.itertuples()],
        textposition="top right",
        cliponaxis=False,
        line={"color": COLOUR[behaviour], "width": 3},
        marker={
            "symbol": [SYMBOL[behaviour] if here else "x" for here in kept],
            "color": [COLOUR[behaviour] if here else _LOST for here in kept],
            "size": 12,
        },
        hovertext=hover,
        hoverinfo="text",
        row=1,
        col=1,
    )
    if not kept.all():
        at = steps[~kept].iloc[0]
        figure.add_annotation(
            x=at["step"],
            y=at["log_prob"],
            text="lost here",
            font={"color": _LOST},
            ax=-46,
            ay=34,
            arrowcolor=_LOST,
            row=1,
            col=1,
        )
    names = [f"{row.step}<br>{label(row.token)}" for row in steps.itertuples()]
    figure.update_xaxes(tickvals=x, ticktext=names, range=[0.7, len(x) + 0.6], showgrid=False, row=1, col=1)
    figure.update_yaxes(title_text="nats", row=1, col=1)


def _ranks(figure: go.Figure, items: pd.DataFrame, behaviour: str) -> None:
    """Right: rank in the beam's list against rank by exact score; what is missing stands in a row of its own."""
    found = items["beam_rank"].notna()
    shown = items[items["exact_rank"] <= max(len(items) - 1, 1)]
    last = int(shown["exact_rank"].max()) if len(shown) else 1
    below = max(int(items.loc[found, "beam_rank"].max()) if found.any() else 1, 3)
    row_of_lost = below * 1.22 + 1
    figure.add_scatter(
        x=[1, last],
        y=[1, last],
        mode="lines",
        line={"color": GREY, "width": 1, "dash": "dash"},
        name="the same rank",
        hoverinfo="skip",
        row=1,
        col=2,
    )
    for hit, name, symbol, colour in (
        (True, "found", SYMBOL[behaviour], COLOUR[behaviour]),
        (False, "not found", "x-thin", _LOST),
    ):
        part = items[(found == hit) & ~items["target"]]
        figure.add_scatter(
            x=part["exact_rank"],
            y=part["beam_rank"].astype(float) if hit else [row_of_lost] * len(part),
            mode="markers",
            name=name,
            marker={"symbol": symbol, "size": 10, "color": colour, "line": {"color": colour, "width": 2}},
            hovertext=[_told(row) for row in part.itertuples()],
            hoverinfo="text",
            row=1,
            col=2,
        )
    target = items[items["target"]].iloc[0]
    x = min(int(target["exact_rank"]), last + 2)
    y = row_of_lost if pd.isna(target["beam_rank"]) else int(target["beam_rank"])
    figure.add_scatter(
        x=[x],
        y=[y],
        mode="markers+text",
        name="the target",
        text=[f"target, rank {int(target['exact_rank'])}"],
        textposition="top left" if x > last / 2 else "top right",
        textfont={"size": 13},
        cliponaxis=False,
        marker={"symbol": "star", "size": 19, "color": COLOUR[behaviour], "line": {"color": GREY, "width": 1}},
        hovertext=[_told(next(items[items["target"]].itertuples()))],
        hoverinfo="text",
        row=1,
        col=2,
    )
    ticks = sorted({1, *range(5, below + 1, 5), below} if below < 40 else {1, *range(10, below + 1, 10)})
    figure.update_xaxes(title_text="rank by exact score", range=[0, last + 3], row=1, col=2)
    figure.update_yaxes(
        title_text="rank in the beam's list",
        tickvals=[*ticks, row_of_lost],
        ticktext=[*map(str, ticks), "not found"],
        range=[row_of_lost * 1.08, -row_of_lost * 0.06],
        automargin=True,
        row=1,
        col=2,
    )


def _told(row: object) -> str:
    """One item's hover text."""
    where = f"rank {row.beam_rank} in the beam" if pd.notna(row.beam_rank) else f"let go at step {row.left_at}"
    return f"{label(row.title)}<br>exact rank {row.exact_rank} ({row.log_prob:.2f} nats), {where}"


def funnel_figure(funnel: pd.DataFrame) -> go.Figure:
    """How many targets are left after each code, and why the others went; one panel per task and stratum.

    Args:
        funnel: columns ``task``, ``stratum``, ``level`` (0 all cases, then the codes, last the list), ``stage``,
            ``cases``, ``alive`` and, per cause of ``CAUSES``, how many went at this level.
    """
    tasks = [task for task in WORD if task in set(funnel["task"])]
    strata = list(dict.fromkeys(funnel["stratum"]))
    titles = [_panel_title(funnel, task, stratum) for task in tasks for stratum in strata]
    figure = make_subplots(
        len(tasks),
        len(strata),
        subplot_titles=titles,
        shared_yaxes=True,
        horizontal_spacing=0.02,
        vertical_spacing=0.5 / max(len(tasks), 1) - 0.06 if len(tasks) > 1 else 0,
    )
    named: set[str] = set()
    for row, task in enumerate(tasks, start=1):
        for column, stratum in enumerate(strata, start=1):
            part = funnel[(funnel["task"] == task) & (funnel["stratum"] == stratum)].sort_values("level")
            if len(part):
                _panel(figure, part, task, row, column, named)
    figure.update_layout(
        template=template(),
        barmode="stack",
        bargap=0.12,
        height=110 + 240 * len(tasks),
        legend={"orientation": "h", "y": -0.16 if len(tasks) > 1 else -0.3, "traceorder": "normal"},
        margin={"t": 60, "b": 90},
    )
    figure.update_annotations(font_size=12)
    figure.update_yaxes(tickformat=".0%", range=[0, 1])
    figure.update_yaxes(title_text="share of the targets", col=1)
    return describe(figure, _funnel_sentence(funnel, tasks))


def _panel_title(funnel: pd.DataFrame, task: str, stratum: str) -> str:
    part = funnel[(funnel["task"] == task) & (funnel["stratum"] == stratum)]
    if not len(part):
        return f"{WORD[task]}, {label(stratum)}: none"
    return f"{WORD[task]}, {label(stratum)}<br>{int(part['cases'].iloc[0]):,} targets"


def _panel(figure: go.Figure, part: pd.DataFrame, task: str, row: int, column: int, named: set[str]) -> None:
    """Stacked bars of one panel: the targets that are left, and above them all that went so far, by cause."""
    total = part["cases"].iloc[0]
    names = ["asked", *(f"{level}" for level in part["level"].iloc[1:-1]), "list"]
    bars = [(f"still there ({WORD[task]})", COLOUR[task], "", part["alive"])]
    bars += [(words, colour, hatch, part[cause].cumsum()) for cause, (colour, hatch, words) in CAUSES.items()]
    for name, colour, hatch, count in bars:
        figure.add_bar(
            x=names,
            y=count / total,
            name=name,
            legendgroup=name,
            showlegend=name not in named,
            legendrank=1000 if hatch else 1,  # what is left first, of both tasks
            marker={"color": colour, "pattern": {"shape": hatch, **_HATCHING}},
            customdata=np.column_stack([part["stage"], count]),
            hovertemplate="%{customdata[0]}: %{y:.1%} (%{customdata[1]:,}) " + name + "<extra></extra>",
            row=row,
            col=column,
        )
        named.add(name)
    figure.update_xaxes(type="category", showgrid=False, tickangle=0, tickfont={"size": 11}, row=row, col=column)


def _funnel_sentence(funnel: pd.DataFrame, tasks: list[str]) -> str:
    told = []
    for task in tasks:
        part = funnel[(funnel["task"] == task) & (funnel["stratum"] == "all")].sort_values("level")
        left = ", ".join(f"{share:.0%}" for share in part["alive"].iloc[1:-1] / part["cases"].iloc[1:-1])
        total = part["cases"].iloc[0]
        why = ", ".join(f"{part[cause].sum() / total:.1%} {words}" for cause, (_, _, words) in CAUSES.items())
        told.append(
            f"{WORD[task]}: {left} of the targets are in the beam after codes 1 to {len(part) - 2}, "
            f"{part['alive'].iloc[-1] / total:.0%} in the list; lost: {why}"
        )
    return "Per task and kind of target, what is left code by code and why the rest went. " + "; ".join(told) + "."


def thinned_figure(curves: pd.DataFrame, k: int = 10) -> go.Figure:
    """What a beam finds of the k best against how much of the probability they hold, from sure (left) to unsure.

    Args:
        curves: columns ``task``, ``names`` ("learned" first), ``temperature``, ``held`` and ``recall``.
        k: how many of the best are looked for, by a beam of the same width.
    """
    figure = new_figure(height=400)
    for (task, names), part in curves.groupby(["task", "names"], sort=False):
        learned = names == curves["names"].iloc[0]
        figure.add_scatter(
            x=part["held"],
            y=part["recall"],
            mode="lines+markers",
            name=f"{WORD[task]}, names {names}",
            line={"color": COLOUR[task], "width": 3 if learned else 2, "dash": "solid" if learned else "dot"},
            marker={"symbol": SYMBOL[task] + ("" if learned else "-open"), "size": 10},
            customdata=part["temperature"],
            hovertemplate="T = %{customdata:g}: the best hold %{x:.1%}, the beam finds %{y:.0%} of them",
        )
    figure.add_hline(y=0.5, line={"color": GREY, "dash": "dash"})
    figure.add_annotation(
        xref="paper", x=0, y=0.5, text="one half", showarrow=False, xanchor="left", yanchor="bottom", font_color=GREY
    )
    ticks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
    figure.update_xaxes(
        title_text=f"share of the probability that the {k} best hold (thicker tail to the right)",
        type="log",
        autorange="reversed",
        tickvals=ticks,
        tickformat=".0%",
    )
    figure.update_yaxes(title_text=f"share of them in a beam of {k}", tickformat=".0%", range=[0, 1.03])
    figure.update_layout(legend={"orientation": "h", "y": -0.25})
    ends = curves.groupby(["task", "names"], sort=False).agg({"held": ["first", "last"], "recall": ["first", "last"]})
    told = "; ".join(
        f"{WORD[task]}, names {names}: {row['recall', 'first']:.0%} found where the best hold "
        f"{row['held', 'first']:.0%}, {row['recall', 'last']:.0%} where they hold {row['held', 'last']:.0%}"
        for (task, names), row in ends.iterrows()
    )
    return describe(figure, f"The thinner belief is spread, the less a beam of {k} finds of the {k} best. {told}.")
