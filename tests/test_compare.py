"""The identifier stage's measurements: the right numbers in the right rows."""

import numpy as np
import pandas as pd

from gensar_lite.identify.compare import compare_collisions, compare_with_kmeans, paper_order, time_repair
from gensar_lite.identify.schemes import make_identifiers
from gensar_lite.identify.settings import IdentifierSettings
from gensar_lite.identify.table import collisions

SETTINGS = IdentifierSettings(codes=6, latent=4, hidden=(16,), warm_epochs=1, epochs=2, batch=64)


def catalogue(n_items=100):
    random = np.random.default_rng(0)
    views = (random.standard_normal((n_items, width)).astype(np.float32) for width in (10, 6))
    return (*views, np.array([str(place) for place in range(n_items)], dtype=object))


def test_collisions_are_those_of_the_identifiers_before_repair():
    frame = compare_collisions("toy", *catalogue(), SETTINGS, seeds=(0, 1), schemes=("joint-kmeans", "semantic-kmeans"))
    assert len(frame) == 2 * (2 + 1) and set(frame["log"]) == {"toy"}
    semantic, collaborative, ids = catalogue()
    made = make_identifiers("semantic-kmeans", semantic, collaborative, None, ids, SETTINGS, seed=1)
    row = frame.query("scheme == 'semantic-kmeans' and seed == 1").iloc[0]
    assert row["rate"] == collisions(made.raw.codes["semantic"]).rate > 0
    assert row["share_in_group"] == collisions(made.raw.codes["semantic"]).share_in_group
    assert row["floor"] == 0


def test_the_papers_order_is_judged_per_kind_over_all_seeds():
    rows = [("joint", "semantic", 0, 0.1), ("joint", "semantic", 1, 0.2), ("joint", "collaborative", 0, 0.3)]
    rows += [
        ("joint", "collaborative", 1, 0.1),
        ("semantic-only", "semantic", 0, 0.3),
        ("semantic-only", "semantic", 1, 0.4),
    ]
    rows += [("collaborative-only", "collaborative", 0, 0.2), ("collaborative-only", "collaborative", 1, 0.2)]
    frame = pd.DataFrame(rows, columns=["scheme", "kind", "seed", "rate"]).assign(log="toy")
    order = paper_order(frame).set_index("kind")
    assert order["holds"].to_dict() == {"semantic": True, "collaborative": False}
    assert order.loc["collaborative", "joint_less"] == 0.5


def test_both_sides_of_the_control_stand_in_one_row():
    wide = compare_with_kmeans("toy", *catalogue(), SETTINGS)
    assert wide["kind"].tolist() == ["collaborative", "semantic"]
    for _, row in wide.iterrows():
        better = row["explained_variance_rqvae"] >= row["explained_variance_kmeans"]
        assert row["at_least_equal"] == (better and row["rate_rqvae"] <= row["rate_kmeans"])


def test_repair_is_timed_on_clustered_and_on_equal_codes():
    frame = time_repair(n_items=400, codes=8).set_index("case")
    assert (frame["rate_after"] == 0).all() and (frame["seconds"] > 0).all()
    assert frame.loc["all equal", "rate_before"] == 1 - 1 / 400
    assert 0 < frame.loc["clustered", "moved"] < frame.loc["all equal", "moved"]
