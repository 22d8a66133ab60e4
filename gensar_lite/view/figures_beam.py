"""Beam search as a tree from left to right: what each step kept, pruned and was forbidden, and what lies below.

Tables in, HTML out: prefixes are buttons that can be reached with the keyboard (a widget listens to them, a page does
not), with curves from each to the one it grew from. Titles are data from strangers and are shown as plain text.
"""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from gensar_lite.view.figures_flip import identifier_html
from gensar_lite.view.figures_generation import token_kind
from gensar_lite.view.theme import COLOUR, GREY, OKABE_ITO, PART_COLOUR, safe, table_twin

KEPT, PRUNED, FORBIDDEN = "kept", "pruned", "forbidden"
_NOTHING = OKABE_ITO[5]
_TALL, _LOW, _GAP = 43, 24, 16  # pixels: a kept prefix, any other, between the bands
_HEAD = 76  # pixels above the tree, for what a step did with the probability
_LEFT, _RIGHT = 8.0, 22.0  # per cent of the width: names of the bands, titles of the items
_BOX = 0.74  # of a step's width is taken by its prefixes, the rest by the curves that lead to them


class Shares(NamedTuple):
    """Where the probability of everything the model could say is after one step; they sum to 1.

    Attributes:
        kept: with the prefixes the beam goes on with.
        pruned: with prefixes of identifiers that this step let go.
        forbidden: with tokens that this step's constraint took away.
        before: lost in earlier steps.
    """

    kept: float
    pruned: float
    forbidden: float
    before: float


class _Place(NamedTuple):
    left: float  # per cent
    width: float  # per cent
    top: float  # pixels
    height: int  # pixels

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


def shares(beam: pd.DataFrame, constrained: bool = True) -> list[Shares]:
    """What each step did with the probability (nothing is renormalised, so what is lost stays lost).

    Args:
        beam: as ``beam_html`` takes it.
        constrained: False where the model may say anything; then nothing is forbidden, whatever the table says.
    """
    told, before = [], 1.0
    for _, step in beam.groupby("step"):
        kept = float(step.loc[step["fate"] == KEPT, "probability"].sum())
        forbidden = float(step["forbidden"].iloc[0]) if constrained else 0.0
        told.append(Shares(kept, max(before - kept - forbidden, 0.0), forbidden, 1 - before))
        before = kept
    return told


def beam_html(
    beam: pd.DataFrame,
    behaviour: str | None,
    upto: int | None = None,
    picked: str = "",
    constrained: bool = True,
    most_kept: int = 20,
    most_other: int = 3,
) -> str:
    """The tree of a beam search.

    Args:
        beam: best first within a step, columns ``step`` (from 1), ``place`` (0 is best), ``parent`` (place among the
            kept ones of the step before), ``prefix`` (all tokens with spaces between), ``token`` (the last one),
            ``probability`` (of the whole prefix), ``fate`` ("kept", "pruned", "forbidden"), ``items`` (that begin with
            the prefix; 0 for an identifier of nothing), ``title`` (of the items that bear it; in the last step) and
            ``forbidden`` (probability the constraint took away in this step, the same in all its rows).
        behaviour: "R_I", "S_I" or None, for the colour.
        upto: draw the first steps only; None for all.
        picked: the prefix that is marked.
        constrained: whether only identifiers that exist could be said.
        most_kept, most_other: rows drawn of each step; prefixes of nothing, and those that a drawn one grew from, are
            drawn beyond that.
    """
    last = int(beam["step"].max()) if len(beam) else 1
    upto = upto or last
    whole, grown_from = {}, set()
    for number, step in reversed(list(beam.groupby("step"))):
        whole[number] = _drawn(step, most_kept, most_other, grown_from)
        grown_from = set(whole[number]["parent"])
    whole = dict(sorted(whole.items()))
    places = _places(whole, last, most_other)  # of all steps, so that nothing jumps as one steps through
    bottom = max((place.top + place.height for place in places.values()), default=0.0) + 4
    drawn = {number: step for number, step in whole.items() if number <= upto}
    width = (100 - _LEFT - _RIGHT) / last
    heads = "".join(
        _step_head(number, share, _LEFT + (number - 1) * width + (1 - _BOX) * width, width * _BOX)
        for number, share in enumerate(shares(beam, constrained)[: len(drawn)], start=1)
    )
    rows = [(number, row) for number, step in drawn.items() for row in step.to_dict("records")]
    nodes = "".join(_node(row, places[number, row["place"]], picked) for number, row in rows)
    leaves = "".join(_leaf(row, places[number, row["place"]], picked) for number, row in rows if number == last)
    colour = COLOUR.get(behaviour or "", GREY)
    shown = beam[beam["step"] <= upto]
    sentence = beam_sentence(shown, constrained)
    hidden = max((int((step["fate"] == KEPT).sum()) for _, step in shown.groupby("step")), default=0) > most_kept
    sentence += f" The tree draws the best {most_kept} of each step and those they grew from." if hidden else ""
    return (
        f'{_STYLE}<figure class="gs-beam" style="--gs-own:{colour}"><div class="gs-tree" style="height:{bottom:g}px">'
        f"{heads}{_bands(places, drawn, bottom)}{_curves(rows, places, bottom, colour)}{nodes}{leaves}</div>"
        f'<figcaption class="gs-note" role="note">{safe(sentence)}</figcaption>'
        f"{table_twin(shown.drop(columns=['place', 'parent']))}</figure>"
    )


