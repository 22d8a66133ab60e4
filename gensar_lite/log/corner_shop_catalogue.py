"""The corner shop's shelves: items, their texts, and the queries each item is looked for by.

The semantic cause lives here: department, category, product type, brand and features shape the text of an item and
the queries that lead to it. Who buys what lives in ``corner_shop``; this module knows no shoppers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from gensar_lite.log.corner_shop_text import COLOURS, LINES, STYLES, VAGUE_QUERIES, ProductType, read_catalogue
from gensar_lite.log.dice import Dice
from gensar_lite.log.text import normalise_query

CATALOGUE_STREAM, SHELF_STREAM = 1, 2

# How an item is looked for: by its type, its category, its department, with words that fit anything, by its house
# style (a fifth of the shop), by its brand, by a feature, or by a feature or brand together with the type.
QUERY_KINDS = {
    "type": 7,
    "category": 40,
    "department": 20,
    "vague": 24,
    "style": 3,
    "brand": 3,
    "feature": 2,
    "combined": 1,
}
_SYNONYM_SHARES = ((240,), (150, 90), (120, 72, 48))  # the first word of a list is typed most
# Goods nobody buys by colour, by category or type.
_PLAIN = {"Baby Care", "Skin Care", "Hair Care", "First Aid", "Coffee & Tea", "Snacks", "Cleaning", "Compost"}
_PLAIN |= {"Herb Seeds", "Flower Bulbs", "Bath Salts"}
_ZIPF = 720_720  # divisible by 1..16, so that the heads of the popularity curves are exact


class Queries(NamedTuple):
    """What one item is looked for by: distinct query strings and their whole-number weights."""

    texts: list[str]
    weights: np.ndarray


@dataclass(frozen=True)
class Catalogue:
    """The items and what is known about them beyond the log.

    Attributes:
        items: the table that goes into the log, sorted by item_id.
        types: the T product types of the shop.
        type_of: (N,) what the item's text says it is.
        shelf_of: (N,) the group the shoppers treat it as; equals ``type_of`` unless the tree is switched off.
        style: (N,) the brand's style, 0..4 (see ``corner_shop_text.STYLES``).
        feature: (N, 2) positions in the type's list of features; the first stands in the title or the description.
        weight: (N,) Zipf popularity within the shelf, whole numbers.
        affinity: (N,) uint64, bit o set: favoured in occasion o beyond what any text says.
        launch: (N,) first day on sale; 0 for all but the late items.
        variant_of: (N,) the item whose text this one repeats word for word, or -1.
    """

    items: pd.DataFrame
    types: list[ProductType]
    type_of: np.ndarray
    shelf_of: np.ndarray
    style: np.ndarray
    feature: np.ndarray
    weight: np.ndarray
    affinity: np.ndarray
    launch: np.ndarray
    variant_of: np.ndarray

    def shelves(self) -> list[np.ndarray]:
        """Item indices of each shelf, ascending."""
        order = np.argsort(self.shelf_of, kind="stable")
        return np.split(order, np.searchsorted(self.shelf_of[order], np.arange(1, len(self.types))))


def make_catalogue(
    seed: int,
    n_items: int,
    types: list[ProductType],
    variant_permille: int,
    late_permille: int,
    launch_days: tuple[int, int],
    tree: bool,
) -> Catalogue:
    """Fill the shelves.

    Args:
        seed: equal seeds give equal shelves.
        n_items: N, variants included; at least one per type.
        types: what is sold.
        variant_permille: share of the items, in thousandths, that repeat another item's text.
        late_permille: share of the items that appear late.
        launch_days: first and last day (exclusive) on which late items appear.
        tree: False cuts the tie between text and shelf, so that texts say nothing about who buys what.
    """
    dice = Dice(seed, CATALOGUE_STREAM)
    n_variants = n_items * variant_permille // 1000
    n_base = n_items - n_variants
    if n_base < len(types):
        raise ValueError(f"{n_items} items do not fill {len(types)} product types; ask for more items or fewer types")
    type_of = np.sort(np.concatenate([np.arange(len(types)), _spread(dice, len(types), n_base - len(types))]))
    late = np.zeros(n_items, dtype=bool)
    late[dice.shuffled(n_base)[: n_items * late_permille // 1000]] = True
    originals = np.sort(dice.shuffled(n_base)[:n_variants])
    source = np.concatenate([np.arange(n_base), originals])  # whose text each item carries
    style = dice.many(len(STYLES), n_base)
    n_features = np.array([len(kind.features) for kind in types])[type_of]
    first = dice.many(1 << 16, n_base) % n_features
    feature = np.stack([first, (first + 1 + dice.many(1 << 16, n_base) % (n_features - 1)) % n_features], axis=1)
    titles, descriptions = _texts(dice, types, type_of, style, feature)

    # Identifiers in shuffled order: neither the type nor the popularity of an item can be read off its number.
    shelf = Dice(seed, SHELF_STREAM)
    order = shelf.shuffled(n_items)
    place = np.argsort(order)
    variant_of = np.full(n_items, -1)
    variant_of[place[n_base:]] = place[originals]
    source = source[order]
    type_of, style, feature = type_of[source], style[source], feature[source]
    shelf_of = type_of if tree else type_of[shelf.shuffled(n_items)]
    width = len(str(n_items - 1))
    items = pd.DataFrame(
        {
            "item_id": [f"i{number:0{width}d}" for number in range(n_items)],
            "title": [titles[row] for row in source],
            "description": [descriptions[row] for row in source],
            "categories": [
                f"{kind.department}, {kind.category}, {kind.name}" for kind in map(types.__getitem__, type_of)
            ],
            "brand": [types[kind].brands[look].title() for kind, look in zip(type_of, style, strict=True)],
        }
    )
    launch = np.where(late[order], launch_days[0] + shelf.many(launch_days[1] - launch_days[0], n_items), 0)
    affinity = shelf.bits(n_items) & shelf.bits(n_items) & shelf.bits(n_items)  # one item in eight
    copies = np.flatnonzero(variant_of >= 0)
    # A variant is loved where its original is not: clicks tell apart what no text can.
    affinity[copies] = shelf.bits(len(copies)) & shelf.bits(len(copies)) & ~affinity[variant_of[copies]]
    catalogue = Catalogue(
        items, types, type_of, shelf_of, style, feature, np.zeros(n_items, int), affinity, launch, variant_of
    )
    for members in catalogue.shelves():
        catalogue.weight[members] = _ZIPF // (2 + shelf.shuffled(len(members)))
    catalogue.weight[launch > 0] *= 2  # new arrivals stand in the window
    return catalogue


def types_of_shop(departments: int, categories: int, types: int) -> list[ProductType]:
    """The first ``departments``, and of each the first ``categories``, and of each the first ``types``."""
    chosen: list[ProductType] = []
    seen: dict[str, dict[str, int]] = {}
    for kind in read_catalogue():
        inside = seen.setdefault(kind.department, {})
        inside[kind.category] = inside.get(kind.category, 0) + 1
        if len(seen) <= departments and len(inside) <= categories and inside[kind.category] <= types:
            chosen.append(kind)
    return chosen


def query_weights(catalogue: Catalogue, item: int, held_back_permille: int) -> Queries:
    """P(query | item) as whole numbers; it does not depend on the shopper.

    Args:
        catalogue: the shelves.
        item: item index.
        held_back_permille: 0 in the training period. In test events the share, in thousandths, of type and category
            queries that use the word held back; brands never typed before are typed then too.
    """
    kind = catalogue.types[catalogue.type_of[item]]
    brand = kind.brands[catalogue.style[item]]
    features = [kind.features[position] for position in catalogue.feature[item]]
    weights: dict[str, int] = {}

    def add(group: str, words: list[str], held_back: str | None = None) -> None:
        shares = _SYNONYM_SHARES[len(words) - 1]
        for word, share in zip(words, shares, strict=True):
            kept = 1000 - held_back_permille if held_back else 1000
            word = normalise_query(word)
            weights[word] = weights.get(word, 0) + QUERY_KINDS[group] * share * kept
        if held_back and held_back_permille:
            word = normalise_query(held_back)
            weights[word] = weights.get(word, 0) + QUERY_KINDS[group] * 240 * held_back_permille

    add("type", list(kind.queries), kind.held_back)
    add("category", list(kind.category_queries), kind.category_held_back)
    add("department", list(kind.department_queries), kind.department_held_back)
    style_queries, style_held_back = list(STYLES.values())[catalogue.style[item]]
    add("style", list(style_queries), style_held_back)
    add("vague", list(VAGUE_QUERIES))
    add("feature", features)
    if held_back_permille or brand != kind.quiet_brand:
        add("brand", [brand])
        add("combined", [f"{features[0]} {kind.queries[0]}", f"{brand} {kind.queries[0]}"])
    else:
        add("combined", [f"{features[0]} {kind.queries[0]}"])
    return Queries(list(weights), np.fromiter(weights.values(), dtype=np.int64))


def _spread(dice: Dice, n_types: int, extra: int) -> np.ndarray:
    """Types for ``extra`` items: as even as it gets, then a tenth of them moved, so that shelves differ in length."""
    types = np.arange(extra) % n_types
    moved = dice.shuffled(extra)[: extra // 10]
    types[moved] = dice.many(n_types, len(moved))
    return types


def _texts(
    dice: Dice, types: list[ProductType], type_of: np.ndarray, style: np.ndarray, feature: np.ndarray
) -> tuple[list[str], list[str]]:
    """A title and a description for each base item; within a type no title repeats (the line name tells them apart)."""
    n = len(type_of)
    draws = np.stack([dice.many(1 << 16, n) for _ in range(8)], axis=1).tolist()
    line_of = [dice.shuffled(len(LINES)).tolist() for _ in types]
    used = [0] * len(types)
    titles, descriptions = [], []
    for row, (position, look, draw) in enumerate(zip(type_of.tolist(), style.tolist(), draws, strict=True)):
        kind = types[position]
        count = used[position]
        used[position] += 1
        line = LINES[line_of[position][count % len(LINES)]] + (
            f" {count // len(LINES) + 1}" if count >= len(LINES) else ""
        )
        features = [kind.features[number] for number in feature[row].tolist()]
        titles.append(_title(kind, kind.brands[look].title(), line, features, draw))
        descriptions.append(_description(kind, look, features, draw))
    return titles, descriptions


def _title(kind: ProductType, brand: str, line: str, features: list[str], draw: list[int]) -> str:
    size = kind.sizes[draw[0] % len(kind.sizes)]
    material = kind.materials[draw[1] % len(kind.materials)]
    material = " ".join(word[0].upper() + word[1:] for word in material.split())
    ending = size if _PLAIN & {kind.category, kind.name} else f"{size}, {COLOURS[draw[2] % len(COLOURS)]}"
    return (
        f"{brand} {line} {kind.name}, {ending}",
        f"{brand} {line} {features[0].title()} {kind.name}, {size}",
        f"{brand} {kind.name} {line}, {material}, {ending}",
    )[draw[3] % 3]


def _description(kind: ProductType, look: int, features: list[str], draw: list[int]) -> str:
    material = kind.materials[draw[1] % len(kind.materials)]
    uses = [_agree(use, kind.name) for use in kind.uses]
    if draw[4] % 2:
        uses.reverse()
    words = [*kind.queries[1:], kind.held_back]
    skipped = draw[5] % len(words)
    others = [word for number, word in enumerate(words) if number != skipped]
    group = [*kind.category_queries, kind.category_held_back]
    floor = [*kind.department_queries, kind.department_held_back]
    shelf = group[draw[6] % len(group)]
    beside = group[(draw[6] + 1) % len(group)]
    styles, held_back = list(STYLES.values())[look]
    tone = [*styles, held_back]
    return " ".join(
        (
            f"{uses[0][0].upper()}{uses[0][1:]} and {uses[1]}.",
            f"Made with {material}; {features[0]} and {features[1]}.",
            f"{tone[draw[7] % 3].capitalize()} and {tone[(draw[7] + 1) % 3]}.",
            f"Also known as {' or '.join(others)}.",
            f"Shelf: {shelf}, {beside}; {floor[draw[7] // 3 % len(floor)]}.",
        )
    )


def _agree(use: str, name: str) -> str:
    """'keeps rain out' -> 'keep rain out' where the product's name is a plural."""
    if not name.endswith("s"):
        return use
    verb, _, rest = use.partition(" ")
    irregular = {"is": "are", "does": "do", "has": "have", "goes": "go", "lies": "lie"}
    if verb in irregular:
        verb = irregular[verb]
    elif verb.endswith("ies"):
        verb = verb[:-3] + "y"
    elif verb.endswith(("shes", "ches", "sses", "xes")):
        verb = verb[:-2]
    else:
        verb = verb.removesuffix("s")
    return f"{verb} {rest}"
