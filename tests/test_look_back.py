import numpy as np
import pytest
import torch
from generator_data import packed, parts
from torch.testing import assert_close

from gensar_lite.generate.look_back import AGES, LookBack, Past
from gensar_lite.generate.packed import Slots
from gensar_lite.generate.packing import Augmentation, PackedData
from gensar_lite.generate.tasks import NRIP, TaskMix

WIDTH, LEVELS = 8, 4


@pytest.fixture
def look():
    torch.manual_seed(0)
    made = LookBack(WIDTH, LEVELS)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter)
    return made


def past_of(rows, events, seed=0, chance=0.6):
    """A random past of two histories, each of ``rows`` places that see some of the events, of any age."""
    rng = np.random.default_rng(seed)
    slots = torch.tensor(rng.normal(size=(2, events, WIDTH)), dtype=torch.float32)
    age = rng.integers(0, AGES + 2, size=(2, rows, events))
    return Past(slots, torch.tensor(np.where(rng.random(age.shape) < chance, age, -1)))


def by_hand(look, spelled, depth, events, ages):
    """The formula of the class, for one prefix and the events it sees."""
    match, copy = look.match.weight.detach().numpy(), look.copy.weight.detach().numpy()
    recent = [float(look.recent[min(age, AGES - 1)]) for age in ages]
    agree = [float((match @ spelled) @ slot) + more for slot, more in zip(events, recent)]
    agree.append(float(look.nothing[depth]))
    weights = np.exp(np.array(agree) - max(agree))
    weights /= weights.sum()
    found = sum((weight * slot for weight, slot in zip(weights, events)), np.zeros(WIDTH))
    return float(look.loud[depth]) * copy @ found


@torch.no_grad()
def test_it_computes_its_formula_over_the_events_that_are_seen(look):
    past = past_of(rows=6, events=5)
    spelled = torch.randn(2, 6, WIDTH, generator=torch.Generator().manual_seed(1))
    depth = torch.tensor([1, 2, 3, 1, 2, 3])
    said = look(spelled, depth, past)
    for history in range(2):
        for row in range(6):
            seen = past.age[history, row] >= 0
            events, ages = past.events[history][seen].numpy(), past.age[history, row][seen].tolist()
            expected = by_hand(look, spelled[history, row].numpy(), int(depth[row]), events, ages)
            np.testing.assert_allclose(said[history, row], expected, atol=1e-4)


@torch.no_grad()
def test_one_view_of_the_past_serves_all_prefixes(look):
    past = past_of(rows=1, events=4)
    spelled = torch.randn(2, 3, WIDTH, generator=torch.Generator().manual_seed(1))
    depth = torch.full((3,), 2)
    each = Past(past.events, past.age.expand(-1, 3, -1))
    assert_close(look(spelled, depth, past), look(spelled, depth, each))


@torch.no_grad()
@pytest.mark.parametrize("events", [0, 3])
def test_nothing_is_said_where_no_event_is_seen(look, events):
    past = past_of(rows=1, events=events, chance=0.0)
    assert (look(torch.ones(2, 5, WIDTH), torch.ones(5, dtype=torch.int64), past) == 0).all()


@torch.no_grad()
def test_before_any_training_an_event_speaks_for_the_rest_of_its_codes():
    """Of two items that differ in every code, the one whose first codes are spelled is the one that is spelled on."""
    codes = torch.eye(2 * LEVELS).view(2, LEVELS, -1)
    past = Past(codes.sum(1)[None], torch.zeros(1, 1, 2, dtype=torch.int64))
    look = LookBack(2 * LEVELS, LEVELS)
    for item in range(2):
        for depth in range(1, LEVELS):
            said = look(codes[item, :depth].sum(0)[None, None], torch.tensor([depth]), past)[0, 0]
            own, other = codes[item, depth] @ said, codes[1 - item, depth] @ said
            assert own > 0.3 and own > 3 * other > 0


def test_every_ask_of_a_batch_looks_back_as_it_would_alone():
    """Asks of one row share a product; each hears what it would hear with only its own events beside it."""
    log, split, table, vocabulary = parts(seed=5, both=True)
    model = packed(vocabulary, table)
    certain = Augmentation(event_dropout=0.0, query_dropout=0.0, query_redraw=0.0, phrases=0.0)
    data = PackedData(log, split, table, vocabulary, TaskMix(), augmentation=certain)
    (batch,) = data.batches(0, 0, rows=len(data.windows), text_rows=2)
    with torch.no_grad():
        reading = model.across_slots(batch.slots)
        (asked,) = [asked for asked in batch.asked if asked.task == NRIP]
        together = model.looked_back(reading.past, asked.place, asked.target[:, :-1])
        width = batch.slots.instant.shape[1]
        for number, place in enumerate(asked.place.tolist()):
            row, slot = divmod(place, width)
            seen = reading.past.age[row, slot] >= 0
            alone = Past(reading.past.events[row][seen][None], reading.past.age[row, slot][seen][None, None])
            spelled = model.embedding(asked.target[number, :-1]).cumsum(0)[None]
            assert_close(together[number], model.look_back(spelled, torch.tensor([1, 2, 3]), alone)[0])


@torch.no_grad()
def test_ages_count_only_the_events_a_question_sees_and_double():
    """0 for the latest event, 1 for the two before it, 2 for the next four; what is hidden is not counted."""
    _, _, table, vocabulary = parts(seed=5, both=True)
    model = packed(vocabulary, table)
    is_event = torch.tensor([[True] * 4 + [False] + [True] * 6 + [False]])  # the fifth is hidden, the last one asks
    instant = torch.arange(12)[None].clone()
    instant[0, 10] = instant[0, 11]  # at the very instant of the question
    slots = Slots(torch.zeros(1, 12, 1, dtype=torch.int64), instant, instant, is_event)
    past = model.across_slots(slots).past
    assert past.age[0, -1].tolist() == [3, 3, 2, 2, -1, 2, 2, 1, 1, 0, -1]
    assert past.age[0, 2].tolist() == [1, 0] + [-1] * 9
    assert (past.age[0, 0] == -1).all()
