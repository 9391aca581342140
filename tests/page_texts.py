"""All that a page says: its texts, what its parts are called, and the words that its scripts are given."""

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

SAYING = ("title", "aria-label", "placeholder", "alt", "data-label", "content", "label")
VOID = ("br", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
SILENT = ("script", "style", "code", "kbd", "pre", "textarea")


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._open: list[str] = []
        self._json = False
        self._language = ""
        self._foreign: list[str] = []  # open tags from one on that is in another language than the page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        self._language = self._language or held.get("lang") or ""
        if self._foreign or held.get("lang", self._language) != self._language:
            self._foreign += [] if tag in VOID else [tag]
            return
        if tag == "meta" and held.get("name") not in ("description", "application-name"):
            return
        self.found += [held[name] or "" for name in SAYING if name in held]
        if tag == "input" and held.get("type") in ("submit", "button"):
            self.found.append(held.get("value") or "")
        if tag in SILENT:
            self._open.append(tag)
            self._json = held.get("type") == "application/json"

    def handle_endtag(self, tag: str) -> None:
        if self._foreign:
            self._foreign = self._foreign[: max(n for n, each in enumerate(self._foreign) if each == tag)]
            return
        if self._open and self._open[-1] == tag:
            self._open.pop()
            self._json = False

    def handle_data(self, data: str) -> None:
        if self._foreign:
            return
        if self._json:
            self.found += _strings(json.loads(data))
        elif not self._open:
            self.found.append(data)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def texts_of(page: str) -> list[str]:
    """Each text of a page once, with single spaces."""
    reader = _Texts()
    reader.feed(page)
    return list(dict.fromkeys(text for each in reader.found if (text := " ".join(each.split()))))
