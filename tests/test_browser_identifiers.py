"""Lesson 03 in a real JupyterLab, as a person uses it: colour a map, draw a lasso, click a collision, read the table.

The notebook runs once; every test picks something of its own and compares only what that changes.
"""

import contextlib
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from browser_support import LAPTOP, PROJECTOR, Lab, Watched, open_notebook, open_page, run_all, switch_theme
from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import Error as PlaywrightError

pytestmark = pytest.mark.timeout(900)


class Lesson(NamedTuple):
    """The open notebook, all its live views, and three of them by name; they share one selection."""

    watched: Watched
    views: Locator
    map: Locator
    collisions: Locator
    table: Locator

    @property
    def page(self) -> Page:
        return self.watched.page

    def picked(self) -> list[str]:
        """Item ids in the table."""
        return self.table.locator("tbody tr td:first-child").all_inner_texts()

    def expect_picked(self, count: int | re.Pattern) -> None:
        """Wait until the table says how many are picked."""
        told = self.table.get_by_role("status")
        expect(told).to_have_text(count if isinstance(count, re.Pattern) else f"{count:,} picked")


@pytest.fixture(scope="module")
def lesson(browser: Browser, lab: Lab) -> Iterator[Lesson]:
    with open_page(browser) as watched:
        page = watched.page
        notebook = open_notebook(watched, lab, "03_identifier_maps.ipynb")
        run_all(page, notebook)
        views = notebook.locator(".widget-vbox:not(:has(.widget-vbox))")
        yield Lesson(
            watched,
            views,
            views.filter(has_text="neighbours").filter(has=page.get_by_role("combobox", name="colour by")),
            views.filter(has=page.get_by_role("combobox", name="group", exact=True)),
            views.filter(has=page.get_by_role("button", name="pick nothing")).first,  # the one below the map
        )
    lab.end_kernels()


@pytest.fixture(autouse=True)
def nothing_picked(lesson: Lesson) -> None:
    """Every test starts with an empty selection."""
    lesson.table.get_by_role("button", name="pick nothing").click()
    expect(lesson.table.get_by_role("status")).to_contain_text("Nothing is picked")


def legend(view: Locator) -> Locator:
    return view.locator(".legendtext")


def draw_lasso(lesson: Lesson, first: float, last: float) -> None:
    """Around the square between two shares of the first map's width and height."""
    lesson.map.locator(".js-plotly-plot").scroll_into_view_if_needed()
    box = lesson.map.locator(".nsewdrag").first.bounding_box()
    x, y = (
        [box[edge] + box[side] * share for share in (first, last)] for edge, side in (("x", "width"), ("y", "height"))
    )
    mouse = lesson.page.mouse
    mouse.move(x[0], y[0])
    mouse.down()
    for corner in ((x[1], y[0]), (x[1], y[1]), (x[0], y[1]), (x[0], y[0])):
        mouse.move(*corner, steps=2)
    mouse.up()


def click_at(lesson: Lesson, mark: Locator) -> None:
    """Move to a mark of a figure, as a person does, and click where it is: plotly wants to have seen the mouse arrive.

    What stands above may still change its height, and JupyterLab may still scroll: then the mark is looked for again.
    """
    named = lesson.collisions.locator(".hoverlayer .hovertext")
    for _ in range(100):
        with contextlib.suppress(PlaywrightError):  # "outside of the viewport": the page moved after scrolling to it
            mark.hover(force=True, timeout=5_000)  # below it lies what plotly listens on
            lesson.page.wait_for_timeout(250)
            if named.count():
                break
    lesson.page.mouse.down()  # without another move, which might find the page moved again
    lesson.page.mouse.up()


def test_the_map_is_coloured_by_another_level(lesson):
    colour = lesson.map.get_by_role("combobox", name="colour by")
    chosen = colour.locator("option:checked").text_content()
    before = legend(lesson.map).all_text_contents()  # parts of a drawing have no inner text
    colour.select_option("shared: first 2 codes")
    expect(legend(lesson.map)).not_to_have_text(before)
    assert any(re.search(r"\d+-\d+", text) for text in legend(lesson.map).all_text_contents())
    colour.select_option(chosen)
    expect(legend(lesson.map)).to_have_text(before)


