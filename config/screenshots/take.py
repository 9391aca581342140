"""Takes the pictures with a real Chromium, one context for each look and login, and writes an index to leaf through."""

import sys
from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from config.bench._browser import CHROMIUM, FLAGS, SETTLED
from config.screenshots import PHONE, SHOTS, Shot
from config.screenshots.world import NotThere, address

PASSWORD = "wattbourse"
HEIGHT = {PHONE: 844}
TALLEST = 4_000
LIVE_MS = 8_000
OPEN = "document.querySelectorAll('main details').forEach(each => { each.open = true; })"
Look = tuple[int, str, str]


def take(folder: Path, base: str, looks: Iterable[Look]) -> list[str]:
    """Write all pictures and the index; returns what went wrong, one sentence each."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    looks = list(looks)
    wrong: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for look in looks:
            wrong += _take_look(chromium, folder, base, look)
        chromium.close()
    (folder / "index.html").write_text(_index(looks), encoding="utf-8")
    return wrong


def _take_look(chromium: Any, folder: Path, base: str, look: Look) -> Iterator[str]:
    width, theme, language = look
    for who, shots in groupby(sorted(SHOTS, key=lambda shot: shot.who), key=lambda shot: shot.who):
        size = {"width": width, "height": HEIGHT.get(width, 900)}
        context = chromium.new_context(viewport=size, color_scheme=theme, service_workers="block", base_url=base)
        context.add_cookies([{"name": "django_language", "value": language, "url": base}])
        page = context.new_page()
        if who:
            _log_in(page, who)
        for shot in shots:
            yield from _take_one(page, shot, folder / file_of(shot, look))
        context.close()


def _log_in(page: Any, who: str) -> None:
    page.goto("/login/")
    page.locator("#id_username").fill(who)
    page.locator("#id_password").fill(PASSWORD)
    page.locator("main button.primary").first.click()
    page.wait_for_load_state()


def _take_one(page: Any, shot: Shot, file: Path) -> Iterator[str]:
    try:
        answer = page.goto(address(shot))
    except NotThere as missing:
        yield f"{file.name}: {missing}."
        return
    if answer.status != 200:
        yield f"{file.name}: the page answered {answer.status}."
    _wait(page)
    if shot.open_all:
        page.evaluate(OPEN)
        page.evaluate(SETTLED)
    wide, high = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    if wide > page.viewport_size["width"]:
        yield f"{file.name}: {wide} px wide."
    clip = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": min(high, TALLEST)}
    page.screenshot(path=file, full_page=True, clip=clip)
    sys.stderr.write(f"{file.name}\n")


def _wait(page: Any) -> None:
    """Until live figures have come, where there are any, and the font."""
    from playwright.sync_api import TimeoutError as TooLate

    page.wait_for_load_state("networkidle" if page.locator("#live").count() == 0 else "load")
    if page.locator("#live").count():
        try:
            page.wait_for_selector("#live[data-state=live]", timeout=LIVE_MS)
            page.wait_for_timeout(1_500)  # the first figures
        except TooLate:
            sys.stderr.write(f"{page.url} is not live.\n")
    page.evaluate(SETTLED)


def file_of(shot: Shot, look: Look) -> str:
    """`home-390-dark-vi.png`"""
    return f"{shot.name}-{'-'.join(map(str, look))}.png"


def _index(looks: list[Look]) -> str:
    rows = []
    for shot in SHOTS:
        pictures = "".join(
            f'<a href="{file_of(shot, look)}"><img src="{file_of(shot, look)}" alt="{" ".join(map(str, look))}" '
            f'loading="lazy" height="320"></a> '
            for look in looks
        )
        rows.append(f"<h2>{escape(shot.name)} <small>{escape(shot.who or 'nobody')}</small></h2>")
        rows.append(f"<p>{escape(shot.shows)}</p><p>{pictures}</p>")
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Wattbourse</title><h1>The pages</h1>'
    return "\n".join([head, *rows, "</html>\n"])
