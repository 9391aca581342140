"""What operations refuse, in the language of whoever reads it: a page, or an answer of the API.

Operations and domain say what is wrong in English and know no reader. Each app lists the sentences it may say, with
named places for figures and names, in its module `refusals` (or a package of that name) as SENTENCES; they are marked
there for the catalogue. Here they are recognised in what was said and told in the active language.
"""

from functools import cache
from importlib import import_module

from django.apps import apps
from django.utils.module_loading import module_has_submodule
from django.utils.translation import get_language, gettext

from accounts.domain.phrases import Phrases


def in_words(sentence: str) -> str:
    """A sentence that an operation said, in the reader's language; one that no app lists stays as it is."""
    if not sentence or not (get_language() or "en").startswith("vi"):
        return sentence
    return phrases().said(sentence, "vi", gettext)


@cache
def phrases() -> Phrases:
    """The sentences of all apps."""
    return Phrases(sentence for listed in sentences_by_app().values() for sentence in listed)


def sentences_by_app() -> dict[str, tuple[str, ...]]:
    """What each app lists, by its name."""
    listing = [app for app in apps.get_app_configs() if app.module and module_has_submodule(app.module, "refusals")]
    modules = {app.name: import_module(f"{app.name}.refusals") for app in listing}
    return {name: tuple(getattr(module, "SENTENCES", ())) for name, module in modules.items()}
