"""One history, two questions: both ranked lists side by side, the way of every item between them, and two numbers.

Tables in, HTML out: real lists that a screen reader reads, with curves between them. Titles and queries are data from
strangers and are shown as plain text. Text takes the page's own colour, so that both themes are served.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from gensar_lite.generate.tasks import Action
from gensar_lite.view.figures_generation import token_kind
from gensar_lite.view.theme import COLOUR, GREY, OKABE_ITO, PART_COLOUR, WORD, safe, table_twin

ROW = 46  # pixels of one place in a list
DEEP = 130  # pixels for all the ranks below the lists
TOKENS = ("R_I", "S_I", None)  # what a question can end in; None: no token
_NAME = {"R_I": "<R_I>", "S_I": "<S_I>", None: "no token"}
_MARK = {"R_I": "gs-diamond", "S_I": "gs-circle", None: "gs-square"}
# Which alphabets a token lets the model answer in: collaborative codes, semantic ones, or the union of both.
_ALPHABET = {"R_I": "collaborative identifiers", "S_I": "semantic identifiers", None: "identifiers of both kinds"}
_MOVE = {"rises": (OKABE_ITO[2], ""), "falls": (OKABE_ITO[5], "9 4"), "stays": (GREY, "3 4")}


class Side(NamedTuple):
    """What one of two questions says.

    Attributes:
        token: "R_I", "S_I" or None, the behaviour token that ends the question; None leaves it out.
        words: "R_I" for the instruction to recommend, "S_I" for the one to search together with the query, None for
            the neutral wording that both tasks share, without a query.
    """

    token: str | None
    words: str | None


class Asked(NamedTuple):
    """One question, for views that follow another's."""

    history: tuple[Action, ...]
    side: Side
    query: str


class Flipped(NamedTuple):
    """Two answers to one history.

    Attributes:
        before, now: best first, index ``rank`` from 1, columns ``item_id``, ``title``, ``probability`` (0 to 1),
            ``identifier`` (tokens with spaces between) and ``elsewhere`` (rank of the item in the whole catalogue
            under the other question, from 1).
        divergence: KL(now || before) over all items, each side renormalised over them; nats.
        overlap: rank-biased overlap of both whole rankings, 0 to 1.
        persistence: its p.
        n_items: size of the catalogue.
    """

    before: pd.DataFrame
    now: pd.DataFrame
    divergence: float
    overlap: float
    persistence: float
    n_items: int


def own_words(token: str | None) -> str:
    """The instruction that goes with a token; without one the query is told all the same, and nothing says what for."""
    return "R_I" if token == "R_I" else "S_I"


def sides(before: str | None, now: str | None, token: bool = True, words: bool = True) -> tuple[Side, Side]:
    """What the two questions of a flip say, given which of the two switches are on.

    Args:
        before, now: the tokens flipped from and to.
        token: flip the token. Off: both questions end as the new one does.
        words: flip the instruction and the query, too. Off while the token flips: both questions use the neutral
            wording, which was trained with either token. Where both tokens go with the same words, the flip of the
            words alone is from the neutral ones.
    """
    own = own_words(before), own_words(now)
    if token and words:
        return Side(before, own[0]), Side(now, own[1])
    if token:
        return Side(before, None), Side(now, None)
    if words:
        return Side(now, own[0] if own[0] != own[1] else None), Side(now, own[1])
    return Side(now, own[1]), Side(now, own[1])


def question_in_words(side: Side, query: str) -> str:
    """A question as a reader would say it; plain text."""
    said = {"R_I": "recommend the next item", "S_I": f"search for “{query}”", None: "what comes next?"}
    return said[side.words]


def token_name(token: str | None) -> str:
    """A behaviour token as it is written, or "no token"; plain text."""
    return _NAME[token]


