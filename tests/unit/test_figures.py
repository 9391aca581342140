"""Stretches of time as the pages tell them."""

import pytest
from django.utils import translation

from portal.templatetags.figures import span

SPANS = (
    (None, "–", "–"),
    (0, "0 min", "0 phút"),
    (5, "5 min", "5 phút"),
    (60, "1 h", "1 giờ"),
    (90, "1 h 30 min", "1 giờ 30 phút"),
    (2_880, "48 h", "48 giờ"),
    (2_940, "49 h", "49 giờ"),
    (4_320, "3 days", "3 ngày"),
    (100_800, "70 days", "70 ngày"),
)


@pytest.mark.parametrize(("minutes", "english", "vietnamese"), SPANS)
def test_a_span_is_told_in_hours_and_minutes(minutes, english, vietnamese) -> None:
    with translation.override("en"):
        assert span(minutes) == english
    with translation.override("vi"):
        assert span(minutes) == vietnamese