def beam_sentence(beam: pd.DataFrame, constrained: bool = True) -> str:
    """What the tree shows, in words."""
    told = []
    for (number, step), share in zip(beam.groupby("step"), shares(beam, constrained)):
        kept = step[step["fate"] == KEPT]
        if not len(kept):
            told.append(f"step {number}: nothing is allowed")
            continue
        nothing = int((kept["items"] == 0).sum())
        empty = f", {nothing} of them begin no item's identifier" if nothing else ""
        best = f"best {kept['token'].iloc[0]} with {kept['probability'].iloc[0]:.1%}"
        told.append(
            f"step {number}: {len(kept)} kept with {share.kept:.1%} of the probability{empty}, {best}; "
            f"{share.pruned:.1%} pruned, {share.forbidden:.1%} forbidden"
        )
    if not told:
        return "The beam is empty."
    always = not constrained and (beam.loc[beam["fate"] == KEPT, "items"] > 0).all()
    lucky = " Nothing was forbidden, yet all that was kept exists; a wider beam reaches what does not."
    return f"Beam search from left to right. {'. '.join(told)}.{lucky if always else ''}"


def card_html(prefix: str, items: pd.DataFrame, total: int, fate: str = "") -> str:
    """What a prefix names: the card of its only item, or the first of its many.

    Args:
        prefix: tokens with spaces between; empty for none.
        items: columns ``item_id``, ``title``, ``category``, ``description`` and one per kind of identifier; the first
            of those that begin with the prefix.
        total: how many there are.
        fate: "kept", "pruned" or "forbidden".
    """
    if not prefix:
        return f'{_STYLE}<div class="gs-card">Click a prefix, or press Enter on it, to see what it names.</div>'
    head = f'<div class="gs-codes">{identifier_html(prefix)}</div>'
    if not total:
        return f'{_STYLE}<div class="gs-card">{head}<p>No item bears this name, and none begins so.</p></div>'
    told = {1: "One item"}.get(total, f"{total:,} items")
    verb = {PRUNED: "pruned with it", KEPT: "still within reach"}.get(fate, "")
    rows = "".join(
        f"<li><strong>{safe(row['title'])}</strong> <span>{safe(row['category'])}</span>"
        + (f"<p>{safe(row['description'])}</p>{_identifiers(row)}" if total <= 3 else "")
        + "</li>"
        for row in items.to_dict("records")
    )
    more = f"<p>… and {total - len(items):,} more.</p>" if total > len(items) else ""
    lead = f"<p>{told} {'bears' if total == 1 else 'bear or begin with'} it{', ' + verb if verb else ''}.</p>"
    return f'{_STYLE}<div class="gs-card">{head}{lead}<ul>{rows}</ul>{more}</div>'


