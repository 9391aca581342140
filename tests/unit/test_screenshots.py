"""The list of pictures in the guide is the one that the command takes, and each of its pages exists."""

from django.urls import get_resolver

from config.launcher.screenshots import PAGES, with_list
from config.screenshots import ALL, FEW, SHOTS


def test_the_guide_lists_the_pictures_that_are_taken() -> None:
    text = PAGES.read_text(encoding="utf-8")
    assert text == with_list(text), "Run ./run screenshots --docs."
    assert f"`{SHOTS[0].name}`" in text


def test_each_picture_has_a_file_of_its_own_and_shows_a_page_that_exists() -> None:
    assert len({shot.name for shot in SHOTS}) == len(SHOTS)
    for shot in SHOTS:
        namespace, _, name = shot.page.partition(":")
        _prefix, resolver = get_resolver().namespace_dict[namespace]
        known = {pattern.name: pattern.pattern.converters for pattern in resolver.url_patterns}
        assert name in known, shot.page
        assert len(known[name]) == len(shot.values), shot.name


def test_the_few_looks_show_each_width_theme_and_language() -> None:
    assert set(FEW) <= set(ALL) and len(ALL) == 8
    assert all(len({look[part] for look in FEW}) == 2 for part in range(3))
