"""Every sentence marked for translation has a Vietnamese one, with the same words to fill in."""

import re
from pathlib import Path

from babel.messages.pofile import read_po
from django.apps import apps
from django.utils.translation import override

from tests.messages import APPS, ROOT, sources

CATALOGUE = ROOT / "locale/vi/LC_MESSAGES/django.po"
PLACE = re.compile(r"\{\w+\}|%\(\w+\)(?:\.\d+)?[sdf]")
LANGUAGES = {"English", "Tiếng Việt"}  # each is called in its own
NAMED = re.compile(r'"(\w+)": _\(')
SAME = {"₫/kWh", "Σ kWh", "{interval}: {price}, {quantity}"}


def translations() -> dict[str, str]:
    """By English sentence; one with a plural by its singular (Vietnamese has one form for both)."""
    with CATALOGUE.open("rb") as file:
        entries = [entry for entry in read_po(file) if entry.id and not entry.fuzzy]
    return {_first(entry.id): _first(entry.string) for entry in entries}


def _first(forms: str | tuple[str, ...]) -> str:
    return forms if isinstance(forms, str) else forms[0]


def test_every_sentence_has_a_vietnamese_one() -> None:
    known = translations()
    missing = {message: where for message, where in sources().items() if not known.get(message)}
    assert not missing


def test_no_translation_is_left_over() -> None:
    assert not set(translations()) - set(sources())


def test_translations_fill_in_the_same_words_and_are_translated() -> None:
    for english, vietnamese in translations().items():
        assert sorted(PLACE.findall(english)) == sorted(PLACE.findall(vietnamese)), english
        assert english != vietnamese or english in SAME, english


def test_scripts_use_only_sentences_that_exist() -> None:
    from portal import strings

    names = set(NAMED.findall(Path(strings.__file__).read_text(encoding="utf-8")))
    elsewhere = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "portal").rglob("*.py"))
    scripts = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "portal/static/portal/js").glob("*.js"))
    used = set(re.findall(r"strings\.(\w+)", scripts))
    states = {"connecting", "live", "reconnecting", "stale", "logged_out", "state_HALTED", "state_FROZEN"}
    assert used - set(NAMED.findall(elsewhere)) == set()
    assert names - used <= states


def test_every_choice_of_a_model_has_a_vietnamese_name() -> None:
    known = translations()
    with override("en"):
        choices = {
            f"{model.__name__}.{field.name}": {str(label) for _, label in field.choices or ()}
            for model in apps.get_models()
            if model.__module__.split(".")[0] in APPS
            for field in model._meta.get_fields()
            if getattr(field, "choices", None)
        }
    assert len(choices) > 20
    missing = {name: labels - set(known) - LANGUAGES for name, labels in choices.items()}
    assert {name: labels for name, labels in missing.items() if labels} == {}