def _identifiers(row: dict) -> str:
    kinds = [name for name in row if name not in ("item_id", "title", "category", "description")]
    told = " ".join(f"<span>{safe(kind)}: {identifier_html(str(row[kind]))}</span>" for kind in kinds)
    return f'<p class="gs-kinds">{told} <span>item {safe(row["item_id"])}</span></p>'


def _drawn(step: pd.DataFrame, most_kept: int, most_other: int, grown_from: set[int]) -> pd.DataFrame:
    """The rows of one step that are drawn: the best kept ones, more that name nothing or that the next step's drawn
    ones grew from, then the others."""
    kept = step[step["fate"] == KEPT]
    beyond = kept[most_kept:]
    wanted = beyond["place"].isin([*grown_from, *beyond.loc[beyond["items"] == 0, "place"][:most_other]])
    parts = [kept[:most_kept], beyond[wanted]]
    parts += [step[step["fate"] == fate][:most_other] for fate in (PRUNED, FORBIDDEN)]
    return pd.concat(parts)


def _places(drawn: dict[int, pd.DataFrame], last: int, most_other: int) -> dict[tuple[int, int], _Place]:
    """Where each drawn prefix stands: one column per step, one band per fate, at the same height in every column."""
    width = (100 - _LEFT - _RIGHT) / last
    tallest = max((int((step["fate"] == KEPT).sum()) for step in drawn.values()), default=0)
    top = {KEPT: float(_HEAD), PRUNED: _HEAD + tallest * _TALL + float(_GAP)}
    top[FORBIDDEN] = top[PRUNED] + most_other * _LOW + _GAP
    places = {}
    for number, step in drawn.items():
        left = _LEFT + (number - 1) * width + (1 - _BOX) * width
        for fate, rows in step.groupby("fate"):
            height = _TALL if fate == KEPT else _LOW
            for line, place in enumerate(rows["place"]):
                places[number, place] = _Place(left, width * _BOX, top[fate] + line * height, height)
    return places


def _bands(places: dict[tuple[int, int], _Place], drawn: dict[int, pd.DataFrame], bottom: float) -> str:
    """Names of the bands at the left, with a line above each."""
    first = {}
    for number, step in drawn.items():
        for fate, place in zip(step["fate"], step["place"]):
            first.setdefault(fate, places[number, place].top)
            first[fate] = min(first[fate], places[number, place].top)
    told = {KEPT: "kept", PRUNED: "pruned", FORBIDDEN: "forbidden"}
    return "".join(
        f'<div class="gs-band" style="top:{top - _GAP / 2:g}px;height:{bottom - top:g}px">{told[fate]}</div>'
        for fate, top in first.items()
    )


def _step_head(number: int, share: Shares, left: float, width: float) -> str:
    parts = [
        (name, value) for name, value in zip(("kept", "pruned", "forbidden", "lost before"), share) if value >= 0.0005
    ]
    bar = "".join(
        f'<i class="gs-{name.split()[0]}" style="width:{100 * value:.2f}%" title="{name} {value:.1%}"></i>'
        for name, value in parts
    )
    told = (
        f"kept {share.kept:.0%}</span><br><span>pruned {share.pruned:.0%}</span> <span>forbidden {share.forbidden:.1%}"
    )
    return (
        f'<div class="gs-step" style="left:{left:.2f}%;width:{width:.2f}%"><b>step {number}</b>'
        f'<div class="gs-mass" aria-hidden="true">{bar}</div><span>{told}</span></div>'
    )


