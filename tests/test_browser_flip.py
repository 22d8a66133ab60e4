"""Lesson 05 as a person uses it, in a real JupyterLab and in the app: flip the token, type a query, step the tree.

The page is opened once in each place; every test starts from where the one before left off and compares only what it
changes itself.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from browser_support import (
    LAPTOP,
    PROJECTOR,
    Lab,
    Watched,
    open_app,
    open_notebook,
    open_page,
    run_all,
    switch_theme,
    view_with,
)
from playwright.sync_api import Browser, Locator, Page, expect

LESSON = "05_inference.ipynb"

pytestmark = pytest.mark.timeout(900)


class Views(NamedTuple):
    """An open page and its live views.

    Attributes:
        place: "lab" or "app".
    """

    place: str
    watched: Watched

    @property
    def page(self) -> Page:
        return self.watched.page

    @property
    def flip(self) -> Locator:
        return view_with(self.page, self.page.get_by_role("list", name="history, oldest first"))

    @property
    def tree(self) -> Locator:
        return view_with(self.page, self.page.get_by_role("group", name="beam search, from left to right"))

    @property
    def microscope(self) -> Locator:
        return view_with(self.page, self.page.get_by_role("combobox", name="case", exact=True))

    @property
    def chips(self) -> Locator:
        return self.flip.get_by_role("list", name="history, oldest first").locator("[aria-pressed]")

    def shown(self, place: str) -> Locator:
        """The titles in the list "before" or "now"."""
        return self.flip.get_by_role("list", name=place, exact=True).locator(".gs-title")

    def titles(self, place: str) -> list[str]:
        """The same as texts, best first."""
        return self.shown(place).all_text_contents()

    def type_query(self, words: str) -> None:
        field = self.flip.get_by_role("textbox", name="query")
        field.fill(words)
        field.press("Enter")


@pytest.fixture(scope="module", params=["lab", "app"])
def views(
    request: pytest.FixtureRequest, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Views]:
    with open_page(browser) as watched:
        if request.param == "lab":
            lab: Lab = request.getfixturevalue("lab")
            run_all(watched.page, open_notebook(watched, lab, LESSON))
            yield Views("lab", watched)
            lab.end_kernels()
        else:
            with open_app(tmp_path_factory.mktemp("app")) as address:
                watched.page.goto(address)
                yield Views("app", watched)


def test_flipping_the_token_moves_the_answer_to_the_left_and_brings_another(views):
    expect(views.shown("now")).to_have_count(8)
    before, now = views.titles("before"), views.titles("now")
    assert len(before) == len(now) == 8 and before != now
    views.flip.get_by_role("button", name="<R_I> recommend").click()
    expect(views.shown("now")).to_have_text(before)
    assert views.titles("before") == now
    views.flip.get_by_role("button", name="<S_I> search").click()
    expect(views.shown("now")).to_have_text(now)
    assert views.titles("before") == before


def test_a_typed_query_is_answered_with_what_was_asked_for(views):
    views.type_query("tent")
    expect(views.flip.get_by_text("search for “tent”").first).to_be_visible()
    assert sum("Tent" in title for title in views.titles("now")) >= 6
    views.type_query("coffee maker")
    expect(views.flip.get_by_text("search for “coffee maker”").first).to_be_visible()
    assert not any("Tent" in title for title in views.titles("now"))


def test_an_unknown_word_is_told_and_hostile_words_stay_words(views):
    views.type_query("tent <img src=x onerror=alert(1)> qqxxyy")
    expect(views.flip.get_by_role("status").filter(has_text="Never seen in training")).to_contain_text("qqxxyy")
    assert views.flip.locator("img").count() == 0
    views.type_query(" ")
    expect(views.flip.get_by_role("alert")).to_be_visible()
    views.type_query("tent")
    expect(views.flip.get_by_role("alert")).to_have_count(0)
    expect(views.flip.get_by_text("search for “tent”").first).to_be_visible()


def test_the_history_is_changed_by_keyboard_alone(views):
    expect(views.shown("now")).to_have_count(8)
    count, now = views.chips.count(), views.titles("now")
    told = views.chips.first.get_attribute("aria-label").rpartition(", place")[0]
    views.chips.first.focus()
    views.page.keyboard.press("Enter")
    expect(views.chips.first).to_have_attribute("aria-pressed", "false")
    views.page.keyboard.press("ArrowRight")
    expect(views.chips.nth(1)).to_have_attribute("aria-label", re.compile(re.escape(told)))
    views.page.keyboard.press("Delete")
    expect(views.chips).to_have_count(count - 1)
    views.flip.get_by_role("button", name="start over").press("Enter")
    expect(views.chips).to_have_count(count)
    expect(views.shown("now")).to_have_text(now)


def test_an_item_is_added_to_the_history_from_the_search_box(views):
    count = views.chips.count()
    field = views.flip.get_by_role("combobox", name="add to the history")
    field.press_sequentially("sleeping bag")
    expect(views.flip.get_by_role("option").nth(1)).to_contain_text("Sleeping Bag")
    field.press("ArrowDown")
    field.press("Enter")
    expect(views.chips).to_have_count(count + 1)
    expect(views.chips.last).to_contain_text("Sleeping Bag")


def test_the_history_is_changed_by_mouse(views):
    views.page.set_viewport_size({**LAPTOP, "height": 1500})  # all chips in sight
    views.flip.get_by_role("button", name="start over").click()
    expect(views.chips.filter(has_text="Sleeping Bag")).to_have_count(0)  # the test before added it
    first, last, count = views.chips.first, views.chips.last, views.chips.count()
    told = first.get_attribute("aria-label").rpartition(", place")[0]
    first.click()
    expect(first).to_have_attribute("aria-pressed", "false")
    first.scroll_into_view_if_needed()
    views.page.wait_for_timeout(2000)  # the answer to the switch may still move the page
    start, end = first.bounding_box(), last.bounding_box()
    whole = views.flip.get_by_role("list", name="history, oldest first").bounding_box()
    mouse = views.page.mouse
    mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    mouse.down()
    mouse.move(whole["x"] + whole["width"] - 3, end["y"] + end["height"] / 2, steps=12)  # the end of the last row
    mouse.up()
    expect(views.chips.last).to_have_attribute("aria-label", re.compile(re.escape(told)), timeout=20_000)
    expect(views.chips.last).to_have_attribute("aria-pressed", "false")  # a drag is no click
    # An item may stand in a history more than once: the place says which of them goes.
    views.flip.get_by_role("button", name=f"take out {told}, place {count} of {count}", exact=True).click()
    expect(views.chips).to_have_count(count - 1)
    field = views.flip.get_by_role("combobox", name="add to the history")
    field.press_sequentially("rain coat")
    views.flip.get_by_role("option").first.click()
    expect(views.chips).to_have_count(count)
    expect(views.chips.last).to_contain_text("<S_Q>")
    views.flip.get_by_role("button", name="start over").click()
    views.page.set_viewport_size(LAPTOP)


def test_without_a_token_and_with_one_switch_at_a_time_other_questions_are_asked(views):
    for token in ("<R_I> recommend", "<S_I> search"):  # there and back: whatever was under way is answered by then
        views.flip.get_by_role("button", name=token).click()
        expect(views.tree.get_by_role("status")).to_contain_text(token.split()[0])
    full = views.titles("now")
    views.flip.get_by_role("button", name=re.compile("no token")).click()
    expect(views.tree.get_by_role("status")).to_contain_text("no token")
    views.flip.get_by_role("button", name="<S_I> search").click()
    expect(views.shown("now")).to_have_text(full)
    words = views.flip.get_by_role("checkbox", name="flip the instruction and the query")
    words.uncheck()  # the token alone: both sides are asked in the same neutral words
    expect(views.flip.get_by_text("neutral words").first).to_be_visible()
    words.check()
    expect(views.flip.get_by_text("neutral words")).to_have_count(0)
    expect(views.shown("now")).to_have_text(full)


def test_without_the_constraint_identifiers_of_nothing_appear(views):
    tree = views.tree
    tree.get_by_role("slider").focus()
    views.page.keyboard.press("End")
    tree.get_by_role("button", name="30", exact=True).click()
    expect(tree.get_by_role("note")).to_contain_text("30 kept")
    expect(tree.locator(".gs-nothing")).to_have_count(0)
    free = tree.get_by_role("checkbox", name="only identifiers that exist")
    free.uncheck()
    expect(tree.locator(".gs-nothing").first).to_be_visible()
    expect(tree.get_by_role("note")).to_contain_text("begin no item's identifier")
    free.check()
    expect(tree.locator(".gs-nothing")).to_have_count(0)
    tree.get_by_role("button", name="10", exact=True).click()
    expect(tree.get_by_role("note")).to_contain_text("10 kept")


def test_the_tree_is_stepped_by_keyboard(views):
    tree, keyboard = views.tree, views.page.keyboard
    last = tree.get_by_text("step 4", exact=True)
    tree.get_by_role("slider").focus()
    keyboard.press("End")
    expect(last).to_be_visible()
    keyboard.press("ArrowLeft")
    expect(last).to_have_count(0)
    tree.get_by_role("button", name=re.compile("kept")).first.focus()  # the arrow keys work in the tree itself, too
    keyboard.press("ArrowRight")
    expect(last).to_be_visible()


def test_a_clicked_leaf_and_a_prefix_under_enter_show_what_they_name(views):
    leaf = views.tree.locator(".gs-leaf").nth(1)
    leaf.click()
    card = views.tree.locator(".gs-card")
    expect(card.locator("strong")).to_have_text(leaf.get_attribute("title"))
    expect(card).to_contain_text("One item")
    first = views.tree.get_by_role("button", name=re.compile("kept")).first
    first.focus()
    views.page.keyboard.press("Enter")
    expect(card.locator(".gs-codes").first).to_have_text(first.get_attribute("data-pick"))
    expect(card).not_to_contain_text("One item")


def test_the_tree_follows_the_flip(views):
    views.flip.get_by_role("button", name="<R_I> recommend").click()
    expect(views.tree.get_by_role("status")).to_contain_text("<R_I>")
    views.flip.get_by_role("button", name="<S_I> search").click()
    expect(views.tree.get_by_role("status")).to_contain_text("<S_I>")


def test_the_microscope_widens_the_beam_by_keyboard_and_takes_another_case(views):
    if views.place == "app":
        pytest.skip("the app shows the flip and its tree alone")
    told, keyboard = views.microscope.get_by_role("note"), views.page.keyboard
    views.microscope.get_by_role("slider").focus()
    keyboard.press("Home")
    expect(told).to_contain_text("A beam of 1 ")
    keyboard.press("End")
    expect(told).to_contain_text("A beam of 100 ")
    case = views.microscope.get_by_role("combobox", name="case", exact=True)
    name = case.locator("option").last.text_content()
    case.select_option(name)
    title = name.replace("\xa0", " ").rpartition(" → ")[2]  # a list's blanks do not break
    expect(told).to_contain_text(f"The target, “{title}”")
    views.microscope.get_by_role("spinbutton", name="number").fill("77")
    views.page.keyboard.press("Enter")
    expect(case.locator("option:checked")).not_to_have_text(name)
    expect(told).not_to_contain_text(f"The target, “{title}”")


def readable(views: Views, theme: str) -> None:
    """All views fit into the windows of laptop and projector; pictures are taken where they are asked for."""
    parts = {"flip": views.flip, "tree": views.tree}
    if views.place == "lab":
        figures = views.page.locator(".jp-Cell-outputArea")
        parts["microscope"] = views.microscope
        parts["funnel"] = figures.filter(has_text="Per task and kind of target")
        parts["thinned"] = figures.filter(has_text="The thinner belief is spread")
    for name, window in (("laptop", LAPTOP), ("projector", PROJECTOR)):
        views.page.set_viewport_size({**window, "height": 1500})  # high enough for a picture of a whole view
        for part, view in parts.items():
            view.scroll_into_view_if_needed()
            views.page.wait_for_timeout(500)  # figures follow the width of the window
            views.watched.shot(f"{part}-{views.place}-{name}-{theme}", view)
            inside = view.evaluate("element => element.scrollWidth <= element.clientWidth + 1")
            assert inside, f"the {part} is wider than the window of a {name}"
    views.page.set_viewport_size(LAPTOP)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_readable_in_both_themes_on_laptop_and_projector(views, theme, browser, tmp_path):
    if views.place == "lab":
        switch_theme(views.page, theme)
        readable(views, theme)
    elif theme == "light":
        readable(views, theme)
    else:  # the app's theme is chosen when it is started
        with open_app(tmp_path, theme) as address, open_page(browser) as watched:
            watched.page.goto(address)
            expect(Views("app", watched).tree.locator(".gs-beam")).to_be_visible()
            assert watched.page.evaluate("document.body.dataset.jpThemeLight") == "false"
            readable(Views("app", watched), theme)
            watched.check()


def test_nothing_went_wrong_on_the_page(views):
    views.watched.check()
