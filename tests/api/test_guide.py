"""docs/api.md is true: its examples are run against a live server by curl, and it tells every code there is."""

import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from accounts.api.problems import _CODES
from accounts.operations import create_token
from meters.models import MeteringPoint
from tests.api.conftest import PASSWORD, World
from trading.api.refusals import STATUS
from trading.domain.errors import SENTENCES
from trading.models import Market

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text()
EXAMPLES = [block for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL) if block.startswith("curl")]
CSV = "metering_point,start,import_kwh,export_kwh\nMP-1,2026-06-01 10:00,0.25,0\n"


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 12


def test_every_code_is_told() -> None:
    internal = {"invalid_side", "invalid_stp"}  # the shape of a message forbids what they refuse
    missing = {code for code in {*SENTENCES, *STATUS, *_CODES.values()} - internal if f"`{code}`" not in GUIDE}
    assert not missing


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are written for curl")
@pytest.mark.django_db(transaction=True)
def test_the_examples_run(world: World, live_server: Any, tmp_path: Path, fresh_name: str, settings: Any) -> None:
    """All of them in order, as an administrator who is also a trader, in a market named as in the guide; the first one
    makes a token by password alone, which an administrator may only where no second step is asked."""
    settings.STAFF_NEED_SECOND_STEP = False
    Market.objects.update(code="campus")
    MeteringPoint.objects.create(site=world.market.site, participant=world.p0, code="MP-1")
    user = world.anna.user
    assert user is not None
    user.username, user.is_staff = fresh_name, True
    user.set_password(PASSWORD)
    user.save()
    _, token = create_token(by=user, expires_in=timedelta(days=1), at=datetime.now(UTC))
    (tmp_path / "readings.csv").write_text(CSV)
    variables = {
        "BASE": f"{live_server.url}/api/v1", "TOKEN": token, "NAME": fresh_name, "PASSWORD": PASSWORD,
        "CONTRACT": str(world.contracts[0].pk), "PATH": "/usr/bin:/bin:/usr/local/bin",
    }  # fmt: skip
    for example in EXAMPLES:
        if "$ORDER" in example:
            variables["ORDER"] = world.anna.post("orders", world.order(price=2_000)).json()["order_id"]
        status, answer = _run(example, variables, tmp_path)
        assert status in ("200", "201"), f"{example}\n{answer}"
        assert '"error"' not in answer, f"{example}\n{answer}"


def _run(example: str, variables: dict[str, str], where: Path) -> tuple[str, str]:
    told = example.replace("curl -s", "curl -s -w '\\n%{http_code}'", 1)
    done = subprocess.run(["sh", "-c", told], env=variables, cwd=where, capture_output=True, text=True, timeout=30)
    answer, _, status = done.stdout.rpartition("\n")
    return status, answer + done.stderr
