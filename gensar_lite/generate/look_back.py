"""Looking back at the history while an answer is spelled: which past event begins as this answer does?

The speller's memory is one vector. It can hold which codes a shopper's items had, but hardly which of them stood
together in one item; and there are too few clicks on a rare item to learn its whole name by heart. So before each code
but the first, the history is searched for events whose codes agree with what has been spelled so far, and what these
events hold speaks for the next code. It is the work of the cross-attention in T5's decoder, cut down to prefix matching
and copying, as induction heads do (Olsson et al. 2022); pointer-generator networks (See et al. 2017) copy for the same
reason.

This module knows nothing about tasks, vocabularies or beams.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

# Where training starts from: an event that agrees in one code is preferred to the others, and is heard. A loudness that
# started at zero stayed near it on Amazon Scientific (.02 to .28 after 8 epochs), and next to nothing was gained.
MATCH, NOTHING, LOUD = 4.0, 2.0, 0.5
AGES = 7  # 64 events ago and more count as equally old


class Past(NamedTuple):
    """The events of B histories, and who may see them.

    Attributes:
        events: their slots, as the transformer reads them.
        age: for each of S places that ask, how many events ago each one was, in doublings: 0 for the latest event, 1
            for the two before it, 2 for the four before those ...; -1 for what does not come strictly before the place.
    """

    events: Float[Tensor, "B H D"]
    age: Int[Tensor, "B S H"]


class LookBack(nn.Module):
    """One attention head from what is spelled to the events of a history.

    With p the sum of the embeddings of the codes spelled so far and s_h the slot of event h (a sum of codes, too):
    a_h = softmax over h of (M p)·s_h + r(age of h), where "none of them" is one more choice, of its own weight at each
    level; what is said is l C Σ_h a_h s_h. M and C start as multiples of the identity: then (M p)·s_h is large for the
    events that hold the codes of p, and C Σ_h a_h s_h speaks for the rest of their codes. How loud (l, one number a
    level) and how much more a recent event counts than an old one (r, one number per doubling of its age; T5's position
    buckets widen alike, Raffel et al. 2020) are learned.

    Args:
        width: D.
        levels: codes of an identifier.
    """

    def __init__(self, width: int, levels: int) -> None:
        super().__init__()
        self.match = nn.Linear(width, width, bias=False)
        self.copy = nn.Linear(width, width, bias=False)
        self.nothing = nn.Parameter(torch.full((levels,), NOTHING))
        self.loud = nn.Parameter(torch.full((levels,), LOUD))
        self.recent = nn.Parameter(torch.zeros(AGES))
        with torch.no_grad():
            self.match.weight.copy_(MATCH * torch.eye(width))
            self.copy.weight.copy_(torch.eye(width))

    def forward(self, spelled: Float[Tensor, "B R D"], depth: Int[Tensor, " R"], past: Past) -> Float[Tensor, "B R D"]:
        """What the histories say about the next code; zeros where a history is empty.

        Args:
            spelled: for each of R prefixes, the sum of its codes' embeddings.
            depth: codes of each prefix, below ``levels``.
            past: with a place for each prefix (S = R), or one for all of them (S = 1).
        """
        keys = past.events @ self.match.weight  # (M p)·s = p·(Mᵀ s): there are fewer events than prefixes
        agree = spelled @ keys.mT + self.recent[past.age.clamp(0, AGES - 1)]
        agree = agree.masked_fill(past.age < 0, -1e9)
        none = self.nothing[depth][None, :, None].expand(len(spelled), -1, 1)
        weights = torch.cat([agree, none], 2).softmax(2)[..., :-1]
        return weights @ self.copy(past.events) * self.loud[depth][:, None]
