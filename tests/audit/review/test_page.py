"""The page in a headless browser: it shows, seeks, filters, marks and escapes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from s2m_ros.audit.review.labels import Label, Labels, track_key

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture
def page(served: Any) -> Iterator[Any]:
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no browser here: none of {', '.join(BROWSERS)}")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 800})
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: said.type == "error" and problems.append(said.text))
        page.problems = problems
        page.goto(served.url)
        page.wait_for_selector("body[data-ready]")
        yield page
        browser.close()
        assert not problems


def _at(page: Any, frame: int) -> None:
    page.wait_for_selector(f'body[data-frame="{frame}"]')


def test_looking_and_marking(page: Any, served: Any) -> None:
    assert page.locator("#tracks li").count() == 1
    assert "Track 17" in page.locator("#detail h2").inner_text()
    page.wait_for_selector("#chain details")
    assert page.locator("#chain details").count() == 6
    start = int(page.locator("body").get_attribute("data-frame"))
    step = -1 if start else 1
    page.keyboard.press("ArrowLeft" if start else "ArrowRight")
    _at(page, start + step)
    box = page.locator("#time").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 1, box["y"] + 10)
    _at(page, 29)
    assert page.locator("#when").inner_text() == "2.9 s"
    page.keyboard.press("s")
    assert page.locator("#score").is_checked()
    page.keyboard.press("]")
    expect(page.locator("#cut-shown")).to_have_text("2.5")
    page.keyboard.press("t")
    page.wait_for_selector("#tracks .said.true")
    page.keyboard.press("l")
    page.keyboard.type("<img src=x onerror=alert(1)>")
    page.keyboard.press("Enter")
    expect(page.locator("#tracks b")).to_contain_text("onerror")
    assert page.locator("#tracks img").count() == 0
    assert Labels(served.store)[track_key(17)] == Label("true", "<img src=x onerror=alert(1)>")
    page.keyboard.press("f")
    page.wait_for_selector("#tracks .said.false")
    page.click("#coco")
    expect(page.locator("#told")).to_contain_text("0 objects")


def _held(page: Any) -> Callable[[], None]:
    """Mark the track true, with an answer that waits until what is returned is called."""
    held: list[Any] = []

    def hold(route: Any) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/api/label", hold)
    with page.expect_request("**/api/label"):
        page.keyboard.press("t")
    return lambda: held[0].continue_()


def test_what_is_typed_while_a_mark_is_saved_stays(page: Any, served: Any) -> None:
    release = _held(page)
    page.keyboard.press("l")
    page.keyboard.type("whe")
    expect(page.locator("#label")).to_have_value("whe")
    release()
    page.wait_for_selector("#tracks .said.true")
    page.keyboard.type("el chock")
    page.keyboard.press("Enter")
    expect(page.locator("#tracks b")).to_contain_text("wheel chock")
    assert Labels(served.store)[track_key(17)] == Label("true", "wheel chock")


def test_a_name_given_while_a_mark_is_saved_takes_nothing_back(page: Any, served: Any) -> None:
    release = _held(page)
    page.keyboard.press("l")
    page.keyboard.type("cone")
    expect(page.locator("#label")).to_have_value("cone")
    page.keyboard.press("Enter")
    release()
    expect(page.locator("#tracks b")).to_contain_text("cone")
    assert Labels(served.store)[track_key(17)] == Label("true", "cone")
    page.keyboard.press("l")
    page.keyboard.type("chock")
    page.keyboard.press("Enter")
    expect(page.locator("#tracks b")).to_have_text("#17 chock")


def test_a_smaller_window_cuts_nothing_off(page: Any) -> None:
    page.set_viewport_size({"width": 1000, "height": 700})
    box = page.locator("#help").bounding_box()
    assert box["x"] + box["width"] <= 1000
    assert page.locator("#time").bounding_box()["width"] < 1000


def test_filters(page: Any) -> None:
    page.select_option("#level", "3")
    expect(page.locator("#tracks")).to_contain_text("no track")
    page.select_option("#level", "0")
    expect(page.locator("#tracks [data-track]")).to_have_count(1)
    page.fill("#size", "50")
    expect(page.locator("#tracks [data-track]")).to_have_count(0)
    page.fill("#size", "0")
    page.select_option("#category", "true")
    expect(page.locator("#tracks [data-track]")).to_have_count(0)
    page.select_option("#category", "open")
    expect(page.locator("#tracks [data-track]")).to_have_count(1)
    page.select_option("#reason", "near")
    expect(page.locator("#tracks [data-track]")).to_have_count(1)
