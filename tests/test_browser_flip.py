"""Lesson 05 in a real JupyterLab, as a person works with it: flip the token, type a query, change the history.

The notebook runs once; every test starts from where the one before left off and compares only what it changes itself.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from browser_support import LAPTOP, PROJECTOR, Lab, Watched, open_notebook, open_page, run_all, switch_theme
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = pytest.mark.timeout(900)


class Lesson(NamedTuple):
    """The open notebook and the one widget that most tests work with."""

    watched: Watched
    notebook: Locator
    flip: Locator

    @property
    def page(self) -> Page:
        return self.watched.page

    def titles(self, place: str) -> list[str]:
        """What the list "before" or "now" shows, best first."""
        return self.flip.get_by_role("list", name=place, exact=True).locator(".gs-title").all_text_contents()

    def expect_now(self, titles: list[str], other: bool = False) -> None:
        """Wait until the list "now" shows these titles, or others."""
        shown = expect(self.flip.get_by_role("list", name="now", exact=True).locator(".gs-title"))
        shown.not_to_have_text(titles) if other else shown.to_have_text(titles)


@pytest.fixture(scope="module")
def lesson(browser: Browser, lab: Lab) -> Iterator[Lesson]:
    with open_page(browser) as watched:
        notebook = open_notebook(watched, lab, "05_inference.ipynb")
        run_all(watched.page, notebook)
        flip = notebook.locator(".jp-OutputArea-output").filter(has=watched.page.get_by_text("start over"))
        flip.scroll_into_view_if_needed()
        yield Lesson(watched, notebook, flip)
    lab.end_kernels()


def chips(lesson: Lesson) -> Locator:
    return lesson.flip.get_by_role("list", name="history, oldest first").locator("[aria-pressed]")


def type_query(lesson: Lesson, words: str) -> None:
    field = lesson.flip.get_by_role("textbox", name="query")
    field.fill(words)
    field.press("Enter")


def test_flipping_the_token_moves_the_answer_to_the_left_and_brings_another(lesson):
    before, now = lesson.titles("before"), lesson.titles("now")
    assert len(before) == len(now) == 8 and before != now
    lesson.flip.get_by_role("button", name="<R_I> recommend").click()
    lesson.expect_now(before)
    assert lesson.titles("before") == now
    lesson.flip.get_by_role("button", name="<S_I> search").click()
    lesson.expect_now(now)
    assert lesson.titles("before") == before


def test_a_typed_query_is_answered_with_what_was_asked_for(lesson):
    type_query(lesson, "tent")
    expect(lesson.flip.get_by_text("search for “tent”").first).to_be_visible()
    assert sum("Tent" in title for title in lesson.titles("now")) >= 6
    type_query(lesson, "coffee maker")
    expect(lesson.flip.get_by_text("search for “coffee maker”").first).to_be_visible()
    assert not any("Tent" in title for title in lesson.titles("now"))


def test_an_unknown_word_is_told_and_hostile_words_stay_words(lesson):
    type_query(lesson, "tent <img src=x onerror=alert(1)> qqxxyy")
    expect(lesson.flip.get_by_role("status").filter(has_text="Never seen in training")).to_contain_text("qqxxyy")
    assert lesson.flip.locator("img").count() == 0
    type_query(lesson, " ")
    expect(lesson.flip.get_by_role("alert")).to_be_visible()
    type_query(lesson, "tent")
    expect(lesson.flip.get_by_role("alert")).to_have_count(0)


def test_the_history_is_changed_by_keyboard_alone(lesson):
    first = chips(lesson).first
    count, told, now = chips(lesson).count(), first.get_attribute("aria-label"), lesson.titles("now")
    first.focus()
    lesson.page.keyboard.press("Enter")
    expect(chips(lesson).first).to_have_attribute("aria-pressed", "false")
    lesson.page.keyboard.press("ArrowRight")
    expect(chips(lesson).nth(1)).to_have_attribute("aria-label", re.compile(re.escape(told.rpartition(", place")[0])))
    lesson.page.keyboard.press("Delete")
    expect(chips(lesson)).to_have_count(count - 1)
    lesson.flip.get_by_role("button", name="start over").press("Enter")
    expect(chips(lesson)).to_have_count(count)
    lesson.expect_now(now)


def test_an_item_is_added_to_the_history_from_the_search_box(lesson):
    count = chips(lesson).count()
    field = lesson.flip.get_by_role("combobox", name="add to the history")
    field.press_sequentially("sleeping bag")
    expect(lesson.flip.get_by_role("option").nth(1)).to_contain_text("Sleeping Bag")
    field.press("ArrowDown")
    field.press("Enter")
    expect(chips(lesson)).to_have_count(count + 1)
    expect(chips(lesson).last).to_contain_text("Sleeping Bag")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_readable_in_both_themes_on_laptop_and_projector(lesson, theme):
    switch_theme(lesson.page, theme)
    for name, window in (("laptop", LAPTOP), ("projector", PROJECTOR)):
        lesson.page.set_viewport_size({**window, "height": 1500})  # high enough for one picture of the whole view
        lesson.flip.scroll_into_view_if_needed()
        lesson.watched.shot(f"flip-{name}-{theme}", lesson.flip)
        inside = lesson.flip.evaluate("element => element.scrollWidth <= element.clientWidth + 1")
        assert inside, f"the view is wider than the window of a {name}"
    lesson.page.set_viewport_size(LAPTOP)


def test_nothing_went_wrong_on_the_page(lesson):
    lesson.watched.check()
