"""The embedded data set: the same everywhere, and every property its lessons rely on."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from gensar_lite.log.corner_shop import (
    CornerShopSettings,
    canonical_hash,
    corner_shop_world,
    data_folder,
    load_corner_shop,
    make_corner_shop,
    repeat_weights,
    shelf_weights,
    write_corner_shop,
)
from gensar_lite.log.corner_shop_text import STYLES, VAGUE_QUERIES, read_catalogue, read_occasions
from gensar_lite.log.dice import Dice
from gensar_lite.log.joint import read_own
from gensar_lite.log.schema import QUERY, RECOMMENDATION, SEARCH
from gensar_lite.log.split import leave_one_out
from gensar_lite.log.text import normalise_query, words
from gensar_lite.store import read_json

SMALL = CornerShopSettings(items=400, users=120)


@pytest.fixture(scope="module")
def world():
    return corner_shop_world()


@pytest.fixture(scope="module")
def split(world):
    return leave_one_out(world.log)


@pytest.fixture(scope="module")
def clicks(world):
    return world.log.events[world.log.events["item"] >= 0]


# --- the same tables everywhere -------------------------------------------------------------------------------------


def test_the_committed_files_are_what_the_generator_makes(world):
    log = load_corner_shop()
    pd.testing.assert_frame_equal(log.items, world.log.items)
    pd.testing.assert_frame_equal(log.events, world.log.events)
    assert log.users.tolist() == world.log.users.tolist()
    committed = read_json(data_folder() / "world.json")
    assert canonical_hash(log) == canonical_hash(world.log) == committed["sha256"]
    assert committed["settings"] == {name: getattr(world.settings, name) for name in committed["settings"]}


def test_a_seed_makes_one_log_and_another_seed_another():
    first, again = make_corner_shop(SMALL).log, make_corner_shop(SMALL).log
    assert canonical_hash(first) == canonical_hash(again)
    assert canonical_hash(make_corner_shop(replace(SMALL, seed=1)).log) != canonical_hash(first)


def test_more_users_do_not_change_the_first_ones():
    """Each shopper draws from a stream of their own, so worlds of different sizes can be compared."""
    few = make_corner_shop(SMALL).log.events
    many = make_corner_shop(replace(SMALL, users=SMALL.users + 30)).log.events
    pd.testing.assert_frame_equal(few, many[many["user"] < SMALL.users])


def test_the_hash_notices_one_changed_cell(tmp_path):
    log = make_corner_shop(SMALL).log
    before = canonical_hash(log)
    log.events.loc[7, "timestamp"] += 1
    assert canonical_hash(log) != before


def test_written_and_read_again_it_is_the_same_log(tmp_path):
    world = make_corner_shop(SMALL)
    write_corner_shop(tmp_path, world)
    assert canonical_hash(read_own(tmp_path)) == read_json(tmp_path / "world.json")["sha256"]


def test_the_data_folder_can_be_set(tmp_path, monkeypatch):
    monkeypatch.setenv("GENSAR_DATA", str(tmp_path))
    assert data_folder() == tmp_path / "corner_shop"


GOLDEN_BELOW = [526, 570, 794, 685, 309]
GOLDEN_MANY = [952, 685, 83, 179]
GOLDEN_SHUFFLE = [3, 4, 0, 2, 5, 1]


def test_dice_give_these_numbers_on_every_platform():
    dice = Dice(2025, 1)
    assert [dice.below(1000) for _ in range(5)] == GOLDEN_BELOW
    assert Dice(2025, 1).many(1000, 4).tolist() == GOLDEN_MANY
    assert Dice(7).shuffled(6).tolist() == GOLDEN_SHUFFLE


def test_dice_are_fair_and_follow_their_weights():
    dice = Dice(3)
    counts = np.bincount(dice.many(6, 60_000), minlength=6)
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 20.5  # chi-square, 5 degrees of freedom, one in a thousand
    drawn = np.bincount([dice.weighted(np.array([1, 1, 4, 10])) for _ in range(20_000)], minlength=4)
    assert drawn[1] == 0  # a weight of zero
    assert np.allclose(drawn / 20_000, [0.1, 0, 0.3, 0.6], atol=0.015)
    assert sorted(dice.shuffled(50)) == list(range(50))
    for wrong in (0, (1 << 32) + 1):
        with pytest.raises(ValueError, match="outcomes"):
            dice.below(wrong)


# --- the catalogue --------------------------------------------------------------------------------------------------


def test_size_and_tree(world, clicks):
    log = world.log
    assert log.n_items == 2000 and log.n_users == 3000
    assert 57_000 <= len(clicks) <= 63_000
    paths = log.items["categories"].str.split(", ", expand=True)
    leaves = pd.Series(world.catalogue.type_of).map(lambda place: world.catalogue.types[place])
    assert leaves.map(lambda kind: kind.department).nunique() == 8
    assert leaves.map(lambda kind: (kind.department, kind.category)).nunique() == 40
    assert leaves.map(lambda kind: kind.name).nunique() == 160
    assert log.items["brand"].nunique() == 40
    assert paths.shape[1] >= 3
    sizes = np.bincount(world.catalogue.type_of)
    assert 8 <= sizes.min() and sizes.max() <= 20 and 11 <= sizes.mean() <= 13


def test_words_are_consistent():
    types = read_catalogue()
    names = {kind.name for kind in types}
    brands = [brand for kind in types for brand in kind.brands]
    assert len(names) == len(types) == 160 and len(set(brands)) == 40
    for kind in types:
        assert len(kind.brands) == len(STYLES) and kind.quiet_brand in kind.brands
        assert len(kind.features) == 3 and len(kind.materials) >= 3 and len(kind.uses) == 2 and kind.sizes
    departments = {kind.name: kind.department for kind in types}
    for occasion in read_occasions():
        assert set(occasion.types) <= names and len(set(occasion.types)) == 10
        assert len({departments[name] for name in occasion.types}) >= 2, f"{occasion.name} stays in one department"


def test_every_query_held_back_brings_a_word_no_training_query_has():
    types = read_catalogue()
    typed = {word for queries, _ in STYLES.values() for query in queries for word in words(query)}
    for kind in types:
        for query in (*kind.queries, *kind.category_queries, *kind.department_queries, *kind.features):
            typed |= set(words(query))
        typed |= {brand for brand in kind.brands if brand != kind.quiet_brand}
    typed |= {word for query in VAGUE_QUERIES for word in words(query)}
    held_back = {query for kind in types for query in (kind.held_back, kind.category_held_back)}
    held_back |= {kind.department_held_back for kind in types} | {query for _, query in STYLES.values()}
    held_back |= {kind.quiet_brand for kind in types}
    assert [query for query in held_back if set(words(query)) <= typed] == []


def test_texts_read_like_products_and_tell_the_tree(world):
    items = world.log.items
    base = world.catalogue.variant_of < 0
    assert items["title"][base].is_unique
    for title, text, place, brand in zip(
        items["title"], items["description"], world.catalogue.type_of, items["brand"], strict=True
    ):
        kind = world.catalogue.types[place]
        assert kind.name in title and title.startswith(brand)
        assert any(query in text for query in (*kind.category_queries, kind.category_held_back))
        assert not set("<>&{}|\t\n") & set(title + text)
        assert text.isascii() and title.isascii()


def test_three_in_a_hundred_items_repeat_a_text_and_only_clicks_tell_them_apart(world):
    items, catalogue = world.log.items, world.catalogue
    copies = np.flatnonzero(catalogue.variant_of >= 0)
    assert len(copies) == 60
    text = ["title", "description", "categories", "brand"]
    originals = catalogue.variant_of[copies]
    assert (items.loc[copies, text].to_numpy() == items.loc[originals, text].to_numpy()).all()
    assert items.duplicated(text).sum() == 60
    differ = 0
    for copy, original in zip(copies, originals, strict=True):
        pair = np.array([copy, original])
        weights = np.array(
            [shelf_weights(catalogue, world.settings, pair, mind, 0) for mind in range(len(world.occasion_names))]
        )
        ratio = weights[:, 0] / weights[:, 1]
        differ += ratio.max() > 3 * ratio.min()
    assert differ >= 55


# --- the shoppers ---------------------------------------------------------------------------------------------------


def test_a_query_stands_right_before_its_click(world):
    events = world.log.events
    query = np.flatnonzero((events["behaviour"] == QUERY).to_numpy())
    after = events.iloc[query + 1].reset_index(drop=True)
    before = events.iloc[query].reset_index(drop=True)
    assert (after["behaviour"] == SEARCH).all()
    for column in ("user", "session", "timestamp", "query"):
        assert (before[column] == after[column]).all(), column
    assert (after["position"] == before["position"] + 1).all()
    assert (events["behaviour"] == SEARCH).sum() == len(query)
    assert all(normalise_query(text) == text for text in before["query"].unique())


def test_days_hold_several_events_and_positions_order_them(world, clicks):
    events = world.log.events
    same_day = clicks.groupby(["user", "timestamp"]).size()
    assert 0.3 < (same_day > 1).mean() < 0.8
    ordered = events.groupby(["user", "timestamp"])["position"]
    assert (ordered.transform("min") == 0).all()
    assert (events["position"] == ordered.cumcount()).all()


def test_users_differ_in_how_much_they_shop(clicks):
    per_user = clicks.groupby("user").size()
    assert per_user.min() >= 6 and per_user.max() >= 50 and 18 <= per_user.mean() <= 22
    assert per_user.quantile(0.9) > 2 * per_user.quantile(0.1)


def test_popularity_is_long_tailed(world, clicks):
    counts = np.sort(np.bincount(clicks["item"], minlength=world.log.n_items))[::-1]
    assert counts[:200].sum() > 0.35 * counts.sum()  # a tenth of the items
    assert counts[1000:].sum() < 0.2 * counts.sum()  # the lower half


def test_people_buy_again(clicks):
    again = clicks.duplicated(["user", "item"])
    earlier = clicks.groupby(["user", "item"])["timestamp"].transform("min") < clicks["timestamp"]
    assert 0.15 < (again & earlier).mean() < 0.35
    assert repeat_weights(np.array([1, 2, 3, 4, 9])).tolist() == [8, 4, 2, 1, 1]


def test_leave_one_out_finds_exactly_the_appended_events(world, split, clicks):
    appended = np.flatnonzero(world.appended & (world.log.events["item"] >= 0).to_numpy())
    assert set(split.test["event"]) <= set(appended)
    per_task = split.test["task"].value_counts()
    assert per_task[RECOMMENDATION] > 2950 and per_task[SEARCH] > 2950
    assert len(appended) == 2 * world.log.n_users
    # Each stands alone on its day, after everything else, so no twin and no tie is near a test case.
    per_day = clicks.groupby(["user", "timestamp"])["item"].transform("size").loc[appended]
    assert (per_day == 1).all()
    assert not world.appended[split.validation["event"]].any()


def test_some_targets_are_cold(world, split):
    late = world.catalogue.launch > 0
    events = world.log.events
    first = events[events["item"] >= 0].groupby("item")["timestamp"].min()
    assert first[late[first.index]].min() >= 0.9 * world.settings.days
    for task, cases in split.test.groupby("task"):
        assert 0.03 <= cases["cold"].mean() <= 0.08, task
        assert late[cases["item"][cases["cold"]]].mean() > 0.5  # the others were just never bought


def test_test_queries_bring_new_words_that_item_texts_know(world, split):
    events = world.log.events
    in_training = (events["behaviour"] == SEARCH) & split.train
    known = {word for query in events["query"][in_training].unique() for word in words(query)}
    asked = split.test.loc[split.test["task"] == SEARCH, "query"]
    new = [{word for word in words(query) if word not in known} for query in asked]
    assert 0.03 <= np.mean([bool(one) for one in new]) <= 0.12
    unseen = set().union(*new)
    texts = set(words(" ".join(world.log.items["title"] + " " + world.log.items["description"])))
    assert len(unseen & texts) >= 0.9 * len(unseen)
    quiet = {kind.quiet_brand for kind in world.catalogue.types}
    assert 2 <= len(unseen & quiet) < 0.2 * len(unseen)


def test_one_query_fits_a_dozen_a_type_and_fifty_a_category(world):
    matches: dict[str, int] = {}
    for item in range(world.log.n_items):
        for text in world.queries(item, test=False).texts:
            matches[text] = matches.get(text, 0) + 1
    assert 8 <= matches["tent"] <= 18
    assert 40 <= matches["camping gear"] <= 65
    assert matches["gift ideas"] == world.log.n_items


def test_text_and_clicks_each_find_neighbours_the_other_misses(world, split):
    """The square of claim C1: same type for text, the same occasion in another department for clicks."""
    catalogue, log = world.catalogue, world.log
    items = log.items["title"] + " " + log.items["description"] + " " + log.items["categories"]
    text = TfidfVectorizer(min_df=2).fit_transform(items)
    events = log.events[split.train & (log.events["item"] >= 0).to_numpy()]
    bought = np.zeros((log.n_users, log.n_items), dtype=np.float32)
    bought[events["user"], events["item"]] = 1
    often = np.flatnonzero(bought.sum(axis=0) >= 20)[::5]
    departments = np.array([kind.department for kind in catalogue.types])[catalogue.type_of]
    wanted = world.type_weight[:-1] > 0  # occasion, type
    mates = (wanted.T.astype(int) @ wanted.astype(int) > 0)[np.ix_(catalogue.type_of, catalogue.type_of)]
    across = mates & (departments[:, None] != departments[None, :])
    alike = catalogue.type_of[:, None] == catalogue.type_of[None, :]
    found = {}
    for name, matrix in (("text", text), ("clicks", normalize(bought.T))):
        near = matrix[often] @ matrix.T
        near = np.array(near.todense() if name == "text" else near)
        near[np.arange(len(often)), often] = -1
        top = np.argsort(-near, axis=1)[:, :10]
        found[name] = (
            np.take_along_axis(alike[often], top, 1).mean(),
            np.take_along_axis(across[often], top, 1).mean(),
        )
    assert found["text"][0] > 2 * found["clicks"][0]  # same type
    assert found["clicks"][1] > 4 * found["text"][1]  # same occasion, another department
    assert found["clicks"][1] > 0.3


# --- switches, sizes, errors ----------------------------------------------------------------------------------------


def test_without_occasions_everybody_has_the_same_mind():
    world = make_corner_shop(replace(SMALL, occasions=False))
    assert world.mixture.shape[1] == 1 and set(world.occasion) == {0}
    favoured = shelf_weights(world.catalogue, world.settings, np.arange(SMALL.items), 0, 2)
    assert (favoured <= world.catalogue.weight * world.settings.style_boost).all()


def test_without_the_tree_texts_do_not_tell_who_buys():
    with_tree, without = make_corner_shop(SMALL).catalogue, make_corner_shop(replace(SMALL, tree=False)).catalogue
    assert (with_tree.shelf_of == with_tree.type_of).all()
    assert (without.shelf_of == without.type_of).mean() < 0.05
    assert (np.bincount(without.shelf_of) == np.bincount(without.type_of)).all()


def test_without_stickiness_the_occasion_changes_overnight():
    def stays(settings):
        world = make_corner_shop(settings)
        days = world.log.events.assign(mind=world.occasion).drop_duplicates(["user", "timestamp"])
        same = days.groupby("user")["mind"].shift() == days["mind"]
        return same[days["user"].duplicated()].mean()

    assert stays(SMALL) > 0.93
    assert stays(replace(SMALL, sticky=False)) < 0.55  # by chance: 5 : 3 : 2


def test_the_occasion_never_changes_within_a_day(world):
    events = world.log.events.assign(mind=world.occasion)
    assert (events.groupby(["user", "timestamp"])["mind"].nunique() == 1).all()


def test_without_variants_no_text_repeats():
    items = make_corner_shop(replace(SMALL, variants=False)).log.items
    assert not items.duplicated(["title", "description"]).any()


def test_the_leaky_log_repeats_each_search_as_a_recommendation_on_the_same_day():
    plain, leaky = make_corner_shop(SMALL).log.events, make_corner_shop(replace(SMALL, leaky=True)).log.events
    searches = leaky[leaky["behaviour"] == SEARCH]
    twins = leaky[leaky["behaviour"] == RECOMMENDATION]
    key = ["user", "item", "timestamp"]
    assert pd.MultiIndex.from_frame(searches[key]).isin(pd.MultiIndex.from_frame(twins[key])).all()
    assert len(searches) == (plain["behaviour"] == SEARCH).sum()
    assert len(leaky) > len(plain)


def test_a_large_shop_is_made_by_the_same_code():
    world = make_corner_shop(CornerShopSettings(items=60_000, users=200))
    assert world.log.n_items == 60_000
    assert world.log.items["item_id"].is_monotonic_increasing
    base = world.log.items[world.catalogue.variant_of < 0]
    assert base["title"].is_unique


def test_settings_that_cannot_be_met_are_refused_with_a_word():
    with pytest.raises(ValueError, match="product types"):
        make_corner_shop(replace(SMALL, items=100))
    with pytest.raises(ValueError, match="n_occasions"):
        make_corner_shop(replace(SMALL, n_occasions=31))
    with pytest.raises(ValueError, match="too short"):
        make_corner_shop(replace(SMALL, days=20))
