"""The oracle against brute force on a world small enough to enumerate, and as a ceiling on the embedded data set."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from gensar_lite.log.corner_shop import CornerShopSettings, World, corner_shop_world, make_corner_shop, shelf_weights
from gensar_lite.log.oracle import Oracle, OracleError
from gensar_lite.log.schema import RECOMMENDATION, SEARCH
from gensar_lite.log.split import Histories, leave_one_out

TINY = CornerShopSettings(
    items=18,
    users=60,
    departments=2,
    categories=2,
    types=1,
    n_occasions=2,
    archetypes=3,
    shortest=1,
    late_permille=200,
    variant_permille=120,
    repeat_permille=250,
    stickiness_permille=700,
    seed=5,
)
SAMPLE = 1000  # cases per task of the embedded data set


@pytest.fixture(scope="module")
def tiny() -> World:
    return make_corner_shop(TINY)


@pytest.fixture(scope="module")
def world() -> World:
    return corner_shop_world()


@pytest.fixture(scope="module")
def split(world):
    return leave_one_out(world.log)


@pytest.fixture(scope="module")
def cases(split):
    test = split.test
    return {task: test[test["task"] == task].iloc[::2][:SAMPLE] for task in (RECOMMENDATION, SEARCH)}


@pytest.fixture(scope="module")
def full(world, cases):
    oracle = Oracle(world)
    return {task: oracle.scores(part) for task, part in cases.items()}


def hits(scores, cases, k=10):
    """(B,) bool: fewer than k items score higher; ties go to the lower item index."""
    target = cases["item"].to_numpy()
    own = scores[np.arange(len(cases)), target][:, None]
    before = (scores > own) | ((scores == own) & (np.arange(scores.shape[1]) < target[:, None]))
    return before.sum(axis=1) < k


def log_loss(scores, cases):
    """(B,) negative log-probability of each target, in nats."""
    return -np.log(scores[np.arange(len(cases)), cases["item"].to_numpy()])


# --- exactness ------------------------------------------------------------------------------------------------------


def by_hand(world: World, event: int) -> np.ndarray:
    """(N,) P(item | history, day, query), by adding up every archetype and every path of occasions."""
    settings, events, catalogue = world.settings, world.log.events, world.catalogue
    rows = [row for row in Histories(world.log).before(event) if events["item"][row] >= 0]
    day = int(events["timestamp"][event])
    days = sorted({int(events["timestamp"][row]) for row in rows})
    baskets = [[int(events["item"][row]) for row in rows if events["timestamp"][row] == one] for one in days]

    def buys(occasion, archetype, past, when):
        style = int(world.style[archetype])
        shop = np.zeros(world.log.n_items)
        for mind, share in ((occasion, 1000 - settings.background_permille), (-1, settings.background_permille)):
            for shelf, members in enumerate(catalogue.shelves()):
                weights = shelf_weights(catalogue, settings, members, mind, style)
                shop[members] += (
                    share
                    / 1000
                    * world.type_weight[mind][shelf]
                    / world.type_weight[mind].sum()
                    * weights
                    / weights.sum()
                )
        shop[catalogue.launch > when] = 0
        shop /= shop.sum()
        if not past:
            return shop
        again = np.zeros_like(shop)
        for ago, basket in enumerate(reversed(past), start=1):
            for item in basket:
                again[item] += {1: 8, 2: 4, 3: 2}.get(ago, 1)
        return 0.75 * shop + 0.25 * again / again.sum()

    total = np.zeros(world.log.n_items)
    for archetype in range(settings.archetypes):
        mixture = world.mixture[archetype] / world.mixture[archetype].sum()
        for path in product(range(len(mixture)), repeat=len(days) + 1):
            chance = mixture[path[0]]
            for last, now in zip(path, path[1:], strict=False):
                chance *= 0.7 * (last == now) + 0.3 * mixture[now]
            for number, basket in enumerate(baskets):
                step = buys(path[number], archetype, baskets[:number], days[number])
                chance *= np.prod(step[basket])
            total += chance * buys(path[-1], archetype, baskets, day)
    query = events["query"][event]
    if query:
        for item in range(world.log.n_items):
            typed = world.queries(item, test=True)
            total[item] *= dict(zip(typed.texts, typed.weights / typed.weights.sum(), strict=True)).get(query, 0.0)
    return total / total.sum()


def test_it_equals_adding_up_every_path(tiny):
    test = leave_one_out(tiny.log).test
    days = np.array(
        [tiny.log.events["timestamp"][Histories(tiny.log).before(event)].nunique() for event in test["event"]]
    )
    short = test[(days >= 2) & (days <= 4)]
    picked = short.groupby("task").head(4)
    assert set(picked["task"]) == {RECOMMENDATION, SEARCH} and len(picked) == 8
    expected = np.stack([by_hand(tiny, event) for event in picked["event"]])
    np.testing.assert_allclose(Oracle(tiny).scores(picked), expected, rtol=1e-9, atol=1e-15)


def test_a_shopper_without_a_past_is_the_average_shopper(tiny):
    test = leave_one_out(tiny.log).test
    blind = Oracle(tiny, history=False)
    first = test.iloc[:1].copy()
    empty = first.assign(event=tiny.log.events.index[tiny.log.events["user"] == first["user"].iloc[0]][0])
    belief = Oracle(tiny).belief(int(empty["event"].iloc[0]))
    np.testing.assert_allclose(belief.states, blind.belief(int(first["event"].iloc[0])).states)
    assert len(belief.repeat) == 0


def test_rows_are_probabilities_over_what_is_on_sale(world, full, cases):
    launch = world.catalogue.launch
    for task, scores in full.items():
        np.testing.assert_allclose(scores.sum(axis=1), 1.0)
        not_yet = launch[None, :] > cases[task]["timestamp"].to_numpy()[:, None]
        assert not_yet.any() and (scores[not_yet] == 0).all()


def test_it_sees_nothing_of_the_target_or_later(tiny):
    """Change what lies on or after the target's day: the answer stays."""
    test = leave_one_out(tiny.log).test
    case = test[test["task"] == RECOMMENDATION].iloc[[3]]
    before = Oracle(tiny).scores(case)
    events = tiny.log.events.copy()
    later = (events["user"] == case["user"].iloc[0]) & (events["timestamp"] >= case["timestamp"].iloc[0])
    events.loc[later & (events["item"] >= 0), "item"] = 0
    changed = replace(tiny, log=replace(tiny.log, events=events))
    np.testing.assert_array_equal(Oracle(changed).scores(case), before)


