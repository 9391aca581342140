"""Every action that the product notes has a sentence, and says who, what, when and on what."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.domain.sentences import sentence_of, templates, words
from tests.messages import APPS, ROOT

ACTION = re.compile(r"[a-z_]+\.(?!csv$)[a-z_]+")
NOTES = {"audit", "_audit", "note", "_note", "create", "audit_payment"}
# Actions whose last word is a state that is put in at run time, by the file that does.
BY_STATE = {
    "rules.": ("approved", "rejected", "withdrawn"),
    "certificates.": ("retired", "locked"),
}


def same(text: str) -> str:
    return text


KNOWN = {action.partition(".")[0] for action in templates(same)}


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in NOTES or any(key.arg == "action" for key in node.keywords):
                yield node


def literals(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and ACTION.fullmatch(node.value):
            yield node.value


def actions_in(file: Path) -> set[str]:
    """The action codes in a file that writes to the trail: literals in its calls, and those a call is given by name."""
    text = file.read_text(encoding="utf-8")
    if "audit" not in text and "AuditEntry" not in text:
        return set()
    tree = ast.parse(text)
    found = {text for text in literals(tree) if text.partition(".")[0] in KNOWN}
    for call in calls(tree):
        found |= set(literals(call))
        for node in ast.walk(call):
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                prefix = str(node.values[0].value)
                if re.fullmatch(r"[a-z_]+\.", prefix):
                    found |= {prefix + state for state in BY_STATE.get(prefix, ("?",))}
    return found


def used() -> dict[str, str]:
    found: dict[str, str] = {}
    for app in APPS:
        for file in sorted((ROOT / app).glob("**/*.py")):
            if "migrations" not in file.parts and "management" not in file.parts:
                found |= dict.fromkeys(actions_in(file), str(file.relative_to(ROOT)))
    return found


def test_every_action_has_a_sentence() -> None:
    missing = {action: where for action, where in used().items() if action not in templates(same)}
    assert missing == {}


def test_the_search_finds_them() -> None:
    assert {"user.created", "terms.set", "dispute.opened", "rules.approved", "close.issued"} <= set(used())


def test_no_sentence_is_left_over() -> None:
    assert set(templates(same)) - set(used()) == set()


@pytest.mark.parametrize("action", sorted(templates(same)))
def test_every_sentence_names_who_and_lacks_nothing_it_does_not_know(action: str) -> None:
    told = sentence_of(who="An", action=action, target="thing x", detail={}, language="en", _=same)
    assert told.startswith("An ") and "{" not in told


def test_a_sentence_in_full() -> None:
    told = sentence_of(
        who="An Nguyễn", action="network_fee.set", target="site campus",
        detail={"from": "north", "to": "south", "price": 1_500, "valid_from": "2026-12-01"}, language="en", _=same,
    )  # fmt: skip
    expected = (
        "An Nguyễn set the network fee at campus between zones (north → south) to ₫1,500/kWh from 1 December 2026."
    )
    assert told == expected


def test_numbers_and_dates_are_the_readers() -> None:
    detail = {
        "valid_from": "2026-12-01",
        "surplus_price": 1_671,
        "network_fee": 150,
        "deadband_pct": 5,
        "deadband_wh": 250,
    }
    told = sentence_of(who="An", action="terms.set", target="site campus", detail=detail, language="vi", _=same)
    assert "1.671 ₫/kWh" in told and "0,3 kWh" in told and "tháng 12" in told


def test_a_mass_per_kwh_is_no_energy() -> None:
    detail = {"year": 2023, "mg_per_kwh": 659_200, "official": True, "valid_from": "2024-12-03"}
    told = sentence_of(who="An", action="emission_factor.set", target="VN", detail=detail, language="en", _=same)
    assert "for 2023 to 659,200 mg CO₂ per kWh from 3 December 2024" in told


def test_nobody_is_the_system_and_an_unknown_action_is_told_plainly() -> None:
    told = sentence_of(who="", action="moon.risen", target="site campus", detail={}, language="en", _=same)
    assert told == "The system did “moon.risen” on site campus."


def test_words_are_said_as_people_say_them() -> None:
    told = sentence_of(
        who="An", action="membership.added", target="dorm", detail={"user": "binh", "role": "viewer"}, language="en",
        _=lambda text: {"viewer": "người xem"}.get(text, text),
    )  # fmt: skip
    assert told == "An let binh act for dorm as người xem."
    assert set(words(same)) >= {"owner", "trader", "viewer"}
