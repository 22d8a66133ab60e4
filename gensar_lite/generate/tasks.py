"""The training tasks (paper, section 3.3): what the model is asked, and what it should answer.

A ``Prompt`` is a question in plain data; how it becomes tokens is up to the backbone (one line of text for T5, one slot
per event for the packed decoder). This module knows nothing about models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gensar_lite.generate.vocabulary import END, Vocabulary
from gensar_lite.identify.table import IdentifierTable
from gensar_lite.log.schema import QUERY, RECOMMENDATION, SEARCH, TEXT_COLUMNS, JointLog
from gensar_lite.log.split import Histories, Split
from gensar_lite.log.text import words

NRIP, NSQP, NSIP = "NRIP", "NSQP", "NSIP"  # next recommended item, next search query, next search item
DESC2ID, ID2DESC, DOC2QUERY = "Desc2ID", "ID2Desc", "doc2query"
QUERY_WORDS = 16  # of a query that are read; one made from a category path is long, and its last words tell most
TASK_OF = {RECOMMENDATION: NRIP, QUERY: NSQP, SEARCH: NSIP}

# The first wording of each task is the one used at evaluation. The last one of NRIP and of NSIP is the same neutral
# sentence: it is trained with either behaviour token, so that flipping the token alone is no unseen question.
NEUTRAL = "so far this shopper did {history} what comes next"
INSTRUCTIONS: dict[str, tuple[str, ...]] = {
    NRIP: (
        "here is what a shopper did {history} which item should we recommend next",
        "the shopper's past actions are {history} suggest one item they would like to open",
        "given {history} guess the item this person clicks on the home page",
        "{history} is the record of one visitor name the next item worth showing",
        "read this list of actions {history} and pick an item to put in front of the shopper",
        NEUTRAL,
    ),
    NSQP: (
        "here is what a shopper did {history} what will they type into the search box next",
        "the shopper's past actions are {history} write their next query",
        "given {history} guess the words this person searches for",
        "{history} is the record of one visitor which query follows",
        "read this list of actions {history} and complete the empty search box",
    ),
    NSIP: (
        "here is what a shopper did {history} now they search for {query} which item will they click",
        "the shopper's past actions are {history} they typed {query} find the item they want",
        "given {history} and the words {query} guess the result this person opens",
        "{history} is the record of one visitor whose query is {query} name the item they choose",
        "read this list of actions {history} then answer the search {query} with one item",
        NEUTRAL,
    ),
    DESC2ID: (
        "which item is described by {text}",
        "an item reads {text} name it",
        "find the item whose page says {text}",
        "the label on the shelf is {text} which item stands there",
        "match this text to an item {text}",
    ),
    ID2DESC: (
        "what is the title of {identifier}",
        "describe the item {identifier}",
        "put the item {identifier} into words",
        "the shelf holds {identifier} write its label",
        "tell a shopper what {identifier} is",
    ),
    DOC2QUERY: (
        "someone with no history searches for {query} which item fits",
        "find an item for the words {query}",
        "a new visitor types {query} answer with one item",
        "the search box says {query} name a matching item",
        "which item would you show for {query}",
    ),
}


class Action(NamedTuple):
    """One line of a history: an item clicked, or a query typed. Actions of equal ``instant`` have no order."""

    behaviour: str
    item: int = -1  # item index; -1 for a query
    query: str = ""
    instant: int = 0


class Prompt(NamedTuple):
    """One question to the model.

    Attributes:
        task: one of the task names above; picks the wording.
        history: oldest first.
        behaviour: the token that ends the input, without brackets; None asks without a token.
        query: the words typed, for NSIP and doc2query.
        text: the item text, for Desc2ID.
        identifier: vocabulary ids of an identifier, for ID2Desc.
        wording: which paraphrase is read when the prompt is answered; training draws its own.
    """

    task: str
    history: tuple[Action, ...] = ()
    behaviour: str | None = None
    query: str = ""
    text: str = ""
    identifier: tuple[int, ...] = ()
    wording: int = 0


def neutral_prompt(history: Sequence[Action], behaviour: str | None) -> Prompt:
    """What comes next, in the wording that both item tasks share: only the behaviour token says what is asked."""
    return Prompt(NSIP if behaviour == SEARCH else NRIP, tuple(history), behaviour, wording=-1)


class TaskMix(NamedTuple):
    """Weight of each task's loss; 0 leaves a task out.

    ``extra_targets`` makes every training click a target of both item tasks: a click after a search also answers "what
    next", and a click after a recommendation also answers a query that led others to the item (P(query | item) of the
    training searches stands in for the query nobody typed). The paper does neither; where both behaviours come from one
    pool of purchases, or data is scarce, both tasks gain.
    """

    nrip: float = 1.0
    nsqp: float = 0.2
    nsip: float = 1.0
    desc2id: float = 0.3
    id2desc: float = 0.1
    doc2query: float = 0.3
    extra_targets: bool = True

    def weight(self, task: str) -> float:
        """The weight of a task, by its name."""
        return float(getattr(self, task.lower()))


def actions(log: JointLog, rows: Sequence[int] | np.ndarray) -> tuple[Action, ...]:
    """Events of a log as actions, in the order given."""
    picked = log.events.iloc[list(rows)]
    return tuple(
        Action(*values) for values in zip(picked["behaviour"], picked["item"], picked["query"], picked["timestamp"])
    )


def prompts_for(cases, log: JointLog, histories: Histories, limit: int = 50) -> list[Prompt]:
    """The prompts of a case table (see ``Split``): each with at most its ``limit`` latest actions."""
    rows = [histories.before(event)[-limit:].tolist() for event in cases["event"]]
    needed = sorted(set().union(*rows))
    told = dict(zip(needed, actions(log, needed)))
    return [
        Prompt(TASK_OF[task], tuple(told[row] for row in before), task, query)
        for before, task, query in zip(rows, cases["task"], cases["query"])
    ]


def latest(history: Sequence[Action], recommended: int = 5, sessions: int = 5) -> tuple[Action, ...]:
    """The paper's short history: the last recommended clicks and the last search sessions with one click each."""
    kept = []
    clicked = False  # in the session being read, whose query stands before its clicks
    for action in reversed(history):
        if action.behaviour == RECOMMENDATION:
            keep, recommended = recommended > 0, recommended - 1
        elif action.behaviour == SEARCH:
            keep, clicked = sessions > 0 and not clicked, True
        else:
            keep, clicked, sessions = sessions > 0, False, sessions - 1
        if keep:
            kept.append(action)
    return tuple(reversed(kept))


