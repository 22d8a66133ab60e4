"""Training examples as the views ask for them, held against the training's own."""

import pytest
from generator_data import artefacts_of, model_of, packed

from gensar_lite.generate.tasks import INSTRUCTIONS, TaskMix, TextRenderer, training_examples
from gensar_lite.lab.ask_prompt import MEANING, PromptBook


@pytest.fixture(scope="module")
def made():
    return artefacts_of(*model_of(packed, seed=1, unique=True))


@pytest.fixture(scope="module")
def book(made):
    return PromptBook(made)


@pytest.fixture(scope="module")
def examples(made):
    return training_examples(made.log, made.split, made.table, made.model.vocabulary, TaskMix())


def test_every_task_has_all_its_examples_and_a_meaning(book, examples):
    assert sum(book.counts.values()) == len(examples) and set(book.counts) == set(MEANING) == set(INSTRUCTIONS)


@pytest.mark.parametrize("task", list(MEANING))
def test_examples_are_those_of_the_training_in_every_wording(made, book, examples, task):
    own = [example for example in examples if example.prompt.task == task]
    renderer, tokens = TextRenderer(made.model.vocabulary, made.table), made.model.vocabulary.tokens
    for number in (1, len(own) // 2 + 1, len(own)):
        prompt, target = own[number - 1]
        for wording in range(1, len(INSTRUCTIONS[task]) + 1):
            reading = book.read(task, number, wording)
            assert list(reading.reads) == [tokens[token] for token in renderer.prompt(prompt, wording - 1)]
            assert list(reading.answers) == [tokens[token] for token in target]
            assert (reading.number, reading.count, reading.wording) == (number, len(own), wording)
            assert reading.wordings == INSTRUCTIONS[task]
        assert len(reading.slots) == len(prompt.history) + 1
        assert [slot.is_ask for slot in reading.slots] == [False] * len(prompt.history) + [True]


def test_an_answer_that_names_an_item_says_its_title(made, book):
    reading = book.read("Desc2ID", 1, 1)
    item = made.log.items["title"].tolist().index(reading.says)
    names = [" ".join(made.table.tokens(kind)[item]) for kind in made.table.kinds]
    assert " ".join(reading.answers) in names
    assert book.read("NSQP", 1, 1).says == ""


@pytest.mark.parametrize(
    ("task", "number", "wording"), [("X", 1, 1), ("NSIP", 0, 1), ("NSIP", 10**6, 1), ("NSIP", 1, 9)]
)
def test_what_does_not_exist_is_refused_with_what_does(book, task, number, wording):
    with pytest.raises(ValueError, match="NSIP"):
        book.read(task, number, wording)


def test_a_task_of_weight_nothing_has_no_examples(made):
    assert "NSQP" not in PromptBook(made, TaskMix(nsqp=0)).counts
