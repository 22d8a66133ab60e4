"""What an answer looked at and what it owes, as tables with titles, for ``view.figures_attention``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gensar_lite.generate.attention import attended, left_out
from gensar_lite.generate.model import GenSAR
from gensar_lite.generate.tasks import Action, Prompt

_TOLD = {"question": "the question itself", "token": "the behaviour token"}


def looked_at(
    model: GenSAR, prompt: Prompt, item: int, head: int | None = None, layer: int | None = None
) -> pd.DataFrame:
    """Where the model looked when asked for an item.

    Args:
        prompt: the question; its history is cut to what the model reads.
        item: the answer whose codes are spelt (a T5 looks anew before each of them).
        head: one attention head, from 0; None: the mean of all.
        layer: one layer, from 0; None: for T5 the last one, for the packed generator all, side by side.

    Returns:
        shares of attention: index ``part``, oldest first; one column per code (T5) or per layer (packed generator).

    Raises:
        AttentionError: the model has no attention to show.
    """
    prompt = model.decoding.prompt(prompt)
    answer = _answer(model, prompt, item)
    seen = attended(model.generator, prompt, answer)
    weights = seen.weights.mean(1) if head is None else seen.weights[:, head]  # (layers, S, P)
    parts = [
        _part(model, prompt.history[part]) if isinstance(part, int) else _TOLD.get(part, part) for part in seen.parts
    ]
    if weights.shape[1] == 1:
        chosen = range(len(weights)) if layer is None else [layer]
        columns = {f"layer {place + 1}": weights[place, 0] for place in chosen}
    else:
        columns = dict(zip(_codes(model, answer), weights[-1 if layer is None else layer], strict=True))
    return pd.DataFrame(columns, index=pd.Index(parts, name="part"))


def owed(model: GenSAR, prompt: Prompt, item: int) -> pd.DataFrame:
    """What each code of an item owes to each action of the history: nats lost when the action is left out.

    Returns:
        index ``action``, oldest first; one column per code.
    """
    prompt = model.decoding.prompt(prompt)
    answer = _answer(model, prompt, item)
    effect = left_out(model.generator, prompt, answer, len(model.vocabulary))
    actions = pd.Index([_part(model, action) for action in prompt.history], name="action")
    return pd.DataFrame(effect, index=actions, columns=_codes(model, answer))


def _answer(model: GenSAR, prompt: Prompt, item: int) -> np.ndarray:
    return model.vocabulary.identifiers(model.table, model.table.kind_for(prompt.behaviour)[0])[item]


def _codes(model: GenSAR, answer: np.ndarray) -> list[str]:
    return [model.vocabulary.tokens[token] for token in answer]


def _part(model: GenSAR, action: Action) -> str:
    what = model.items["title"].iloc[action.item] if action.item >= 0 else f'"{action.query}"'
    return f"<{action.behaviour}> {what}"
