"""Old snapshot + events = new snapshot, whatever the way does to the events."""

from hypothesis import given
from hypothesis import strategies as st

from trading.domain.stream import Books, Event, Sequencer

LEVELS = st.tuples(st.sampled_from([7, 8]), st.sampled_from([1, -1]), st.integers(98, 102))


@st.composite
def streams(draw):
    """Events numbered from 1, each adding orders at some prices or taking away one that is there."""
    resting, events = [], []
    for seq in range(1, draw(st.integers(1, 40)) + 1):
        if resting and draw(st.booleans()):
            level, wh = resting.pop(draw(st.integers(0, len(resting) - 1)))
            change = [*level, -wh, -1]
        else:
            level, wh = draw(LEVELS), draw(st.integers(1, 9)) * 100
            resting.append((level, wh))
            change = [*level, wh, 1]
        events.append(Event(seq, seq, "new", {"book": [change]}))
    return events


def played(events, until=None):
    books = Books()
    for event in events[:until]:
        books.apply(event)
    return books


def rows(books):
    return {(contract, side): books.side(contract, side) for contract in (7, 8) for side in (1, -1)}


@given(streams(), st.randoms(use_true_random=False), st.data())
def test_a_follower_arrives_at_the_same_book_over_lost_repeated_and_reordered_events(events, rng, data) -> None:
    start = data.draw(st.integers(0, len(events)))
    books, sequencer = played(events, start), Sequencer(start)
    arriving = [event for event in events for _ in range(rng.choice([0, 1, 1, 2]))]
    rng.shuffle(arriving)
    for event in arriving:
        for ready in sequencer.take([event]):
            books.apply(ready)
    while sequencer.seq < len(events):  # what a follower does on a gap: it asks the log
        for ready in sequencer.take(events[sequencer.seq : sequencer.seq + 3]):
            books.apply(ready)
    assert rows(books) == rows(played(events))
    assert not sequencer.has_gap


@given(streams(), st.randoms(use_true_random=False))
def test_every_event_is_handed_out_once_and_in_order(events, rng) -> None:
    arriving = events * 2
    rng.shuffle(arriving)
    sequencer = Sequencer(0)
    out = [ready.seq for event in arriving for ready in sequencer.take([event])]
    assert out == [event.seq for event in events]


@given(streams(), st.data())
def test_a_new_snapshot_in_the_middle_changes_nothing(events, data) -> None:
    middle = data.draw(st.integers(0, len(events)))
    sequencer = Sequencer(0)
    sequencer.take(events[1:])  # all early: the first is missing
    books = played(events, middle)
    for ready in sequencer.restart(middle) if middle else sequencer.take(events[:1]):
        books.apply(ready)
    assert rows(books) == rows(played(events))
