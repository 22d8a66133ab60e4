"""The corner shop: a small world with known causes, and the log its shoppers leave.

Shoppers come with an occasion in mind (a camping trip, a new baby). The occasion stays for days, changes only between
shopping days, and is what makes clicks predictable beyond any text. The whole story of one event: occasion and house
style of the shopper -> item (or a repeat of an earlier one) -> in a search, a query that fits the item. Because every
step is known, ``gensar_lite.log.oracle`` gives the best possible ranking for each test case.

This module does not know how items are described (``corner_shop_catalogue``), nor how a log is split.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from gensar_lite.log.corner_shop_catalogue import Catalogue, Queries, make_catalogue, query_weights, types_of_shop
from gensar_lite.log.corner_shop_text import STYLES, ProductType, read_occasions
from gensar_lite.log.dice import Dice
from gensar_lite.log.joint import read_own, write_log
from gensar_lite.log.schema import QUERY, RECOMMENDATION, SEARCH, JointLog, make_log
from gensar_lite.store import write_json

# The shipped artefacts are trained on the committed data (data/artefacts): a change here means remaking both.
NAME = "corner shop"
OCCASION_STREAM, SHOPPER_STREAM = 3, 4
BACKGROUND = -1  # the shelf weights of a shopper who buys without an occasion in mind


@dataclass(frozen=True)
class CornerShopSettings:
    """Every number of the world; shares in thousandths, so that all of them are whole.

    The five switches at the end take one cause away (or break a rule) each.
    """

    items: int = 2000
    users: int = 3000
    departments: int = 8
    categories: int = 5  # a department
    types: int = 4  # a category
    n_occasions: int = 30
    archetypes: int = 64
    days: int = 400  # length of the time line
    shortest: int = 6  # events of a user before the two test events; the mean is 12 more
    search_permille: int = 450
    stickiness_permille: int = 950  # the occasion outlives a night between two shopping days
    repeat_permille: int = 160  # an item bought before, once there is one
    background_permille: int = 40  # an item bought without an occasion in mind
    style_boost: int = 2  # how many times likelier an item of the shopper's house style is
    affinity_boost: int = 10  # the same for an item favoured in the occasion
    variant_permille: int = 30
    late_permille: int = 90
    held_back_permille: int = 40  # of the type and category queries of test events
    seed: int = 2025
    occasions: bool = True  # False: no collaborative cause, one occasion for all
    tree: bool = True  # False: texts say nothing about who buys what
    sticky: bool = True  # False: a new occasion every shopping day
    variants: bool = True  # False: no two items share their text
    leaky: bool = False  # True: every search click also stands as a recommendation click (the official "both" form)


@dataclass(frozen=True)
class World:
    """A log and everything that made it.

    Attributes:
        settings: the numbers.
        log: what the models may see.
        catalogue: the shelves.
        occasion_names: one per occasion.
        type_weight: (O + 1, T) whole-number weights of the product types in each occasion; the last row is the
            background.
        mixture: (A, O) whole-number weights of the occasions of each archetype.
        style: (A,) the house style each archetype leans to.
        archetype: (U,) of each shopper.
        occasion: (E,) the occasion in mind at each event.
        appended: (E,) bool, the two test events of each user (and the query row of the search).
    """

    settings: CornerShopSettings
    log: JointLog
    catalogue: Catalogue
    occasion_names: list[str]
    type_weight: np.ndarray
    mixture: np.ndarray
    style: np.ndarray
    archetype: np.ndarray
    occasion: np.ndarray
    appended: np.ndarray

    @property
    def stickiness(self) -> float:
        """Probability that the occasion outlives one night between shopping days."""
        return self.settings.stickiness_permille / 1000 if self.settings.sticky else 0.0

    def queries(self, item: int, test: bool) -> Queries:
        """P(query | item) in the training period or in test events."""
        return query_weights(self.catalogue, item, self.settings.held_back_permille if test else 0)


def shelf_weights(catalogue: Catalogue, settings: CornerShopSettings, members: np.ndarray, occasion: int, style: int):
    """Whole-number weights, shape of ``members``: one shelf's items for one occasion (or BACKGROUND) and style."""
    weight = catalogue.weight[members] * np.where(catalogue.style[members] == style, settings.style_boost, 1)
    if occasion == BACKGROUND or not settings.occasions:
        return weight
    favoured = (catalogue.affinity[members] >> np.uint64(occasion)) & np.uint64(1)
    return weight * np.where(favoured == 1, settings.affinity_boost, 1)


def repeat_weights(days_ago: np.ndarray) -> np.ndarray:
    """Whole-number weights of past purchases by how many shopping days ago they were made: 8, 4, 2, then 1."""
    return 8 >> np.minimum(np.asarray(days_ago) - 1, 3)