def flip_table(flipped: Flipped, pair: tuple[Side, Side]) -> pd.DataFrame:
    """Both lists as one table: ``question`` (before or now), ``token``, ``rank``, then the columns of the lists."""
    parts = []
    for name, side, answer in zip(("before", "now"), pair, (flipped.before, flipped.now), strict=True):
        part = answer.rename_axis("rank").reset_index()
        part.insert(0, "token", _NAME[side.token])
        part.insert(0, "question", name)
        parts.append(part.drop(columns="item_id"))
    return pd.concat(parts, ignore_index=True)


def flip_sentence(flipped: Flipped, pair: tuple[Side, Side]) -> str:
    """What the picture shows, in words."""
    names = [f"{_NAME[side.token]} ({WORD.get(side.words, 'neutral words')})" for side in pair]
    return (
        f"Two ranked lists of {len(flipped.before)} and {len(flipped.now)} items: before, {names[0]}, and now, "
        f"{names[1]}. {len(_both(flipped))} items stand in both and are joined by a line; every item carries its rank "
        f"in the whole catalogue under the other question. The answers differ by {flipped.divergence:.2f} nats; their "
        f"rank-biased overlap is {flipped.overlap:.2f}."
    )


def flip_html(flipped: Flipped, pair: tuple[Side, Side], query: str) -> str:
    """Two ranked lists of one history side by side; a curve joins the places of an item that stands in both.

    Args:
        flipped: both answers and how far apart they are.
        pair: what each question says.
        query: the words typed, as shown in the heading.
    """
    heaviest = max([*flipped.before["probability"], *flipped.now["probability"], 1e-12])
    scale = Scale(max(len(flipped.before), len(flipped.now), 1), flipped.n_items)
    both = _both(flipped)
    left, right = (
        _list(answer, side, both, heaviest, place)
        for answer, side, place in zip((flipped.before, flipped.now), pair, ("before", "now"), strict=True)
    )
    heads = [_head(side, query, place) for side, place in zip(pair, ("before", "now"), strict=True)]
    deep = "".join(_deep(scale, place) for place in ("before", "now"))
    return (
        f'{_STYLE}<figure class="gs-flip">{_numbers(flipped, len(both))}'
        f'<div class="gs-pair">{heads[0]}<div></div>{heads[1]}'
        f"{left}{_curves(flipped, pair, both, scale)}{right}{deep}</div>{_legend(pair)}"
        f'<figcaption class="gs-note" role="note">{safe(flip_sentence(flipped, pair))}</figcaption>'
        f"{table_twin(flip_table(flipped, pair))}</figure>"
    )


class Scale(NamedTuple):
    """Heights of ranks: one row each as far as the lists go, then a logarithmic scale down to the last item.

    Attributes:
        rows: places that are listed.
        n_items: the last rank.
    """

    rows: int
    n_items: int

    @property
    def height(self) -> int:
        """Of the whole scale, in pixels."""
        return ROW * self.rows + DEEP

    def y(self, rank: int) -> float:
        """Middle of a rank, in pixels from the top."""
        if rank <= self.rows:
            return ROW * (rank - 0.5)
        share = math.log(rank / self.rows) / math.log(max(self.n_items, self.rows + 1) / self.rows)
        return ROW * self.rows + (DEEP - 8) * min(share, 1.0)

    @property
    def ticks(self) -> list[int]:
        """Powers of ten below the lists that have room for a label."""
        powers = (10**power for power in range(1, 10))
        return [rank for rank in powers if self.rows < rank <= self.n_items and self.y(rank) > ROW * self.rows + 14]


def _both(flipped: Flipped) -> list[str]:
    """Items of both lists, in the order of the first."""
    return [item for item in flipped.before["item_id"] if item in set(flipped.now["item_id"])]


def _numbers(flipped: Flipped, both: int) -> str:
    facts = (
        (f"{both} of {max(len(flipped.before), len(flipped.now))}", "items stand in both lists"),
        (
            f"{flipped.divergence:.2f} nats",
            f"KL(now ‖ before) = Σ p·ln(p/q), exact, renormalised over the {flipped.n_items:,} items",
        ),
        (
            f"{flipped.overlap:.2f}",
            f"rank-biased overlap of both whole rankings (p = {flipped.persistence:g}); 1 = the same order",
        ),
    )
    cells = "".join(
        f'<div role="listitem"><strong>{safe(value)}</strong><span>{safe(told)}</span></div>' for value, told in facts
    )
    return f'<div class="gs-facts" role="list">{cells}</div>'