def test_a_lasso_picks_for_all_views_and_one_inside_it_picks_fewer(lesson):
    draw_lasso(lesson, 0.3, 0.7)
    lesson.expect_picked(re.compile(r"^\d[\d,]* picked$"))
    expect(lesson.map.get_by_role("status")).to_contain_text("items are picked")
    many = int(lesson.table.get_by_role("status").inner_text().split()[0].replace(",", ""))
    assert many > 1
    draw_lasso(lesson, 0.45, 0.6)
    expect(lesson.table.get_by_role("status")).not_to_have_text(f"{many:,} picked")
    few = int(lesson.table.get_by_role("status").inner_text().split()[0].replace(",", ""))
    assert 0 < few < many
    assert len(lesson.picked()) == min(few, 50)


def test_a_clicked_collision_shows_its_members_in_the_table(lesson):
    largest = lesson.collisions.get_by_role("combobox", name="group", exact=True).locator("option").nth(1)
    count = int(re.search(r"(\d+)\sitems", largest.text_content())[1])
    draw_from = lesson.collisions.locator(".subplot.x2y2 .scatterlayer .points path").first
    click_at(lesson, draw_from)
    lesson.expect_picked(count)
    assert len(lesson.picked()) == count == len(set(lesson.picked()))


def test_a_group_is_picked_by_keyboard_too(lesson):
    group = lesson.collisions.get_by_role("combobox", name="group", exact=True)
    group.focus()
    group.press("ArrowDown")
    expect(group.locator("option:checked")).to_contain_text("items")
    lesson.expect_picked(int(re.search(r"(\d+)\sitems", group.locator("option:checked").text_content())[1]))
    lesson.table.get_by_role("button", name="pick nothing").press("Enter")
    expect(group.locator("option:checked")).to_have_text("– none –")  # the menu lets go, too


def test_words_pick_items_and_a_single_one_shows_its_neighbours(lesson):
    find = lesson.table.get_by_role("textbox", name="find")
    find.fill("steel bottle")
    find.press("Enter")
    lesson.expect_picked(re.compile(r"^\d+ picked$"))
    titles = lesson.table.locator("tbody tr td:nth-child(2)").all_inner_texts()
    assert titles and all("steel" in title.lower() and "bottle" in title.lower() for title in titles)
    find.fill(lesson.picked()[0])
    find.press("Enter")
    lesson.expect_picked(1)
    expect(lesson.map.get_by_role("status")).to_contain_text("nearest")


def test_a_view_that_is_opened_later_shows_what_was_picked_before(lesson):
    lesson.collisions.get_by_role("combobox", name="group", exact=True).select_option(index=1)
    lesson.expect_picked(re.compile(r"^\d+ picked$"))
    lesson.collisions.get_by_role("note").click(button="right")
    lesson.page.get_by_text("Create New View for Cell Output").click()
    second = lesson.page.locator(".jp-LinkedOutputView")
    expect(second.locator(".legendtext", has_text="holds picked items").first).to_be_visible()
    lesson.page.locator(".lm-TabBar-tab", has_text="Output View").locator(".lm-TabBar-tabCloseIcon").click()
    expect(second).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_readable_in_both_themes_on_laptop_and_projector(lesson, theme):
    switch_theme(lesson.page, theme)
    draw_lasso(lesson, 0.45, 0.55)
    lesson.expect_picked(re.compile(r"^\d[\d,]* picked$"))
    for name, window in (("laptop", LAPTOP), ("projector", PROJECTOR)):
        lesson.page.set_viewport_size({**window, "height": 1500})  # high enough for a picture of a whole view
        for number, view in enumerate(lesson.views.all()):
            view.scroll_into_view_if_needed()
            lesson.watched.shot(f"{number}-{name}-{theme}", view)
            inside = view.evaluate("element => element.scrollWidth <= element.clientWidth + 1")
            assert inside, f"live view {number} is wider than the window of a {name}"
    assert lesson.views.count() == 9
    lesson.page.set_viewport_size(LAPTOP)


def test_nothing_went_wrong_on_the_page(lesson):
    lesson.watched.check()
