"""Every error code of the launcher and the embedded servers is explained to the operator, and no other is."""

import ast
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = [*(REPOSITORY / "config" / "embedded").glob("*.py"), *(REPOSITORY / "config" / "launcher").glob("*.py")]


def codes_raised() -> set[str]:
    """First arguments of the two error classes, and the codes of the table that explains PostgreSQL's log."""
    found = set(re.findall(r"\[(\w+)\]\"", (REPOSITORY / "run").read_text()))
    for source in SOURCES:
        text = source.read_text()
        found |= set(re.findall(r"(?:EmbeddedError|LauncherError)\(\s*\"(\w+)\"", text))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Assign) and any(getattr(name, "id", "") == "REASONS" for name in node.targets):
                found |= {code for _, code, _ in ast.literal_eval(node.value)}
    return found


def test_every_code_is_explained() -> None:
    guide = (REPOSITORY / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\| (`.*?`) \|", guide.partition("## When something is wrong")[2], re.MULTILINE)
    explained = {code for row in rows for code in re.findall(r"`(\w+)`", row)}
    assert explained == codes_raised()