def _head(side: Side, query: str, place: str) -> str:
    token = "gs-none" if side.token is None else f"gs-{side.token}"
    return (
        f'<div class="gs-head gs-{place}"><span class="gs-when">{place}</span> '
        f'<span class="gs-token {token}"><i class="{_MARK[side.token]}"></i>{safe(_NAME[side.token])}</span> '
        f'<span class="gs-asked">{safe(question_in_words(side, query))}</span>'
        f'<div class="gs-alphabet">answers in {_ALPHABET[side.token]}</div></div>'
    )


def _list(answer: pd.DataFrame, side: Side, both: Sequence[str], heaviest: float, place: str) -> str:
    colour = COLOUR.get(side.token, GREY)
    rows = []
    columns = (answer[name] for name in ("item_id", "title", "probability", "identifier", "elsewhere"))
    for rank, (item, title, probability, identifier, elsewhere) in enumerate(zip(*columns), start=1):
        bar = 100 * probability / heaviest
        there = f"→ {int(elsewhere):,}" if place == "before" else f"{int(elsewhere):,} →"
        rows.append(
            f'<li class="gs-row{" gs-joined" if item in both else ""}" style="--gs-late:{rank * 25}ms">'
            f'<span class="gs-rank">{rank}</span>'
            f'<span class="gs-what"><span class="gs-title" title="{safe(title)}">{safe(title)}</span>'
            f'<span class="gs-codes">{identifier_html(identifier)}</span></span>'
            f'<span class="gs-chance"><span class="gs-bar" style="width:{bar:.1f}%;background:{colour}"></span>'
            f"<span>{probability:.1%}</span></span>"
            f'<span class="gs-there" title="rank in the whole catalogue under the other question">{there}</span></li>'
        )
    body = "".join(rows) or '<li class="gs-row">(no answer)</li>'
    return f'<ol class="gs-list gs-{place}" aria-label="{place}">{body}</ol>'


def identifier_html(identifier: str) -> str:
    """An identifier's tokens, small, each underlined in the colour and the stroke of its part."""
    return " ".join(
        f'<span class="gs-code gs-{token_kind(token)}">{safe(token)}</span>' for token in identifier.split()
    )


def _curves(flipped: Flipped, pair: tuple[Side, Side], both: Sequence[str], scale: Scale) -> str:
    """The middle: a curve for every listed item, from its rank before to its rank now; thick where it is in both."""
    thin, thick = [], []
    for place, (side, answer) in enumerate(zip(pair, (flipped.before, flipped.now), strict=True)):
        for rank, (item, elsewhere) in enumerate(zip(answer["item_id"], answer["elsewhere"]), start=1):
            if item not in both:
                ends = (rank, int(elsewhere)) if place == 0 else (int(elsewhere), rank)
                thin.append(_curve(scale, ends, COLOUR.get(side.token, GREY), _dash(side.token), "gs-thin"))
            elif place == 0:
                other = flipped.now["item_id"].tolist().index(item) + 1
                colour, dash = _MOVE["rises" if other < rank else "falls" if other > rank else "stays"]
                thick.append(_curve(scale, (rank, other), colour, dash, "gs-thick"))
    lines = "".join(
        f'<line x1="0" x2="100" y1="{scale.y(tick):.1f}" y2="{scale.y(tick):.1f}"/>' for tick in scale.ticks
    )
    return (
        f'<div class="gs-middle" style="height:{scale.height:g}px" aria-hidden="true">'
        f'<svg viewBox="0 0 100 {scale.height:g}" preserveAspectRatio="none">{lines}{"".join(thin + thick)}</svg></div>'
    )