def make_corner_shop(settings: CornerShopSettings | None = None) -> World:
    """Make the world and let its shoppers shop.

    Raises:
        ValueError: the settings cannot be met (too few items for the types, more than 64 occasions).
    """
    settings = settings or CornerShopSettings()
    if not 1 <= settings.n_occasions <= len(read_occasions()):
        raise ValueError(f"n_occasions must be 1..{len(read_occasions())}, not {settings.n_occasions}")
    types = types_of_shop(settings.departments, settings.categories, settings.types)
    catalogue = make_catalogue(
        settings.seed,
        settings.items,
        types,
        settings.variant_permille if settings.variants else 0,
        settings.late_permille,
        (settings.days * 94 // 100, settings.days * 99 // 100),  # within the last tenth, as the test events are
        settings.tree,
    )
    dice = Dice(settings.seed, OCCASION_STREAM)
    names, type_weight = _occasions(settings, types, dice)
    mixture, style = _archetypes(settings, len(names), dice)
    shop = _Shop(settings, catalogue, type_weight, mixture, style)
    events, archetype = _shop_all(settings, shop)
    log = make_log(NAME + (" (leaky)" if settings.leaky else ""), catalogue.items, events)
    return World(
        settings,
        log,
        catalogue,
        names,
        type_weight,
        mixture,
        style,
        archetype,
        events["occasion"].to_numpy(),
        events["appended"].to_numpy(),
    )


def _occasions(settings: CornerShopSettings, types: list[ProductType], dice: Dice) -> tuple[list[str], np.ndarray]:
    """Names and type weights (O + 1, T): Zipf over each occasion's list; the background is Zipf over all types."""
    place = {kind.name: number for number, kind in enumerate(types)}
    background = 5040 // (4 + dice.shuffled(len(types)))
    if not settings.occasions:
        return ["Just shopping"], np.stack([background, background])
    chosen = read_occasions()[: settings.n_occasions]
    rows = []
    for occasion in chosen:
        wanted = [place[name] for name in occasion.types if name in place]
        others = [number for number in dice.shuffled(len(types)).tolist() if number not in wanted]
        wanted += others[: max(0, min(len(occasion.types), len(types) // 2) - len(wanted))]  # a smaller shop
        row = np.zeros(len(types), dtype=np.int64)
        row[wanted] = 5040 // (1 + np.arange(len(wanted)))
        rows.append(row)
    return [occasion.name for occasion in chosen], np.stack([*rows, background])


def _archetypes(settings: CornerShopSettings, n_occasions: int, dice: Dice) -> tuple[np.ndarray, np.ndarray]:
    """Each archetype mixes up to three occasions, 5 : 3 : 2, and leans to one house style."""
    mixture = np.zeros((settings.archetypes, n_occasions), dtype=np.int64)
    popularity = np.cumsum(5040 // (6 + dice.shuffled(n_occasions)))
    for number, row in enumerate(mixture):
        row[number % n_occasions] = 5  # every occasion has its archetypes
        for share in (3, 2)[: min(2, n_occasions - 1)]:
            occasion = dice.weighted(popularity)
            while row[occasion]:
                occasion = dice.weighted(popularity)
            row[occasion] = share
    return mixture, (np.arange(settings.archetypes) + dice.many(len(STYLES), settings.archetypes)) % len(STYLES)


class _Shop:
    """Draws items and queries; running sums of the weights are made on first use and kept."""

    def __init__(
        self,
        settings: CornerShopSettings,
        catalogue: Catalogue,
        type_weight: np.ndarray,
        mixture: np.ndarray,
        style: np.ndarray,
    ) -> None:
        self.settings = settings
        self.catalogue = catalogue
        self.mixture = np.cumsum(mixture, axis=1)
        self.style = style
        self._types = np.cumsum(type_weight, axis=1)
        self._shelves = catalogue.shelves()
        self._launch = catalogue.launch.tolist()
        self._sums: dict[tuple[int, int, int], np.ndarray] = {}
        self._queries: dict[tuple[int, bool], tuple[list[str], np.ndarray]] = {}

    def item(self, dice: Dice, occasion: int, style: int, day: int) -> int:
        """An item on sale that day; drawing again until one is, is the same as renormalising over those on sale."""
        while True:
            mind = BACKGROUND if dice.below(1000) < self.settings.background_permille else occasion
            shelf = dice.weighted(self._types[mind])
            key = (mind, style, shelf)
            if key not in self._sums:
                weights = shelf_weights(self.catalogue, self.settings, self._shelves[shelf], mind, style)
                self._sums[key] = np.cumsum(weights)
            item = int(self._shelves[shelf][dice.weighted(self._sums[key])])
            if self._launch[item] <= day:
                return item

    def query(self, dice: Dice, item: int, test: bool) -> str:
        if (item, test) not in self._queries:
            queries = query_weights(self.catalogue, item, self.settings.held_back_permille if test else 0)
            self._queries[item, test] = (queries.texts, np.cumsum(queries.weights))
        texts, sums = self._queries[item, test]
        return texts[dice.weighted(sums)]


def _shop_all(settings: CornerShopSettings, shop: _Shop) -> tuple[pd.DataFrame, np.ndarray]:
    """Everybody's events as ``make_log`` wants them, in order, with ``occasion`` and ``appended`` beside them."""
    rows: list[tuple] = []
    archetype = np.zeros(settings.users, dtype=np.int64)
    item_ids = shop.catalogue.items["item_id"].tolist()
    width = len(str(settings.users - 1))
    session = 0
    for user in range(settings.users):
        name = f"u{user:0{width}d}"
        dice = Dice(settings.seed, SHOPPER_STREAM, user)
        archetype[user] = dice.below(settings.archetypes)
        today, position = -1, 0
        for day, occasion, search, item, appended in _shop_one(settings, shop, dice, int(archetype[user])):
            today, position = day, position if day == today else 0
            steps = [(RECOMMENDATION, item_ids[item], "", -1)] if settings.leaky or not search else []
            if search:
                query = shop.query(dice, item, appended)
                steps += [(QUERY, "", query, session), (SEARCH, item_ids[item], query, session)]
                session += 1
            for step in steps:
                rows.append((name, *step, day, position, occasion, appended))
                position += 1
    columns = ["user_id", "behaviour", "item_id", "query", "session_id", "timestamp", "position"]
    return pd.DataFrame(rows, columns=[*columns, "occasion", "appended"]), archetype


def _shop_one(
    settings: CornerShopSettings, shop: _Shop, dice: Dice, archetype: int
) -> Iterator[tuple[int, int, bool, int, bool]]:
    """One shopper's events in order: (day, occasion, search?, item, appended?)."""
    days = _days(settings, dice)
    stay = settings.stickiness_permille if settings.sticky else 0
    search_first = dice.below(2) == 1  # which of the two test events comes first
    style = int(shop.style[archetype])
    past: list[tuple[int, int]] = []  # shopping day, item
    occasion = -1
    for number, (day, size) in enumerate(days):
        if number == 0 or dice.below(1000) >= stay:
            occasion = dice.weighted(shop.mixture[archetype])
        # Only earlier *days* count as past, so the order within a day says nothing about anything.
        weights = np.cumsum(repeat_weights(number - np.array([when for when, _ in past]))) if past else None
        today = []
        appended = number >= len(days) - 2
        for _ in range(size):
            search = dice.below(1000) < settings.search_permille
            if appended:
                search = (number == len(days) - 1) ^ search_first
            if weights is not None and dice.below(1000) < settings.repeat_permille:
                item = past[dice.weighted(weights)][1]
            else:
                item = shop.item(dice, occasion, style, day)
            today.append((number, item))
            yield day, occasion, search, item, appended
        past += today


def _days(settings: CornerShopSettings, dice: Dice) -> list[tuple[int, int]]:
    """A shopper's days and how many events fall on each; the last two hold one test event each."""
    left = settings.shortest + dice.below(13) + (dice.below(49) if dice.below(4) == 0 else 0)
    sizes = []
    while left:
        sizes.append(min(left, (1, 1, 2, 2, 3, 4)[dice.below(6)]))
        left -= sizes[-1]
    sizes += [1, 1]
    # Most shoppers are still around at the end of the time line, some left earlier. Counted backwards from the end.
    window = settings.days * 2 // 100 if dice.below(10) else settings.days // 2
    day = settings.days - 1 - dice.below(max(window, 1))
    if day < len(sizes) - 1:
        raise ValueError(f"a time line of {settings.days} days is too short for {len(sizes)} shopping days; raise days")
    days = [day]
    for remaining in range(len(sizes) - 1, 0, -1):
        day -= 1 + dice.below(min(13, day // remaining))  # leaves a day for each one still to come
        days.append(day)
    if settings.leaky:
        days[0] = days[1]  # both test events on one day, as logs with day stamps have them
    return list(zip(reversed(days), sizes, strict=True))


def canonical_hash(log: JointLog) -> str:
    """SHA-256 over the log's rows as tab-separated text: the same wherever and however the tables were stored."""
    digest = hashlib.sha256()
    for table in (log.items, log.events):
        columns = [table[name].astype(str).tolist() for name in table.columns]
        for row in zip(*columns, strict=True):
            digest.update(("\t".join(row) + "\n").encode())
    digest.update("\t".join(log.users).encode())
    return digest.hexdigest()


def write_corner_shop(folder: Path, world: World) -> None:
    """Write ``items.parquet``, ``events.parquet`` and ``world.json`` (settings and hash of the canonical rows)."""
    write_log(world.log, folder)
    write_json(Path(folder) / "world.json", {"settings": asdict(world.settings), "sha256": canonical_hash(world.log)})


def data_folder() -> Path:
    """Where the embedded data set lies: $GENSAR_DATA/corner_shop if set, else data/corner_shop of the project."""
    root = os.environ.get("GENSAR_DATA")
    return (Path(root) if root else Path(__file__).resolve().parents[2] / "data") / "corner_shop"


def load_corner_shop() -> JointLog:
    """The embedded data set as committed.

    Raises:
        LogError: the files are not there (an installed copy without its project folder: set GENSAR_DATA, or use
            ``corner_shop_world().log``, which makes the same log in a few seconds).
    """
    return read_own(data_folder(), NAME)


@lru_cache(maxsize=1)
def corner_shop_world() -> World:
    """The world of the embedded data set, made again (a few seconds, once per process): the oracle needs it."""
    return make_corner_shop()
