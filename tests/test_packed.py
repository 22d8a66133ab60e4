import numpy as np
import pytest
import torch
from generator_data import packed, parts
from torch.testing import assert_close

from gensar_lite.generate.look_back import Past
from gensar_lite.generate.packed import TEXT_WORDS, Batch
from gensar_lite.generate.packing import Augmentation, PackedData
from gensar_lite.generate.tasks import (
    DESC2ID,
    DOC2QUERY,
    ID2DESC,
    NRIP,
    NSIP,
    NSQP,
    QUERY_WORDS,
    Action,
    Prompt,
    TaskMix,
    actions,
    neutral_prompt,
    text_phrases,
    typed_queries,
)
from gensar_lite.generate.vocabulary import END, UNKNOWN
from gensar_lite.identify.table import COLLABORATIVE, SEMANTIC
from gensar_lite.log.schema import QUERY, RECOMMENDATION, SEARCH
from gensar_lite.log.split import Histories

ALL = TaskMix(1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
NEAR = 1e-4


@pytest.fixture(scope="module")
def world():
    return parts(seed=5, both=True)


@pytest.fixture(scope="module")
def model(world):
    log, split, table, vocabulary = world
    return packed(vocabulary, table)


def one_batch(world, mix=ALL, text_rows=1000, history=50, **chances):
    """Every window of the log in one batch, every query asked for, and nothing left to chance but what is given."""
    log, split, table, vocabulary = world
    certain = Augmentation(event_dropout=0.0, query_dropout=0.0, query_redraw=0.0, phrases=0.0)
    data = PackedData(log, split, table, vocabulary, mix, history, augmentation=certain._replace(**chances))
    (batch,) = data.batches(0, 0, rows=len(data.windows), text_rows=text_rows)
    return data, batch


def memories(model, batch):
    """task -> (outputs of its ask slots (A, D), targets (A, L))."""
    with torch.no_grad():
        output = model.across_slots(batch.slots).output.flatten(0, 1)
    return {asked.task: (output[asked.place], asked.target) for asked in batch.asked}


def read(model, prompts):
    with torch.no_grad():
        return model.read(prompts).memory[:, 0]


def distances(ours, theirs):
    """Between (memory, target) rows; huge where the targets differ."""
    far = torch.cdist(ours[0].double(), theirs[0].double(), compute_mode="donot_use_mm_for_euclid_dist")
    return far + (ours[1][:, None] != theirs[1][None]).any(2) * 1e3


def assert_same_rows(ours, theirs):
    """Two sets of (memory, target) rows agree in some order."""
    assert ours[0].shape == theirs[0].shape
    far = distances(ours, theirs)
    assert far.min(1).values.max() < NEAR and far.min(0).values.max() < NEAR


# ---- training and reading see the same ---------------------------------------------------------------------------


def test_an_ask_in_a_packed_batch_is_what_read_makes_of_the_same_prompt(world, model):
    log, split, table, vocabulary = world
    data, batch = one_batch(world, ALL._replace(extra_targets=False))
    found = memories(model, batch)
    histories, events = Histories(log), log.events
    for task, behaviours in ((NRIP, (RECOMMENDATION,)), (NSIP, (SEARCH,)), (NSQP, (QUERY,))):
        rows = np.flatnonzero(split.train & events["behaviour"].isin(behaviours).to_numpy())
        behaviour = {NRIP: RECOMMENDATION, NSIP: SEARCH, NSQP: QUERY}[task]
        queries = [events["query"].iloc[row] if task == NSIP else "" for row in rows]
        prompts = [
            Prompt(task, actions(log, histories.before(row)), behaviour, query)
            for row, query in zip(rows.tolist(), queries, strict=True)
        ]
        if task == NSQP:
            answers = [(vocabulary.words_of(events["query"].iloc[row], 7) + [END] + [0] * 8)[:8] for row in rows]
        else:
            kind = COLLABORATIVE if task == NRIP else SEMANTIC
            answers = vocabulary.identifiers(table, kind)[events["item"].to_numpy()[rows]].tolist()
        assert_same_rows(found[task], (read(model, prompts), torch.tensor(answers)))


def test_extra_targets_ask_every_click_of_both_item_tasks(world, model):
    """A click after a search also answers "what next"; one after a recommendation also a query that led to the item."""
    log, split, table, vocabulary = world
    _, batch = one_batch(world)
    found = memories(model, batch)
    histories, behaviour = Histories(log), log.events["behaviour"]
    clicks = np.flatnonzero(split.train & behaviour.isin((RECOMMENDATION, SEARCH)).to_numpy())
    items = log.events["item"].to_numpy()
    prompts = [Prompt(NRIP, actions(log, histories.before(row)), RECOMMENDATION) for row in clicks]
    answers = vocabulary.identifiers(table, COLLABORATIVE)[items[clicks]]
    assert_same_rows(found[NRIP], (read(model, prompts), torch.tensor(answers)))
    known = [typed or said for typed, said in zip(typed_queries(log, split), text_phrases(log), strict=True)]
    rows = [
        (Prompt(NSIP, actions(log, histories.before(row)), SEARCH, query), items[row])
        for row in clicks
        for query in ([log.events["query"].iloc[row]] if behaviour.iloc[row] == SEARCH else known[items[row]] or ("",))
    ]
    answers = vocabulary.identifiers(table, SEMANTIC)[[item for _, item in rows]]
    expected = (read(model, [prompt for prompt, _ in rows]), torch.tensor(answers))
    assert len(found[NSIP][0]) == len(clicks)
    assert distances(found[NSIP], expected).min(1).values.max() < NEAR


def test_text_tasks_in_a_batch_are_what_read_makes_of_them(world, model):
    log, split, table, vocabulary = world
    _, batch = one_batch(world)
    found = memories(model, batch)
    texts = (log.items["title"] + " " + log.items["description"]).tolist()
    ids = {kind: vocabulary.identifiers(table, kind) for kind in table.kinds}
    labels = [(vocabulary.words_of(title, 7) + [END] + [0] * 8)[:8] for title in log.items["title"]]
    could = zip(typed_queries(log, split), text_phrases(log), strict=True)
    pairs = [(item, query) for item, queries in enumerate(could) for query in queries[0] + queries[1]]
    expected = {
        DESC2ID: [(Prompt(DESC2ID, text=texts[item]), ids[kind][item]) for kind in ids for item in range(len(texts))],
        ID2DESC: [
            (Prompt(ID2DESC, identifier=tuple(ids[kind][item].tolist())), labels[item])
            for kind in ids
            for item in range(len(texts))
        ],
        DOC2QUERY: [(Prompt(DOC2QUERY, behaviour=SEARCH, query=query), ids[SEMANTIC][item]) for item, query in pairs],
    }
    for task, rows in expected.items():
        prompts, answers = zip(*rows, strict=True)
        known = (read(model, list(prompts)), torch.tensor(np.array(answers)))
        drawn, targets = found[task]  # drawn with replacement: each must be one of the known
        assert len(drawn) > 10 and distances((drawn, targets), known).min(1).values.max() < NEAR


def test_a_long_log_is_cut_and_each_target_is_asked_once_with_the_events_of_its_window(world, model):
    log, split, table, vocabulary = world
    data, batch = one_batch(
        world, TaskMix(nsqp=0.0, desc2id=0.0, id2desc=0.0, doc2query=0.0, extra_targets=False), history=6
    )
    assert len(data.windows) > log.n_users
    asked = np.concatenate([window.targets for window in data.windows])
    assert sorted(asked.tolist()) == np.flatnonzero(split.train).tolist()
    time, behaviour = log.events["timestamp"].to_numpy(), log.events["behaviour"].to_numpy()
    prompts, answers = [], []
    for window in data.windows:
        for target in window.targets[behaviour[window.targets] == SEARCH].tolist():
            seen = window.events[time[window.events] < time[target]]
            prompts.append(Prompt(NSIP, actions(log, seen), SEARCH, log.events["query"].iloc[target]))
            answers.append(vocabulary.identifiers(table, SEMANTIC)[log.events["item"].iloc[target]].tolist())
    assert_same_rows(memories(model, batch)[NSIP], (read(model, prompts), torch.tensor(answers)))


def test_padding_and_neighbours_in_a_batch_change_no_prompt(world, model):
    log, *_ = world
    prompts = [Prompt(NRIP, actions(log, range(size)), RECOMMENDATION) for size in (0, 1, 3, 7)]
    together = read(model, prompts)
    alone = torch.cat([read(model, [prompt]) for prompt in prompts])
    assert_close(together, alone, atol=1e-5, rtol=1e-5)
    assert torch.cdist(alone, alone).fill_diagonal_(9).min() > 1e-2


# ---- nothing leaks -----------------------------------------------------------------------------------------------


def test_an_ask_sees_strictly_earlier_events_and_nothing_else(world, model):
    _, batch = one_batch(world)
    slots = batch.slots
    length = slots.tokens.shape[1]
    clean = memories(model, batch)
    rng = torch.Generator().manual_seed(0)
    noise = torch.randint(1, len(model.vocabulary), slots.tokens.shape, generator=rng)
    checked = moved = 0
    for asked in batch.asked:
        for number in range(0, len(asked.place), 7):
            row, place = divmod(int(asked.place[number]), length)
            earlier = slots.is_event[row] & (slots.instant[row] < slots.instant[row, place])
            keep = torch.zeros(slots.tokens.shape[:2], dtype=torch.bool)
            keep[row] = earlier
            keep[row, place] = True
            others = Batch(slots._replace(tokens=torch.where(keep[..., None], slots.tokens, noise)), batch.asked)
            assert_close(memories(model, others)[asked.task][0][number], clean[asked.task][0][number])
            checked += 1
            if earlier.any():
                seen = earlier.nonzero()[0, 0]
                keep[row, seen] = False
                others = Batch(slots._replace(tokens=torch.where(keep[..., None], slots.tokens, noise)), batch.asked)
                after = memories(model, others)[asked.task][0][number]
                moved += not torch.allclose(after, clean[asked.task][0][number], atol=1e-6)
    assert checked > 30 and moved > 5  # what it may see, it does see


def test_events_of_one_instant_have_no_order(world, model):
    log, *_ = world
    first = Action(RECOMMENDATION, 3, "", 5)
    same = [Action(RECOMMENDATION, 7, "", 9), Action(QUERY, -1, "thing 4", 9), Action(SEARCH, 4, "thing 4", 9)]
    one, other = (read(model, [Prompt(NRIP, (first, *order), RECOMMENDATION)]) for order in (same, same[::-1]))
    assert_close(one, other, atol=1e-5, rtol=1e-5)
    later = [action._replace(instant=9 + place) for place, action in enumerate(same)]
    assert not torch.allclose(one, read(model, [Prompt(NRIP, (first, *later), RECOMMENDATION)]), atol=1e-4)


def test_only_the_order_of_instants_counts(model):
    history = tuple(Action(RECOMMENDATION, item, "", time) for item, time in ((3, 5), (7, 5), (1, 9)))
    stretched = tuple(action._replace(instant=action.instant * 1000 - 7) for action in history)
    one, other = (read(model, [Prompt(NRIP, told, RECOMMENDATION)]) for told in (history, stretched))
    assert torch.equal(one, other)


# ---- slots -------------------------------------------------------------------------------------------------------


def test_a_slot_is_the_sum_of_its_codes_and_the_mean_of_its_words(world, model):
    *_, vocabulary = world
    weight = model.embedding.weight.detach()
    words = vocabulary.words_of("thing unheard 4")
    assert words[1] == UNKNOWN
    slot = torch.tensor([[[vocabulary.behaviour(QUERY), *words, 0]]])
    expected = weight[vocabulary.behaviour(QUERY)] + weight[words].mean(0)
    with torch.no_grad():
        assert_close(model._slot_vectors(slot)[0, 0], expected)
        codes = vocabulary.identifiers(world[2], SEMANTIC)[3].tolist()
        assert_close(model._slot_vectors(torch.tensor([[codes]]))[0, 0], weight[codes].sum(0))


def test_words_beyond_the_slot_are_not_read(world, model):
    query = " ".join(f"thing {number}" for number in range(QUERY_WORDS // 2))
    longer = Prompt(NSIP, (), SEARCH, query + " lamp lamp")
    assert torch.equal(read(model, [longer]), read(model, [Prompt(NSIP, (), SEARCH, query)]))
    text = " ".join(["thing"] * TEXT_WORDS)
    told, more = Prompt(DESC2ID, text=text), Prompt(DESC2ID, text=text + " 3")
    assert torch.equal(read(model, [told]), read(model, [more]))


def test_a_query_typed_before_is_its_words_and_a_token_of_its_own(world):
    model = packed(world[3], world[2])
    known = model.vocabulary.queries
    assert len(model.vocabulary.query_list) > 2
    rows = model.embedding.weight.detach()[known.start : known.stop]
    assert not rows.any()  # silent before training
    query = model.vocabulary.query_list[1]
    asked = Prompt(NSIP, (), SEARCH, query.upper())
    assert model.table.ask(asked)[-1] == known.start + 1
    assert model.table.event(Action(QUERY, -1, query, 1))[-1] == known.start + 1
    assert model.table.ask(asked._replace(query=query + " unheard"))[-1] == UNKNOWN
    before = read(model, [asked])
    with torch.no_grad():
        model.embedding.weight[known.start + 1, 0] = 3.0
    assert not torch.allclose(read(model, [asked]), before)


def test_training_hides_some_query_tokens_and_answering_none(world):
    model = packed(world[3], world[2])
    token = model.vocabulary.queries.start
    with torch.no_grad():
        model.embedding.weight[token] = 1.0
        slots = torch.full((500, 4, 1), token)
        assert (model._slot_vectors(slots) == 1).all()
        model.train()
        hidden = (model._slot_vectors(slots) == 0).all(-1).float().mean()
    assert 0.15 < hidden < 0.25


def test_a_long_query_is_told_by_its_last_word(model):
    """Queries made from category paths share their first words: the leaf stands at the end."""
    path = "thing 1 thing 2 thing 3 thing 4 thing 5"
    one, other = (Prompt(NSIP, (), SEARCH, f"{path} {leaf}") for leaf in "67")
    assert not torch.allclose(read(model, [one]), read(model, [other]))


def test_text_that_a_task_does_not_use_changes_nothing(model):
    history = (Action(SEARCH, 3, "thing 3", 1), Action(RECOMMENDATION, 4, "", 2))
    asked = Prompt(NRIP, history, RECOMMENDATION)
    # a click's slot holds its item, not the query that led to it; the query stands in its own slot
    unsaid = asked._replace(history=(history[0]._replace(query="thing 9"), history[1]))
    assert torch.equal(read(model, [asked]), read(model, [unsaid]))


def test_the_neutral_question_is_the_token_alone(model):
    history = (Action(RECOMMENDATION, 3, "", 1), Action(RECOMMENDATION, 4, "", 2))
    recommend, search, nothing = (
        read(model, [neutral_prompt(history, behaviour)]) for behaviour in (RECOMMENDATION, SEARCH, None)
    )
    assert torch.equal(recommend, read(model, [Prompt(NRIP, history, RECOMMENDATION)]))
    assert not torch.allclose(recommend, search, atol=1e-4)
    assert not torch.allclose(recommend, nothing, atol=1e-4)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_other_queries_are_phrases_of_the_items_own_text_as_often_as_asked_for(world, share):
    log, split, _, vocabulary = world
    typed, said = typed_queries(log, split), text_phrases(log)
    data, _ = one_batch(world, phrases=share)
    clicks = np.flatnonzero(split.train & (log.events["behaviour"] == RECOMMENDATION).to_numpy())
    clicks = np.array([row for row in clicks if typed[log.events["item"].iloc[row]]] * 200)
    rng = np.random.default_rng(0)
    slots = data._asks[NSIP][data._queries_for(clicks, rng)][:, 1:]
    items = log.events["item"].to_numpy()[clicks]
    told = {
        item: [{tuple(vocabulary.words_of(query)) for query in known[item]} for known in (typed, said)]
        for item in set(items)
    }
    own_token = vocabulary.queries.start
    drawn = [tuple(token for token in row if 0 < token < own_token) for row in slots.tolist()]
    assert all(words in told[item][0] | told[item][1] for item, words in zip(items, drawn, strict=True))
    phrased = [words not in told[item][0] for item, words in zip(items, drawn, strict=True)]
    assert abs(np.mean(phrased) - share) < (0.1 if 0 < share < 1 else 1e-9)


def test_the_neutral_question_is_among_the_trained_ones(world):
    *_, vocabulary = world
    _, batch = one_batch(world, query_dropout=1.0)
    flat = batch.slots.tokens.flatten(0, 1)
    (asked,) = [asked for asked in batch.asked if asked.task == NSIP]
    assert (flat[asked.place, 0] == vocabulary.behaviour(SEARCH)).all()
    assert (flat[asked.place, 1:] == 0).all()


# ---- loss, steps, start ------------------------------------------------------------------------------------------


def test_the_loss_is_the_weighted_sum_over_tasks_of_the_mean_negative_log_likelihood(world, model):
    _, batch = one_batch(world)
    with torch.no_grad():
        loss, means = model(batch, ALL._replace(nsip=0.25, id2desc=0.0))
    found = memories(model, batch)
    place = {asked.task: asked.place for asked in batch.asked}
    expected = {}
    for task, (memory, targets) in found.items():
        back = None
        if task in (NRIP, NSIP):
            with torch.no_grad():
                back = model.looked_back(model.across_slots(batch.slots).past, place[task], targets[:, :-1])
        hidden = model.spell(memory, targets[:, :-1], back)
        total = 0.0
        for level in range(targets.shape[1]):
            if task in (NSQP, ID2DESC):
                logp = model.word_logits(hidden[:, level]).log_softmax(-1)
                real = targets[:, level] > 0
                total += -logp[real].gather(1, targets[real, level, None]).sum()
            else:
                places = [model.vocabulary.level_tokens(level).index(token) for token in targets[:, level].tolist()]
                logp = model.level_logits(hidden[:, level], level).log_softmax(-1)
                total += -logp.gather(1, torch.tensor(places)[:, None]).sum()
        expected[task] = (total / len(targets)).item()
    assert means == pytest.approx(expected, rel=1e-4)
    weighted = sum(ALL._replace(nsip=0.25, id2desc=0.0).weight(task) * mean for task, mean in expected.items())
    assert loss.item() == pytest.approx(weighted, rel=1e-4)


def test_stepping_is_spelling(world, model):
    log, split, table, vocabulary = world
    prompts = [Prompt(NRIP, actions(log, range(size)), RECOMMENDATION) for size in (2, 5)]
    answers = torch.tensor(vocabulary.identifiers(table, COLLABORATIVE)[[3, 8, 9]])  # three prefixes of each prompt
    with torch.no_grad():
        state = model.read(prompts)
        spelled, depth = model.embedding(answers[:, :-1]).cumsum(1), torch.tensor([1, 2, 3])
        hidden = []
        for prompt in range(2):
            past = Past(*(field[[prompt] * 3] for field in state.past))
            back = model.look_back(spelled, depth, past)
            assert back.abs().max() > 0.01
            hidden.append(model.spell(state.memory[:, 0][[prompt] * 3], answers[:, :-1], back))
        everything = torch.arange(len(vocabulary)).expand(2, 3, -1)
        tokens = parents = None
        for level in range(4):
            asked = everything[:, :1] if level == 0 else everything
            logp, state = model.step(state, tokens, parents, asked)
            allowed = vocabulary.level_tokens(level)
            for prompt in range(2):
                expected = model.level_logits(hidden[prompt][:, level], level).log_softmax(-1)
                assert_close(logp[prompt][:, allowed].expand(3, -1), expected, atol=1e-5, rtol=1e-5)
            forbidden = torch.ones(len(vocabulary), dtype=torch.bool)
            forbidden[allowed] = False
            assert (logp[..., forbidden] == -torch.inf).all()
            assert_close(logp.exp().sum(-1), torch.ones(logp.shape[:2]))
            parents = torch.zeros(2, 3, dtype=torch.int64) if level == 0 else torch.arange(3).expand(2, 3)
            tokens = answers[:, level].expand(2, 3)


def test_a_state_can_be_continued_twice_and_rows_can_be_dropped_or_repeated(world, model):
    log, split, table, vocabulary = world
    prompt = Prompt(NRIP, actions(log, range(3)), RECOMMENDATION)
    level = torch.tensor([[vocabulary.level_tokens(0)]])
    with torch.no_grad():
        _, start = model.step(model.read([prompt]), None, None, level)
        tokens = torch.tensor([vocabulary.level_tokens(0)[:3]])
        asked = torch.tensor([[vocabulary.level_tokens(1)] * 3])
        one, _ = model.step(start, tokens, torch.zeros_like(tokens), asked)
        turned, state = model.step(start, tokens[:, [2, 0, 0]], torch.zeros_like(tokens), asked)
        assert_close(turned, one[:, [2, 0, 0]])
        asked = torch.tensor([[vocabulary.level_tokens(2)] * 2])
        tokens = torch.tensor([vocabulary.level_tokens(1)[:2]])
        a, _ = model.step(state, tokens, torch.tensor([[1, 2]]), asked)
        b, _ = model.step(state, tokens, torch.tensor([[2, 1]]), asked)
        assert_close(a, b)  # rows 1 and 2 are one prefix


def test_batches_are_the_same_for_the_same_seed_and_epoch_and_hold_every_target_once(world):
    log, split, table, vocabulary = world
    data = PackedData(log, split, table, vocabulary, ALL._replace(extra_targets=False))

    def places(epoch, seed):
        return [batch.slots.tokens for batch in data.batches(epoch, seed, rows=4, text_rows=3)]

    same = zip(places(1, 7), places(1, 7), strict=True)
    assert all(torch.equal(one, other) for one, other in same)
    assert any(not torch.equal(one, other) for one, other in zip(places(1, 7), places(2, 7), strict=True))
    targets = [asked for batch in data.batches(0, 0, 4, 3) for asked in batch.asked if asked.task == NSIP]
    clicks = log.events["item"].to_numpy()[split.train & (log.events["behaviour"] == SEARCH).to_numpy()]
    expected = vocabulary.identifiers(table, SEMANTIC)[clicks]
    told = torch.cat([asked.target for asked in targets]).numpy()
    assert sorted(map(tuple, told.tolist())) == sorted(map(tuple, expected.tolist()))


def test_a_task_without_weight_is_not_asked(world):
    _, batch = one_batch(world, ALL._replace(nsip=0.0, desc2id=0.0))
    assert {asked.task for asked in batch.asked} == {NRIP, NSQP, ID2DESC, DOC2QUERY}
