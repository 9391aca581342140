"""Every English sentence that the apps may say to a reader without gettext, found in their syntax trees.

A sentence is a string of at least three words that begins like one and ends like one, or whatever text is given to an
exception that is raised. In an f-string a place is filled with 7, or with what the function has put there before:

    told = f"{name} is empty."        →  '7 is empty.'
    raise PaymentError("no", told)

Strings that go through gettext, docstrings and what is written to a log are none.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from tests.messages import ROOT

SAMPLE = "7"
TRANSLATED = {"_", "N_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext"}
UNSEEN = {"debug", "info", "warning", "exception", "TypeError", "AssertionError", "CommandError"}
BEGINS = re.compile(r"[A-Z“‘7\[]")
ENDS = re.compile(r"[.!?]”?$")
MOST_WAYS = 24
Known = dict[str, list[ast.expr]]  # name → what was put there


@dataclass(frozen=True)
class Said:
    """A sentence with its places filled, and where it stands."""

    text: str
    where: str


def said_in(folder: str, left_out: set[str]) -> Iterator[Said]:
    """The sentences of all modules in a folder of the repository, without the paths that begin with a left-out one."""
    for file in sorted((ROOT / folder).rglob("*.py")):
        name = str(file.relative_to(ROOT))
        if not any(name.startswith(each) for each in left_out):
            yield from _said(file, name)


def _said(file: Path, name: str) -> Iterator[Said]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    known = _assigned(tree.body)
    yield from _walk(tree, known, known, name)


def _walk(node: ast.AST, known: Known, of_module: Known, name: str) -> Iterator[Said]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _walk(child, of_module | _assigned(child.body), of_module, name)
        elif not _is_out_of_sight(child):
            yield from _here(child, known, name)
            if not isinstance(child, ast.JoinedStr):
                yield from _walk(child, known, of_module, name)


def _is_out_of_sight(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    return isinstance(node, ast.Call) and _called(node) in TRANSLATED | UNSEEN


def _here(node: ast.AST, known: Known, name: str) -> Iterator[Said]:
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        yield from _told(node.exc, known, name)
    if isinstance(node, ast.expr) and (isinstance(node, ast.Constant | ast.JoinedStr) or _is_format(node)):
        yield from (Said(text, f"{name}:{node.lineno}") for text in _ways(node, known) if _is_sentence(text))


def _told(call: ast.Call, known: Known, name: str) -> Iterator[Said]:
    """What a raised exception is given; its code, a single word, is none."""
    for argument in call.args if _called(call) not in UNSEEN else ():
        for text in _ways(argument, known):
            if " " in text.strip():
                yield Said(text, f"{name}:{call.lineno}")


def _is_sentence(text: str) -> bool:
    return len(text.split()) >= 3 and bool(BEGINS.match(text)) and bool(ENDS.search(text))


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _is_format(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "format"
        and isinstance(node.func.value, ast.Constant)
    )


def _assigned(body: list[ast.stmt]) -> Known:
    """Name → everything that is ever assigned to it in these statements, inner functions apart."""
    found: Known = {}
    for statement in body:
        for node in [statement] if isinstance(statement, ast.FunctionDef | ast.ClassDef) else ast.walk(statement):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found.setdefault(node.targets[0].id, []).append(node.value)
    return found


def _ways(node: ast.AST, known: Known, depth: int = 3) -> list[str]:
    """All texts that an expression can be; none where it is no text, or nothing can be said of it."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        pieces = [_piece(value, known, depth) for value in node.values]
        return ["".join(way) for way, _ in zip(product(*pieces), range(MOST_WAYS), strict=False)]
    if isinstance(node, ast.IfExp):
        return [way for each in (node.body, node.orelse) for way in _ways(each, known, depth) or [SAMPLE]]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [left + right for left in _ways(node.left, known, depth) for right in _ways(node.right, known, depth)]
    if isinstance(node, ast.Name) and depth:
        return [way for value in known.get(node.id, ()) for way in _ways(value, known, depth - 1)]
    if isinstance(node, ast.Call) and _is_format(node):
        assert isinstance(node.func, ast.Attribute)
        return [re.sub(r"\{\w*\}", SAMPLE, way) for way in _ways(node.func.value, known, depth)]
    return []


def _piece(value: ast.expr, known: Known, depth: int) -> list[str]:
    if isinstance(value, ast.FormattedValue):
        return _ways(value.value, known, depth) or [SAMPLE]
    return _ways(value, known, depth)