def _curve(scale: Scale, ends: tuple[int, int], colour: str, dash: str, kind: str) -> str:
    start, end = (scale.y(rank) for rank in ends)
    path = f"M0,{start:.1f} C50,{start:.1f} 50,{end:.1f} 100,{end:.1f}"
    return f'<path class="{kind}" d="{path}" stroke="{colour}" stroke-dasharray="{dash}"/>'


def _dash(token: str | None) -> str:
    return {"R_I": "6 4", "S_I": "", None: "2 3"}[token]


def _deep(scale: Scale, place: str) -> str:
    """Beside the lower middle: the ranks that no list reaches."""
    ticks = "".join(
        f'<span class="gs-tick" style="top:{scale.y(tick) - ROW * scale.rows - 8:.1f}px">{tick:,}</span>'
        for tick in scale.ticks
    )
    told = f"ranks {scale.rows + 1:,} to {scale.n_items:,}, a logarithmic scale" if place == "before" else ""
    return f'<div class="gs-deep gs-{place}" style="height:{DEEP}px" aria-hidden="true">{told}{ticks}</div>'


def _legend(pair: tuple[Side, Side]) -> str:
    """What the lines mean."""
    parts = [(f"in both, {move}", *look, 4) for move, look in _MOVE.items()]
    for side, place in zip(pair, ("before", "now"), strict=True):
        parts.append((f"listed only {place}", COLOUR.get(side.token, GREY), _dash(side.token), 2))
    drawn = "".join(
        f'<span><svg width="30" height="8"><path d="M0,4 H30" stroke="{colour}" stroke-dasharray="{dash}" '
        f'stroke-width="{width}"/></svg>{name}</span>'
        for name, colour, dash, width in parts
    )
    return f'<div class="gs-legend" aria-hidden="true">{drawn}</div>'