def test_what_it_promises_happens(full, cases):
    """Calibration: items given a chance of p are the target in a share p of the cases, from unlikely to likely."""
    for task, scores in full.items():
        target = np.zeros_like(scores, dtype=bool)
        target[np.arange(len(scores)), cases[task]["item"]] = True
        for low, high in ((0.002, 0.01), (0.01, 0.03), (0.03, 0.1), (0.1, 0.3)):
            inside = (scores >= low) & (scores < high)
            expected = scores[inside].sum()
            assert expected > 20
            spread = np.sqrt((scores[inside] * (1 - scores[inside])).sum())
            assert abs(target[inside].sum() - expected) < 3.5 * spread + 0.05 * expected, (task, low, high)


# --- the ceiling ----------------------------------------------------------------------------------------------------


def test_the_ceiling_is_neither_trivial_nor_hopeless(full, cases):
    for task, scores in full.items():
        assert 0.3 < hits(scores, cases[task]).mean() < 0.7, task


def test_each_source_is_worth_something(world, full, cases):
    searches = cases[SEARCH]
    seen = hits(full[SEARCH], searches).mean()
    history_blind = hits(Oracle(world, history=False).scores(searches), searches).mean()
    query_blind = hits(Oracle(world, query=False).scores(searches), searches).mean()
    assert history_blind < seen - 0.15
    assert query_blind < seen - 0.15
    recommended = cases[RECOMMENDATION]
    forgetful = hits(Oracle(world, history=False).scores(recommended), recommended).mean()
    assert forgetful < hits(full[RECOMMENDATION], recommended).mean() / 3


