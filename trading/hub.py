"""The feeds of this process: every socket of a market shares one."""

import asyncio
from weakref import WeakKeyDictionary

from trading.feed import Feed, FeedError
from trading.streams import Listener

IDLE_S = 30.0
READY_S = 10.0


class Hub:
    """The feeds of this process, started with their first socket and ended some time after their last."""

    def __init__(self) -> None:
        self._feeds: dict[int, tuple[Feed, asyncio.Task[None]]] = {}

    async def join(self, market_id: int, listener: Listener) -> Feed:
        """The market's feed, ready. Raises FeedError where it cannot be had within some seconds."""
        if market_id not in self._feeds:
            feed = Feed(market_id)
            self._feeds[market_id] = feed, asyncio.create_task(feed.run())
        feed, _ = self._feeds[market_id]
        feed.listeners.add(listener)
        try:
            await asyncio.wait_for(feed.ready.wait(), READY_S)
        except TimeoutError:
            self.leave(market_id, listener)
            raise FeedError("market_unavailable", "Live data cannot be had now. Try again in a moment.") from None
        return feed

    def leave(self, market_id: int, listener: Listener) -> None:
        """The socket is gone; a market without sockets is left after a while."""
        held = self._feeds.get(market_id)
        if held is None:
            return
        held[0].listeners.discard(listener)
        if not held[0].listeners:
            asyncio.get_running_loop().call_later(IDLE_S, self._end_if_idle, market_id)

    def _end_if_idle(self, market_id: int) -> None:
        held = self._feeds.get(market_id)
        if held is not None and not held[0].listeners:
            held[1].cancel()
            del self._feeds[market_id]

    async def close(self) -> None:
        """End every feed now."""
        tasks = [task for _, task in self._feeds.values()]
        self._feeds.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())