_STYLE = f"""<style>
.gs-flip {{ margin: 0; line-height: 1.3; font-size: 14px; container-type: inline-size; }}
.gs-flip i {{ font-style: normal; }}
.gs-facts {{ display: flex; flex-wrap: wrap; gap: 8px 28px; margin: 4px 0 14px; }}
.gs-facts div {{ display: flex; flex-direction: column; flex: 1 1 150px; padding-left: 10px;
  border-left: 3px solid {GREY}; }}
.gs-facts strong {{ font-size: 24px; font-weight: 600; font-variant-numeric: tabular-nums; }}
.gs-facts span {{ font-size: 12px; opacity: .8; }}
.gs-pair {{ display: grid; grid-template-columns: minmax(0, 1fr) clamp(70px, 17cqw, 340px) minmax(0, 1fr); }}
.gs-head {{ padding: 0 0 8px; }}
.gs-when {{ font-size: 11px; letter-spacing: .08em; text-transform: uppercase; opacity: .75; margin-right: 4px; }}
.gs-token {{ font-family: ui-monospace, monospace; font-weight: 700; border: 2px solid {GREY}; border-radius: 6px;
  padding: 1px 8px; white-space: nowrap; }}
.gs-token i {{ display: inline-block; width: 9px; height: 9px; margin-right: 7px; background: {GREY}; }}
.gs-token.gs-R_I {{ border-color: {COLOUR["R_I"]}; }} .gs-token.gs-R_I i {{ background: {COLOUR["R_I"]}; }}
.gs-token.gs-S_I {{ border-color: {COLOUR["S_I"]}; }} .gs-token.gs-S_I i {{ background: {COLOUR["S_I"]}; }}
.gs-token.gs-none {{ border-style: dashed; }}
.gs-diamond {{ transform: rotate(45deg); }} .gs-circle {{ border-radius: 50%; }}
.gs-asked {{ font-weight: 600; margin-left: 4px; overflow-wrap: anywhere; }}
.gs-alphabet {{ font-size: 12px; opacity: .8; margin-top: 3px; }}
.gs-list {{ list-style: none; margin: 0; padding: 0; }}
.gs-row {{ display: grid; align-items: center; height: {ROW}px; gap: 10px; box-sizing: border-box; padding: 0 8px;
  border-bottom: 1px solid rgba(128,128,128,.25); margin: 0; }}
.gs-before .gs-row {{ grid-template-columns: 1.4em minmax(0, 1fr) 60px 3.6em; }}
.gs-now .gs-row {{ grid-template-columns: 3.6em 1.4em minmax(0, 1fr) 60px; }}
.gs-now .gs-there {{ order: -1; text-align: left; }}
.gs-row.gs-joined {{ background: rgba(128,128,128,.13); }}
.gs-rank {{ font-weight: 700; text-align: right; font-variant-numeric: tabular-nums; }}
.gs-what {{ min-width: 0; }}
.gs-title {{ display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }}
.gs-codes {{ display: block; overflow: hidden; white-space: nowrap; padding-bottom: 1px;
  font: 11px/18px ui-monospace, monospace; }}
.gs-code {{ display: inline-block; line-height: 13px; border-bottom: 2px solid {GREY}; }}
.gs-code.gs-shared {{ border-bottom: 3px double {PART_COLOUR["shared"]}; }}
.gs-code.gs-semantic {{ border-color: {PART_COLOUR["semantic"]}; }}
.gs-code.gs-collaborative {{ border-bottom: 2px dashed {PART_COLOUR["collaborative"]}; }}
.gs-chance {{ position: relative; text-align: right; font-variant-numeric: tabular-nums; padding-bottom: 5px; }}
.gs-bar {{ position: absolute; left: 0; bottom: 0; height: 4px; min-width: 1px; border-radius: 2px; }}
.gs-there {{ text-align: right; font-size: 12px; opacity: .8; white-space: nowrap; }}
.gs-joined .gs-there {{ font-weight: 700; opacity: 1; }}
.gs-middle {{ position: relative; grid-row: 2 / span 2; grid-column: 2; }}
.gs-deep {{ position: relative; grid-row: 3; font-size: 12px; padding: 4px 8px; box-sizing: border-box; opacity: .75; }}
.gs-deep.gs-before {{ grid-column: 1; }} .gs-deep.gs-now {{ grid-column: 3; }}
.gs-tick {{ position: absolute; }} .gs-before .gs-tick {{ right: 6px; }} .gs-now .gs-tick {{ left: 6px; }}
.gs-middle svg {{ position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }}
.gs-middle path, .gs-legend path {{ fill: none; vector-effect: non-scaling-stroke; }}
.gs-thick {{ stroke-width: 4px; }} .gs-thin {{ stroke-width: 2px; }}
.gs-middle line {{ stroke: rgba(128,128,128,.35); stroke-width: 1px; vector-effect: non-scaling-stroke; }}
.gs-legend {{ display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 12px; opacity: .9; margin: 6px 0 0; }}
.gs-legend svg {{ margin-right: 6px; vertical-align: middle; }}
.gs-note {{ margin-top: 10px; font-size: 12px; opacity: .85; }}
@container (max-width: 1000px) {{
  .gs-pair {{ grid-template-columns: minmax(0, 1fr) clamp(64px, 12cqw, 120px) minmax(0, 1fr); }}
  .gs-row {{ gap: 6px; padding: 0 6px; }}
  .gs-before .gs-row {{ grid-template-columns: 1.2em minmax(0, 1fr) 46px 3em; }}
  .gs-now .gs-row {{ grid-template-columns: 3em 1.2em minmax(0, 1fr) 46px; }}
}}
@container (max-width: 760px) {{ .gs-codes {{ display: none; }} .gs-row {{ gap: 6px; }} }}
@media (prefers-reduced-motion: no-preference) {{
  .gs-middle svg {{ animation: gs-reveal .6s ease-out; }}
  .gs-now .gs-row {{ animation: gs-arrive .35s ease-out backwards; animation-delay: var(--gs-late); }}
  @keyframes gs-reveal {{ from {{ clip-path: inset(0 100% 0 0); }} to {{ clip-path: inset(0 0 0 0); }} }}
  @keyframes gs-arrive {{ from {{ opacity: 0; transform: translateX(-18px); }} }}
}}
</style>"""
