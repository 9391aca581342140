"""`manage.py backtest SCENE`: plays a scene folder through a market of its own and reports what came out.

With `--rulebook` it is played under that rulebook in place of its own tariffs; with two, under both, side by side.
"""

import argparse
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from simulator.backtest import FORECASTS, Run
from simulator.domain.scene import Scene, SceneRejected
from simulator.domain.under_rulebook import UnderRulebook, under_rulebook
from simulator.durability import relax_durability, restore_durability
from simulator.forgetting import forget_backtests
from simulator.loading import Loaded, load, run_code
from simulator.report import Report, report
from simulator.report_compare import compared, compared_markdown
from simulator.report_text import markdown
from simulator.scene import load_scene
from tariffs.domain.fields import RulebookRejected
from tariffs.domain.rulebook import Rulebook
from tariffs.domain.rulebook_file import parse
from tariffs.domain.variants import billing_from
from tariffs.operations import set_network_fee, set_terms
from tariffs.shipped import load as load_rulebook

MOST_RULEBOOKS = 2


class Command(BaseCommand):
    """Plays a scene through the market."""

    help = "Plays a scene folder (docs/formats/scene.md) through a scratch market and writes a report."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The scene, where to write, and which forecast to use."""
        parser.add_argument("scene", type=Path, metavar="SCENE", help="folder that holds scene.toml")
        parser.add_argument(
            "--out", type=Path, metavar="FILE", help="report to write, as FILE.json and FILE.md (default: in the data)"
        )
        parser.add_argument("--fresh", action="store_true", help="forget all earlier backtests first")
        parser.add_argument(
            "--forecast", choices=FORECASTS, default=FORECASTS[0], help="what standing instructions act on"
        )
        parser.add_argument(
            "--rulebook", action="append", metavar="FILE|vn[+WINDOWS]",
            help="play under this rulebook; twice: play under both and put them side by side",
        )  # fmt: skip
        parser.add_argument(
            "--tariff", action="append", metavar="[2:]NAME=CODE",
            help="which tariff of the rulebook (of the second: 2:) a tariff of the scene becomes",
        )  # fmt: skip
        parser.add_argument("--site", help="whose terms and network fees of the rulebook hold")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Reads, loads, plays, reports; a scene with faults loads nothing and ends with status 1."""
        try:
            scene = load_scene(options["scene"])
        except SceneRejected as refused:
            raise CommandError(str(refused) + "\nNothing was loaded.") from refused
        try:
            rules = _under(scene, options["rulebook"] or [], options["tariff"] or [], options["site"])
        except (RulebookRejected, OSError) as refused:
            raise CommandError(f"{refused}\nNothing was loaded.") from refused
        if options["fresh"]:
            self.stderr.write(f"Forgot {forget_backtests()} earlier backtests.")
        console = Console(file=self.stderr)  # type: ignore[arg-type]  # all but a file
        found = [play(each.scene if each else scene, options["forecast"], console, each) for each in rules]
        told = found[0] if len(found) == 1 else compared(*found)
        text = markdown(told) if len(found) == 1 else compared_markdown(told)
        self.stdout.write(text)
        for path in save(told, text, options["out"], found[0]["market"]):
            self.stderr.write(f"Report: {path}")


def _under(scene: Scene, sources: list[str], named: list[str], site: str | None) -> list[UnderRulebook | None]:
    """The scene under each rulebook; one None where there is none."""
    if len(sources) > MOST_RULEBOOKS:
        raise CommandError("Give one rulebook, or two to put side by side.")
    tariffs = _named(named, len(sources))
    unknown = sorted({name for each in tariffs for name in each} - {member.tariff for member in scene.participants})
    if unknown:
        raise CommandError(f"--tariff names ‘{unknown[0]}’, which is no tariff of the scene.")
    books = [_rulebook(source, scene) for source in sources]
    return [under_rulebook(scene, book, names, site) for book, names in zip(books, tariffs, strict=True)] or [None]


def _named(given: list[str], rulebooks: int) -> list[dict[str, str]]:
    """By rulebook, the tariff that each of the scene's becomes."""
    found: list[dict[str, str]] = [{} for _ in range(rulebooks)]
    for text in given:
        before, _, code = text.partition("=")
        place, _, name = before.rpartition(":")
        chosen = {"": range(rulebooks), "1": range(1), "2": range(1, MOST_RULEBOOKS)}.get(place)
        if not (name and code) or chosen is None or not rulebooks or max(chosen, default=0) >= rulebooks:
            raise CommandError(
                f"‘{text}’ is no tariff; write --tariff production=vn-production-22kv beside --rulebook."
            )
        for number in chosen:
            found[number][name] = code
    return found


def _rulebook(source: str, scene: Scene) -> Rulebook:
    """A rulebook by name, file or folder; `vn+CODE`: with these waiting windows, billed from the scene's first day."""
    if Path(source).exists():
        return parse(load_rulebook(source))
    name, _, windows = source.partition("+")
    found = parse(load_rulebook(name))
    return billing_from(found, windows, scene.starts_on) if windows else found


def play(scene: Scene, forecast: str, console: Console, rulebook: UnderRulebook | None = None) -> Report:
    """Loads a scene into a scratch market and plays it, with a progress bar. `rulebook`: what the scene is under."""
    started = time.perf_counter()
    loaded = load(scene, run_code(datetime.now(UTC)))
    if rulebook is not None:
        _set_rules(loaded, rulebook)
    run = Run(scene, loaded, forecast, rulebook)
    relax_durability()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"Playing {scene.name}", total=scene.calendar.count)
        run.play(lambda: progress.advance(task))
    restore_durability()
    run.timings.seconds["total"] = time.perf_counter() - started
    return report(run)


def _set_rules(loaded: Loaded, rulebook: UnderRulebook) -> None:
    """What a scene has no place for: rules that begin on a later day, and network fees by zone."""
    at = rulebook.scene.calendar.starts_at
    for on, rules in rulebook.rules_from:
        set_terms(
            site=loaded.site, valid_from=on, surplus_price=rules.surplus_price, network_fee=rules.network_fee,
            deadband_pct=rules.deadband_pct, deadband_wh=rules.deadband_wh, surplus_cap_pct=rules.surplus_cap_pct,
            source=rulebook.name, by=None, at=at,
        )  # fmt: skip
    for fee in rulebook.fees:
        set_network_fee(
            site=loaded.site, seller_zone=fee.seller_zone, buyer_zone=fee.buyer_zone, price=fee.price,
            valid_from=fee.dated.valid_from, source=fee.dated.source, by=None, at=at,
        )  # fmt: skip


def save(found: Report, text: str, out: Path | None, name: str) -> list[Path]:
    """Writes the report as JSON and as Markdown; returns the two paths."""
    base = out.with_suffix("") if out and out.suffix in (".json", ".md") else out
    base = base or settings.HOME / "backtests" / name
    base.parent.mkdir(parents=True, exist_ok=True)
    written = [base.with_name(base.name + ".json"), base.with_name(base.name + ".md")]
    written[0].write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    written[1].write_text(text, encoding="utf-8")
    return written
