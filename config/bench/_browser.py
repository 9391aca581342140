"""A real Chromium for measurements and tests: when a page shows content, what it ships, and how much it shifts."""

import shutil
from dataclasses import dataclass
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_MS = 20_000
# First contentful paint, then the largest until now; both in ms since the page was asked for.
PAINTS = """() => new Promise(done => {
  const first = performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
  let largest = first;
  new PerformanceObserver(list => {
    largest = list.getEntries().at(-1).startTime;
  }).observe({ type: "largest-contentful-paint", buffered: true });
  setTimeout(() => done([first, largest]), 50);
})"""
# Each shift of the layout: how much, and the first thing that moved.
SHIFTS = """() => new Promise(done => {
  const found = [];
  const named = node => node?.outerHTML?.slice(0, 80) ?? node?.textContent ?? "";
  new PerformanceObserver(list => {
    for (const each of list.getEntries())
      if (!each.hadRecentInput) found.push([each.value, each.sources.map(one => named(one.node)).join(" | ")]);
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(found), 50);
})"""
SETTLED = """async () => {
  await document.fonts.ready;
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""


@dataclass
class Script:
    """One script as it came over the wire: its bytes as sent, and how it was sent."""

    address: str
    sent_bytes: int
    encoding: str
    caching: str


class Scripts:
    """The scripts that a tab loads from now on, with an empty cache."""

    def __init__(self, page: Any) -> None:
        self._answers: dict[str, Any] = {}
        self._bytes: dict[str, int] = {}
        session = page.context.new_cdp_session(page)
        session.on("Network.responseReceived", self._note)
        session.on("Network.loadingFinished", self._finish)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def _note(self, event: dict[str, Any]) -> None:
        if event["type"] == "Script":
            self._answers[event["requestId"]] = event["response"]

    def _finish(self, event: dict[str, Any]) -> None:
        self._bytes[event["requestId"]] = int(event["encodedDataLength"])

    def all(self) -> list[Script]:
        """What has come so far."""
        return [self._script(request, answer) for request, answer in self._answers.items()]

    def _script(self, request: str, answer: Any) -> Script:
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        encoding, caching = headers.get("content-encoding", ""), headers.get("cache-control", "")
        return Script(answer["url"], self._bytes.get(request, 0), encoding, caching)
