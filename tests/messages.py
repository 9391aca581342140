"""Every English sentence of the product that is marked for translation: in Python by gettext, in templates by tags."""

import re
from pathlib import Path

from babel.messages.extract import extract_from_dir

ROOT = Path(__file__).resolve().parents[1]
APPS = ("accounts", "meters", "tariffs", "trading", "settlement", "planning", "members", "portal", "simulator",
        "config")  # fmt: skip
TAG = re.compile(r"""\{%\s*translate\s+(?:"([^"]*)"|'([^']*)')[^%]*%\}""")


def sources() -> dict[str, str]:
    """msgid → where it is first used."""
    found: dict[str, str] = {}
    for app in APPS:
        for name, line, message, *_ in extract_from_dir(ROOT / app, [("**.py", "python")]):
            found.setdefault(message if isinstance(message, str) else message[0], f"{app}/{name}:{line}")
    for template in sorted(ROOT.glob("*/templates/**/*.html")):
        for double, single in TAG.findall(template.read_text(encoding="utf-8")):
            found.setdefault(double or single, str(template.relative_to(ROOT)))
    return found
