"""The page in a real browser: the keyboard, filters, sorting, and labels that are hostile."""

import shutil

import pytest
from small_evaluation import small_report

from ovseg_ros.evaluation.page.write import write_report

playwright = pytest.importorskip("playwright.sync_api", reason="drives the browser")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

HOSTILE = ("<img src=x onerror=alert(1)>", "\"'><script>alert(2)</script>", "</script>tree", "moon")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, tmp_path):
    """A page on a phone; anything it complains about, asks or loads fails the test."""
    report = small_report(
        names=HOSTILE,
        domains=("day", HOSTILE[1]),
        live=True,
        against=small_report(names=HOSTILE, mistakes=0.1, title=HOSTILE[0]),
    )
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("dialog", lambda dialog: (complaints.append("dialog"), dialog.dismiss()))
    page.on("request", lambda request: complaints.append(request.url))
    page.goto(write_report(tmp_path, report).as_uri())
    yield page
    loaded = [text for text in complaints if not text.startswith(("data:image/jpeg", "file:"))]
    assert loaded == []
    context.close()


def caption(page):
    return page.inner_text("#caption")


def test_frames_are_stepped_through_with_the_keyboard(page):
    first = page.locator("figure .open").first
    first.focus()
    page.keyboard.press("Enter")
    assert caption(page).startswith("1 of 6")
    page.keyboard.press("ArrowLeft")
    assert caption(page).startswith("6 of 6")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("4")
    assert page.get_attribute("#picture", "alt") == "errors"
    assert page.inner_text("#layers [aria-pressed=true]") == "4 errors"
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#picture", "alt") == "errors"
    page.keyboard.press("Escape")
    assert not page.is_visible("#viewer")


def test_filter_and_order(page):
    figures = page.locator(".gallery figure:visible")
    assert figures.count() == 6
    page.select_option("[data-filter=domain]", HOSTILE[1])
    assert 0 < figures.count() < 6
    assert page.inner_text("#count") == f"{figures.count()} pictures"
    page.select_option("#order", "iou")
    ious = [float(value) for value in figures.evaluate_all("all => all.map(f => f.dataset.iou)")]
    assert ious == sorted(ious)
    page.select_option("#shown", "truth")
    figures.first.locator(".open").click()
    assert caption(page).startswith(f"1 of {figures.count()}")


def test_tables_sort_by_the_heading(page):
    heading = page.locator("h2:text('Labels') + div th", has_text="IoU").first
    heading.focus()
    column = page.locator("h2:text('Labels') + div tbody td:nth-child(2)")

    def values():
        return column.evaluate_all("all => all.map(cell => Number(cell.dataset.value))")

    page.keyboard.press("Enter")
    assert values() == sorted(values(), reverse=True)
    page.keyboard.press("Enter")
    assert values() == sorted(values())
    assert heading.get_attribute("aria-sort") == "ascending"


def test_frame_of_the_table_opens_its_picture(page):
    page.locator("summary", has_text="scored frames").click()
    link = page.locator("table.frames a").first
    name = link.inner_text()
    link.click()
    assert name in caption(page)


def test_nothing_is_wider_than_a_phone_and_names_are_shown_as_text(page):
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    labels = page.locator("h2:text('Labels') + div tbody td:nth-child(1)").all_inner_texts()
    assert labels == list(HOSTILE)