def test_simple_counting_stays_clearly_below(world, split, full, cases):
    events = world.log.events[split.train & (world.log.events["item"] >= 0).to_numpy()]
    popular = np.bincount(events["item"], minlength=world.log.n_items).astype(float)
    for task, part in cases.items():
        chart = np.tile(popular, (len(part), 1))
        assert hits(chart, part).mean() < hits(full[task], part).mean() / 3, task
    searches = events[events["behaviour"] == SEARCH]
    counts = {
        query: np.bincount(rows["item"], minlength=world.log.n_items) for query, rows in searches.groupby("query")
    }
    nothing = np.zeros(world.log.n_items)
    counted = np.stack([counts.get(query, nothing) for query in cases[SEARCH]["query"]]) + 1e-6 * popular
    assert hits(counted, cases[SEARCH]).mean() < 0.75 * hits(full[SEARCH], cases[SEARCH]).mean()


def test_the_true_state_is_worth_more(world, full, cases):
    knowing = Oracle(world, true_state=True)
    for task, part in cases.items():
        told = knowing.scores(part)
        assert log_loss(told, part).mean() < log_loss(full[task], part).mean(), task
        assert hits(told, part).mean() > hits(full[task], part).mean() - 0.01, task


@pytest.mark.parametrize(
    "belief",
    [
        {"repeat_permille": 0},
        {"repeat_permille": 500},
        {"stickiness_permille": 300},
        {"style_boost": 1},
        {"affinity_boost": 1},
        {"background_permille": 300},
    ],
    ids=lambda belief: " ".join(f"{name}={value}" for name, value in belief.items()),
)
def test_nobody_with_another_picture_of_the_world_does_better(world, full, cases, belief):
    mistaken = Oracle(replace(world, settings=replace(world.settings, **belief)))
    part = cases[RECOMMENDATION]
    other = mistaken.scores(part)
    loss = np.clip(log_loss(other, part), None, 20.0) - np.clip(log_loss(full[RECOMMENDATION], part), None, 20.0)
    assert loss.mean() > 2 * loss.std() / np.sqrt(len(loss))
    gained = hits(other, part).astype(int) - hits(full[RECOMMENDATION], part)
    assert gained.mean() < 2 * gained.std() / np.sqrt(len(gained)) + 1e-9


def test_no_jiggled_ranking_beats_it(full, cases):
    generator = np.random.default_rng(0)
    for task, scores in full.items():
        best = hits(scores, cases[task]).mean()
        for noise in (0.1, 0.5, 1.0):
            jiggled = scores * np.exp(noise * generator.standard_normal(scores.shape))
            assert hits(jiggled, cases[task]).mean() < best + 0.02, (task, noise)


# --- edges ----------------------------------------------------------------------------------------------------------


def test_names_tell_what_an_oracle_knows(tiny):
    assert Oracle(tiny).name == "oracle"
    assert Oracle(tiny, history=False).name == "oracle history-blind"
    assert Oracle(tiny, query=False).name == "oracle query-blind"
    assert Oracle(tiny, true_state=True).name == "oracle with the true state"


def test_validation_cases_are_ranked_too(tiny):
    validation = leave_one_out(tiny.log).validation
    scores = Oracle(tiny).scores(validation)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0)
    assert (scores[np.arange(len(validation)), validation["item"]] > 0).all()


@pytest.mark.parametrize("switch", ["occasions", "tree", "sticky", "variants"])
def test_every_world_that_keeps_the_rules_has_an_oracle(switch):
    world = make_corner_shop(replace(TINY, **{switch: False}))
    scores = Oracle(world).scores(leave_one_out(world.log).test)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0)


def test_a_leaky_world_has_none():
    with pytest.raises(OracleError, match="leaky"):
        Oracle(make_corner_shop(replace(TINY, leaky=True)))


def test_a_query_nobody_types_is_refused(tiny):
    case = leave_one_out(tiny.log).test.query("task == 'S_I'").iloc[[0]].assign(query="submarine")
    with pytest.raises(OracleError, match="submarine"):
        Oracle(tiny).scores(case)


def test_a_shop_too_large_for_tables_has_none():
    world = make_corner_shop(CornerShopSettings(items=50_001, users=2))
    with pytest.raises(OracleError, match="50,000"):
        Oracle(world)
