"""The ways of putting a question to a trained model and of reading its answer, as named options.

One dataclass holds them; the defaults are the method's. An option that a backbone cannot serve is refused in words,
never ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from gensar_lite.generate.beam import DecodingError
from gensar_lite.generate.decoder import StepDecoder
from gensar_lite.generate.packed import PackedGenerator, WholeVocabulary
from gensar_lite.generate.tasks import Prompt
from gensar_lite.generate.text_model import PerLevel, TextGenerator
from gensar_lite.generate.vocabulary import Vocabulary

INPUT, DECODER = "input", "decoder"
OWN, LEVEL, WHOLE = "own", "level", "vocabulary"


@dataclass(frozen=True)
class Decoding:
    """How a question is decoded. ``dataclasses.replace(model.decoding, beams=5)`` changes one thing.

    Attributes:
        constrained: True: a step may only go on to prefixes of identifiers that exist (the paper, 3.4.2), so every
            answer is an item. False: anything the softmax reaches may be said; what names no item is no answer, and
            fewer answers come back. Scores are the model's own either way, never renormalised over what is allowed.
        behaviour: where the behaviour token stands. "input": it ends the question, before anything is decoded (the
            paper's 3.4.2, and how the models here are trained). "decoder": the question does without it, and it is the
            first token the decoder is given, not scored (the authors' code). A T5 takes it in either place, but has
            only learned the place it was trained with; the packed generator spells from the vector of the slot that
            holds the token, has no step before the first code, and refuses.
        softmax: over what a step's probabilities add up to 1. "vocabulary": every token the model knows, words and
            codes of other levels too (a T5 of transformers). "level": the codes that can stand at this level, of both
            kinds of identifier (the packed generator): a code of the wrong level then costs nothing. "own": whichever
            of the two the model was trained with. The other one is computed from the same hidden states.
        beams: prefixes kept after each step, and the most identifiers an answer can list (the paper: 30). A wider beam
            loses less and costs more; ``exact`` scores do not depend on it.
        history: latest actions of the history that are read; 0 for none. The packed generator reads all of them, T5
            the last five recommended clicks and five searches among them, as the paper does.

    Raises:
        DecodingError: a word that names no option, beams below 1, or a history below 0.
    """

    constrained: bool = True
    behaviour: str = INPUT
    softmax: str = OWN
    beams: int = 30
    history: int = 50

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        for name, known in (("behaviour", (INPUT, DECODER)), ("softmax", (OWN, LEVEL, WHOLE))):
            if getattr(self, name) not in known:
                raise DecodingError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(known)}.")
        if self.beams < 1 or self.history < 0:
            raise DecodingError(f"beams must be at least 1 and history at least 0, not {self.beams}, {self.history}.")

    def prompt(self, prompt: Prompt) -> Prompt:
        """A question as the encoder is given it."""
        kept = prompt.history[max(len(prompt.history) - self.history, 0) :]
        return prompt._replace(history=kept, behaviour=prompt.behaviour if self.behaviour == INPUT else None)

    def forced(self, prompts: list[Prompt], vocabulary: Vocabulary) -> Int[np.ndarray, "B 1"] | None:
        """Tokens the decoder is given first for these questions (as asked, before ``prompt``); None for none.

        Raises:
            DecodingError: only some of the questions have a behaviour token.
        """
        if self.behaviour == INPUT or all(prompt.behaviour is None for prompt in prompts):
            return None
        if any(prompt.behaviour is None for prompt in prompts):
            raise DecodingError("questions with and without a behaviour token cannot be decoded in one call.")
        return np.array([[vocabulary.behaviour(prompt.behaviour)] for prompt in prompts])


def decoder_for(generator: Any, decoding: Decoding) -> StepDecoder:
    """The generator as a step decoder with these options.

    Raises:
        DecodingError: this generator has no such variant.
    """
    if decoding.behaviour == DECODER and isinstance(generator, PackedGenerator):
        raise DecodingError(
            "the packed generator takes the behaviour token in its input only: its answer starts from the slot that "
            'holds the token. Use behaviour="input", or a T5 (backbone "t5").'
        )
    if decoding.softmax in (OWN, getattr(generator, "softmax", OWN)):
        return generator
    if isinstance(generator, PackedGenerator):
        return WholeVocabulary(generator)
    if isinstance(generator, TextGenerator):
        return PerLevel(generator, forced=int(decoding.behaviour == DECODER))
    raise DecodingError(f'a {type(generator).__name__} has one softmax only. Use softmax="own".')