def _node(row: dict, place: _Place, picked: str) -> str:
    token, chance, items, fate = row["token"], row["probability"], int(row["items"]), row["fate"]
    nothing = fate == KEPT and items == 0
    below = "no item" if items == 0 else "1 item" if items == 1 else f"{items:,} items"
    kind = f"gs-is-{fate}{' gs-nothing' if nothing else ''}{' gs-picked' if row['prefix'] == picked else ''}"
    style = f"left:{place.left:.2f}%;width:{place.width:.2f}%;top:{place.top:g}px;height:{place.height - 4}px"
    mark = "✕ " if nothing or fate == FORBIDDEN else ""
    second = f'<small>{mark}{below}</small><i style="width:{100 * chance:.1f}%"></i>' if fate == KEPT else ""
    return (
        f'<button type="button" class="gs-node {kind}" style="{style}" data-pick="{safe(row["prefix"])}" '
        f'title="{safe(row["prefix"])}" aria-label="{safe(token)}, {fate}, {_share(chance)}, {below}">'
        f'<span class="gs-code gs-{token_kind(token)}">{safe(token)}</span>'
        f"<span>{mark if fate == FORBIDDEN else ''}{_share(chance)}</span>{second}</button>"
    )


def _share(chance: float) -> str:
    return f"{chance:.1%}" if chance >= 0.0005 else "&lt; 0.1%"


def _leaf(row: dict, place: _Place, picked: str) -> str:
    """The title beside a kept prefix of the last step."""
    if row["fate"] != KEPT:
        return ""
    left = place.left + place.width
    mark = " gs-picked" if row["prefix"] == picked else ""
    title = row["title"] or "names nothing"
    return (
        f'<button type="button" class="gs-leaf{mark}" tabindex="-1" data-pick="{safe(row["prefix"])}" '
        f'style="left:{left:.2f}%;width:{100 - left:.2f}%;top:{place.top:g}px;height:{place.height - 4}px" '
        f'title="{safe(title)}"><span>{safe(title)}</span></button>'
    )


def _curves(rows: list[tuple[int, dict]], places: dict[tuple[int, int], _Place], bottom: float, colour: str) -> str:
    """From each drawn prefix to the one it grew from; thicker the likelier it is."""
    looks = {KEPT: (colour, ""), PRUNED: (GREY, "2 4"), FORBIDDEN: (_NOTHING, "2 4")}
    root = _Place(0, _LEFT, _HEAD, _TALL)
    paths = []
    for number, row in rows:
        end = places[number, row["place"]]
        start = root if number == 1 else places.get((number - 1, row["parent"]))
        if start is None:  # its parent is not among those drawn
            continue
        stroke, dash = looks[row["fate"]]
        from_x, to_x = 10 * (start.left + start.width), 10 * end.left
        bend = (from_x + to_x) / 2
        thick = 1 + 5 * row["probability"] ** 0.5 if row["fate"] == KEPT else 1
        paths.append(
            f'<path d="M{from_x:.0f},{start.middle:g} C{bend:.0f},{start.middle:g} {bend:.0f},{end.middle:g} '
            f'{to_x:.0f},{end.middle:g}" stroke="{stroke}" stroke-dasharray="{dash}" stroke-width="{thick:.1f}"/>'
        )
    return (
        f'<svg viewBox="0 0 1000 {bottom:g}" preserveAspectRatio="none" aria-hidden="true">{"".join(paths)}</svg>'
        f'<div class="gs-root" style="top:{root.top:g}px;width:{_LEFT}%;height:{_TALL - 4}px">question</div>'
    )