def typed_queries(log: JointLog, split: Split) -> list[tuple[str, ...]]:
    """The training queries that led to each item, as often as they did: P(query | item) as it was seen."""
    events = log.events[split.train & (log.events["behaviour"] == SEARCH).to_numpy()]
    found = events.groupby("item")["query"].agg(tuple)
    return [found.get(item, ()) for item in range(log.n_items)]


def text_phrases(log: JointLog) -> list[tuple[str, ...]]:
    """One or two neighbouring words of each item's own text, so that words nobody has typed yet are heard as queries.

    Only words that fewer than a fifth of the items share; an item without any has the name of its deepest category.
    """
    texts = [words(" ".join(parts)) for parts in zip(*(log.items[name] for name in TEXT_COLUMNS), strict=True)]
    spread = Counter(word for text in texts for word in set(text))
    phrases = []
    for text, path in zip(texts, log.items["categories"], strict=True):
        telling = [word if 5 * spread[word] < log.n_items and not word.isdigit() else "" for word in text]
        pairs = [f"{first} {second}" for first, second in zip(telling, telling[1:], strict=False) if first and second]
        name = " ".join(words(path.split(", ")[-1]))
        phrases.append((*filter(None, telling), *pairs) or ((name,) if name else ()))
    return phrases


def pseudo_queries(log: JointLog, split: Split) -> list[tuple[str, ...]]:
    """Queries that could have led to each item: those that did, and for every four of them (at least two) a phrase.

    Drawn from ``text_phrases`` with a fixed seed: the list is a fact about the log.
    """
    rng = np.random.default_rng(0)
    known = []
    for typed, phrases in zip(typed_queries(log, split), text_phrases(log), strict=True):
        drawn = rng.choice(len(phrases), size=max(2, len(typed) // 4)) if phrases else []
        known.append((*typed, *(phrases[number] for number in drawn)))
    return known


def build_vocabulary(log: JointLog, split: Split, table: IdentifierTable, max_words: int = 4000) -> Vocabulary:
    """All words of the instructions and the training queries, then the commonest words of the item texts.

    Queries typed at least twice in the training part get a token of their own.
    """
    asked = log.events.loc[split.train & (log.events["behaviour"] == QUERY).to_numpy(), "query"]
    instructions = [wording for wordings in INSTRUCTIONS.values() for wording in wordings]
    plain = [wording.replace("{", "").replace("}", "") for wording in instructions]
    texts = [*log.items["title"], *log.items["description"]]
    often = [query for query, times in Counter(asked).most_common() if times > 1]
    return Vocabulary.build(texts, [*asked, *plain], table, max_words, often)


class TextRenderer:
    """Prompts as one line of token ids, as T5 reads them (paper, Table of tasks in section 3.3).

    A query is its words here, as in the paper; the tokens of whole queries are the packed generator's.
    """

    def __init__(self, vocabulary: Vocabulary, table: IdentifierTable, text_words: int = 24) -> None:
        self.vocabulary = vocabulary
        self.text_words = text_words
        self._identifier = {
            behaviour: vocabulary.identifiers(table, table.kind_for(behaviour)[0])
            for behaviour in (RECOMMENDATION, SEARCH)
        }

    def action(self, action: Action) -> list[int]:
        """``<R_I> M1 M2 R1 R2``, ``<S_I> M1 M2 S1 S2`` or ``<S_Q> words`` (eq. 11)."""
        head = [self.vocabulary.behaviour(action.behaviour)]
        if action.item < 0:
            return head + self.vocabulary.words_of(action.query, QUERY_WORDS)
        return head + self._identifier[action.behaviour][action.item].tolist()

    def prompt(self, prompt: Prompt, wording: int = 0) -> list[int]:
        """Token ids of a prompt in its ``wording``-th paraphrase; the behaviour token, if any, comes last."""
        return [token for _, ids in self.pieces(prompt, wording) for token in ids]

    def pieces(self, prompt: Prompt, wording: int = 0) -> list[tuple[Action | str, list[int]]]:
        """The same line in pieces: each action with its tokens; the rest under the name of what it says.

        The names are "instruction" (one piece per word), "query", "text", "identifier" and "token".
        """
        found: list[tuple[Action | str, list[int]]] = []
        for word in INSTRUCTIONS[prompt.task][wording].split():
            if word == "{history}":
                found += [(action, self.action(action)) for action in latest(prompt.history)]
            elif word == "{query}":
                query = self.vocabulary.words_of(prompt.query, QUERY_WORDS)
                found.append(("query", [self.vocabulary.behaviour(QUERY), *query]))
            elif word == "{text}":
                found.append(("text", self.vocabulary.words_of(prompt.text, self.text_words)))
            elif word == "{identifier}":
                found.append(("identifier", list(prompt.identifier)))
            else:
                found.append(("instruction", self.vocabulary.words_of(word)))
        if prompt.behaviour:
            found.append(("token", [self.vocabulary.behaviour(prompt.behaviour)]))
        return found


class Example(NamedTuple):
    """A prompt and the token ids the model should answer (words end in ``</s>``, identifiers have fixed length)."""

    prompt: Prompt
    target: tuple[int, ...]


def training_examples(
    log: JointLog, split: Split, table: IdentifierTable, vocabulary: Vocabulary, mix: TaskMix, title_words: int = 10
) -> list[Example]:
    """Every training example of every task of positive weight, in log order, then item order.

    A target's history is strictly before it; held-out events may stand in a history, never as a target.
    """
    identifiers = {kind: vocabulary.identifiers(table, kind).tolist() for kind in table.kinds}
    kind_of = {behaviour: table.kind_for(behaviour)[0] for behaviour in (RECOMMENDATION, SEARCH)}
    histories = Histories(log)
    everything = actions(log, range(len(log.events)))
    queries = pseudo_queries(log, split)
    examples: list[Example] = []
    wanted = {task for task in INSTRUCTIONS if mix.weight(task) > 0}

    def add(task: str, prompt: Prompt, target: Sequence[int]) -> None:
        if task in wanted:
            examples.append(Example(prompt, tuple(target)))

    for row in np.flatnonzero(split.train):
        action = everything[row]
        history = tuple(everything[before] for before in histories.before(row)[-50:].tolist())
        if action.behaviour == QUERY:
            target = [*vocabulary.words_of(action.query, QUERY_WORDS), END]
            add(NSQP, Prompt(NSQP, history, QUERY), target)
            continue
        known = queries[action.item] if mix.extra_targets else ()
        query = action.query or (known[row % len(known)] if known else "")
        if query:
            add(NSIP, Prompt(NSIP, history, SEARCH, query), identifiers[kind_of[SEARCH]][action.item])
        if action.behaviour == RECOMMENDATION or mix.extra_targets:
            target = identifiers[kind_of[RECOMMENDATION]][action.item]
            add(NRIP, Prompt(NRIP, history, RECOMMENDATION), target)
    texts = (log.items["title"] + " " + log.items["description"]).tolist()
    for item, title in enumerate(log.items["title"]):
        label = [*vocabulary.words_of(title, title_words), END]
        for kind in table.kinds:
            identifier = identifiers[kind][item]
            add(DESC2ID, Prompt(DESC2ID, text=texts[item]), identifier)
            add(ID2DESC, Prompt(ID2DESC, identifier=tuple(identifier)), label)
        for query in queries[item][:1]:
            add(DOC2QUERY, Prompt(DOC2QUERY, behaviour=SEARCH, query=query), identifiers[kind_of[SEARCH]][item])
    return examples
