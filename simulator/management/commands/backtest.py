"""`manage.py backtest SCENE`: plays a scene folder through a market of its own and reports what came out."""

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
from simulator.durability import relax_durability, restore_durability
from simulator.forgetting import forget_backtests
from simulator.loading import load, run_code
from simulator.report import Report, report
from simulator.report_text import markdown
from simulator.scene import load_scene


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

    def handle(self, *_args: Any, **options: Any) -> None:
        """Reads, loads, plays, reports; a scene with faults loads nothing and ends with status 1."""
        try:
            scene = load_scene(options["scene"])
        except SceneRejected as refused:
            raise CommandError(str(refused) + "\nNothing was loaded.") from refused
        if options["fresh"]:
            self.stderr.write(f"Forgot {forget_backtests()} earlier backtests.")
        found = play(scene, options["forecast"], Console(file=self.stderr))  # type: ignore[arg-type]  # all but a file
        text = markdown(found)
        self.stdout.write(text)
        for path in save(found, text, options["out"]):
            self.stderr.write(f"Report: {path}")


def play(scene: Scene, forecast: str, console: Console) -> Report:
    """Loads a scene into a scratch market and plays it, with a progress bar."""
    started = time.perf_counter()
    run = Run(scene, load(scene, run_code(datetime.now(UTC))), forecast)
    relax_durability()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"Playing {scene.name}", total=scene.calendar.count)
        run.play(lambda: progress.advance(task))
    restore_durability()
    run.timings.seconds["total"] = time.perf_counter() - started
    return report(run)


def save(found: Report, text: str, out: Path | None) -> list[Path]:
    """Writes the report as JSON and as Markdown; returns the two paths."""
    base = out.with_suffix("") if out and out.suffix in (".json", ".md") else out
    base = base or settings.HOME / "backtests" / found["market"]
    base.parent.mkdir(parents=True, exist_ok=True)
    written = [base.with_name(base.name + ".json"), base.with_name(base.name + ".md")]
    written[0].write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    written[1].write_text(text, encoding="utf-8")
    return written