_STYLE = f"""<style>
.gs-beam {{ margin: 0; line-height: 1.25; font-size: 13px; overflow-x: auto;
  container-type: inline-size; }}
.gs-tree {{ position: relative; min-width: 760px; }}
.gs-tree svg {{ position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; }}
.gs-tree path {{ fill: none; vector-effect: non-scaling-stroke; opacity: .75; }}
.gs-tree button {{ font: inherit; color: inherit; text-align: left; margin: 0; box-sizing: border-box; cursor: pointer;
  position: absolute; background: none; border: 0; border-radius: 6px; }}
.gs-tree button:focus-visible {{ outline: 2px solid currentColor; outline-offset: 1px; }}
.gs-root {{ position: absolute; left: 0; display: flex; align-items: center; justify-content: flex-end;
  font-weight: 600; box-sizing: border-box; padding-right: 8px; }}
.gs-tree .gs-node {{ display: flex; flex-wrap: wrap; justify-content: space-between; align-content: center;
  gap: 0 8px; padding: 1px 8px 3px; font-variant-numeric: tabular-nums; overflow: hidden; }}
.gs-node .gs-code {{ font-family: ui-monospace, monospace; font-size: 12px; }}
.gs-code {{ display: inline-block; line-height: 15px; border-bottom: 2px solid {GREY}; }}
.gs-code.gs-shared {{ border-bottom: 3px double {PART_COLOUR["shared"]}; }}
.gs-code.gs-semantic {{ border-color: {PART_COLOUR["semantic"]}; }}
.gs-code.gs-collaborative {{ border-bottom: 2px dashed {PART_COLOUR["collaborative"]}; }}
.gs-tree .gs-is-kept {{ border: 2px solid var(--gs-own); background: rgba(128,128,128,.1); }}
.gs-node small {{ flex: 1 0 100%; font-size: 11px; opacity: .85; }}
.gs-node i {{ position: absolute; left: 0; bottom: 0; height: 3px; background: var(--gs-own); }}
.gs-tree .gs-nothing {{ border: 2px dashed {_NOTHING}; }} .gs-nothing i {{ background: {_NOTHING}; }}
.gs-tree .gs-is-pruned {{ border: 1px dotted {GREY}; font-size: 12px; }}
.gs-is-pruned .gs-code, .gs-is-pruned span {{ opacity: .85; }}
.gs-tree .gs-is-forbidden {{ border: 1px dashed {_NOTHING}; font-size: 12px; }}
.gs-tree .gs-picked {{ box-shadow: 0 0 0 2px currentColor; }}
.gs-tree .gs-leaf {{ padding: 0 10px; display: flex; align-items: center; font-size: 12.5px; }}
.gs-leaf span {{ overflow: hidden; display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; }}
.gs-tree .gs-leaf:hover, .gs-tree .gs-node:hover {{ background: rgba(128,128,128,.25); }}
.gs-tree .gs-leaf.gs-picked {{ box-shadow: none; font-weight: 700; }}
.gs-band {{ position: absolute; left: 0; right: 0; border-top: 1px solid rgba(128,128,128,.3); font-size: 11px;
  letter-spacing: .06em; text-transform: uppercase; padding: 4px 0; box-sizing: border-box; pointer-events: none; }}
.gs-step {{ position: absolute; top: 0; font-size: 11px; }} .gs-step b {{ font-size: 13px; }}
.gs-step span {{ white-space: nowrap; margin-right: 6px; }}
.gs-mass {{ display: flex; height: 8px; margin: 2px 0; border-radius: 2px; overflow: hidden;
  background: rgba(128,128,128,.15); }}
.gs-mass .gs-kept {{ background: var(--gs-own); }} .gs-mass .gs-pruned {{ background: {GREY}; }}
.gs-mass .gs-forbidden {{ background: {_NOTHING}; }} .gs-mass .gs-lost {{ background: rgba(128,128,128,.15); }}
.gs-beam .gs-note {{ margin-top: 10px; font-size: 12px; opacity: .85; }}
.gs-card {{ border-left: 3px solid {GREY}; padding: 2px 12px; line-height: 1.35; font-size: 13px; max-width: 900px; }}
.gs-card p {{ margin: 4px 0; }} .gs-card ul {{ margin: 4px 0; padding-left: 18px; }}
.gs-card li span {{ opacity: .85; }} .gs-card .gs-codes, .gs-kinds {{ font: 12px ui-monospace, monospace; }}
.gs-kinds > span {{ margin-right: 16px; }}
@container (max-width: 1000px) {{
  .gs-root {{ font-size: 12px; padding-right: 5px; }}
  .gs-tree .gs-node {{ padding: 1px 4px 3px; gap: 0 2px; font-size: 12px; }}
  .gs-node .gs-code {{ font-size: 11px; }}
  .gs-tree .gs-is-pruned, .gs-tree .gs-is-forbidden {{ font-size: 11px; flex-wrap: nowrap; align-items: center;
    white-space: nowrap; }}
}}
</style>"""
