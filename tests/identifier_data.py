"""A catalogue of eight items by hand: two kinds of identifier of different length, collisions, hostile titles."""

import numpy as np

from gensar_lite.identify.table import IdentifierTable
from gensar_lite.view.catalogue import Catalogue

HOSTILE = ("<img src=x onerror=alert(1)>", "$x$", "</script><b>bold</b>")
TITLES = (*HOSTILE, "Steel Bottle", "steel mug", "Tent", "Tent", "Lamp 20")
CATEGORIES = (*["Home, Odd"] * 3, "Home, Bottle", "Home, Mug", "Camp, Tent", "Camp, Tent", "Home, Lamp")
CLICKS = np.array([0, 1, 2, 3, 10, 20, 0, 5])
IDS = np.array([f"i{place}" for place in range(8)], dtype=object)
# Collisions: {0, 1} and {5, 6} by text, {1, 2, 3} by clicks. One level is shared.
SEMANTIC = np.array([[0, 1, 2], [0, 1, 2], [0, 1, 3], [0, 2, 0], [1, 0, 0], [1, 0, 1], [1, 0, 1], [2, 2, 2]])
COLLABORATIVE = np.array([[0, 0], [0, 1], [0, 1], [0, 1], [1, 4], [1, 3], [1, 2], [2, 0]])
TABLE = IdentifierTable(
    "joint",
    IDS,
    {"semantic": SEMANTIC, "collaborative": COLLABORATIVE},
    {"semantic": (3, 3, 4), "collaborative": (3, 5)},
    1,
)
POINTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [5, 5], [9, 9], [9, 8], [-4, 2]], dtype=np.float64)
# Two neighbours each, best first, as if found in the original spaces; nobody clicked items 0 and 6.
NEAR_TEXT = np.array([[1, 2], [0, 2], [0, 1], [4, 2], [3, 7], [6, 4], [5, 4], [4, 5]])
NEAR_CLICKS = np.array([[-1, -1], [2, 3], [1, 3], [1, 2], [5, 7], [4, 7], [-1, -1], [4, 5]])


def catalogue() -> Catalogue:
    """All that can be known about the eight items."""
    return Catalogue(TABLE, TITLES, CATEGORIES, CLICKS)


def bare_catalogue() -> Catalogue:
    """The text identifiers alone, and no categories or clicks."""
    one_kind = IdentifierTable("alone", IDS, {"semantic": SEMANTIC}, {"semantic": (3, 3, 4)}, 3)
    return Catalogue(one_kind, TITLES)


def one_item() -> Catalogue:
    """A single item with one level."""
    codes = np.zeros((1, 1), dtype=np.int64)
    return Catalogue(IdentifierTable("one", IDS[:1], {"semantic": codes}, {"semantic": (1,)}, 1), TITLES[:1])
