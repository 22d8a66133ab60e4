"""How text is read everywhere: one normalisation for queries and one way to cut a text into words.

It knows nothing about vocabularies: a word no model has seen is still a word here.
"""

from __future__ import annotations

import html
import re
import unicodedata

_NOT_A_WORD = re.compile(r"[^\w]+|_+")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_SPACES = re.compile(r"\s+")


def normalise_query(text: str) -> str:
    """A query as models see it: Unicode NFKC, case folded, letters and digits of any script, single spaces.

    Returns:
        "" when nothing is left; whoever needs words has to say so (the generator does).
    """
    folded = unicodedata.normalize("NFKC", str(text)).casefold()
    # Folding can undo the composition (e.g. of a dotted capital I), so compose once more.
    return _NOT_A_WORD.sub(" ", unicodedata.normalize("NFKC", folded)).strip()


def words(text: str) -> list[str]:
    """The words of a text, in order, after ``normalise_query``."""
    return normalise_query(text).split()


def plain_text(text: str) -> str:
    """Shop text without its web mark-up: entities become characters (&amp; -> &), tags and line breaks spaces."""
    # Twice, because old shop data is full of "&amp;quot;"; a text that is clean already does not change.
    return _SPACES.sub(" ", _TAG.sub(" ", html.unescape(html.unescape(str(text))))).strip()
