import numpy as np
import torch
from generator_data import packed, parts
from torch.testing import assert_close

from gensar_lite.generate.tasks import typed_queries
from gensar_lite.generate.warm_start import warm_start
from gensar_lite.identify.table import SEMANTIC
from gensar_lite.log.schema import RECOMMENDATION, SEARCH


def test_a_warm_start_puts_an_items_slot_at_its_vector():
    log, split, table, vocabulary = parts(seed=1, unique=True)
    model = packed(vocabulary, table)
    rng = np.random.default_rng(0)
    views = rng.normal(size=(log.n_items, 12)).astype(np.float32)
    views = views[table.codes[SEMANTIC][:, 3]]  # items whose last code agrees have equal vectors
    before = model.embedding.weight.detach().clone()
    warm_start(model, table, views, log.items["title"].tolist())
    after = model.embedding.weight.detach()
    ids = torch.tensor(vocabulary.identifiers(table, SEMANTIC))
    slots = after[ids].sum(1)
    same = table.codes[SEMANTIC][:, 3][:, None] == table.codes[SEMANTIC][:, 3]
    far = torch.cdist(slots, slots)
    assert far[torch.tensor(same)].max() < 1e-3 < far[torch.tensor(~same)].min()
    behaviours = [vocabulary.behaviour(name) for name in (RECOMMENDATION, SEARCH)]
    assert torch.equal(after[behaviours], before[behaviours])
    assert_close(after[vocabulary.index["thing"]], torch.zeros(16), atol=1e-5, rtol=0)  # in every title: the mean


def test_a_whole_query_starts_at_the_mean_of_the_items_it_led_to_as_often_as_it_did():
    log, split, table, vocabulary = parts(seed=1, unique=True, users=40)
    model = packed(vocabulary, table)
    views = np.random.default_rng(0).normal(size=(log.n_items, 12)).astype(np.float32)
    typed, titles = typed_queries(log, split), log.items["title"].tolist()
    warm_start(model, table, views, titles, typed)
    after = model.embedding.weight.detach()
    vectors = torch.tensor(views - views.mean(0))
    vectors = vectors / vectors.square().sum(1).mean().sqrt()
    assert len(vocabulary.query_list) >= 3
    said, meant = [], []
    for query in vocabulary.query_list:
        items = [item for item, queries in enumerate(typed) for one in queries if one == query]
        words = after[vocabulary.words_of(query)].mean(0)
        said.append(after[vocabulary.query(query)[0]] + words)
        meant.append(vectors[items].mean(0))
    # The model's axes are a rotation of the views': distances and lengths agree.
    assert_close(torch.cdist(torch.stack(said), torch.stack(said)), torch.cdist(torch.stack(meant), torch.stack(meant)))
    assert_close(torch.stack(said).norm(dim=1), torch.stack(meant).norm(dim=1))


def test_queries_nobody_is_known_to_have_typed_stay_silent():
    log, split, table, vocabulary = parts(seed=1, unique=True)
    model = packed(vocabulary, table)
    views = np.random.default_rng(0).normal(size=(log.n_items, 12)).astype(np.float32)
    warm_start(model, table, views, log.items["title"].tolist())
    own = [vocabulary.query(query)[0] for query in vocabulary.query_list]
    assert (model.embedding.weight[own] == 0).all()
