"""The page that puts two rulebooks side by side: what it says, whom it lets in, what it refuses in words."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Membership, User
from tests.integration.test_what_if import a_month
from tests.office_world import PASSWORD
from tests.settlement_world import World

pytestmark = pytest.mark.django_db
ADDRESS = "/bills/w/mill/compare/"
WINDOWS = "windows:vn:decision-963-2026"
FILE = """
[rulebook]
name = "Dear peak <b>"
country = "VN"
[[prices]]
tariff = "vn-production-22kv"
normal = 1833
peak = 9398
offpeak = 1190
billed_from = 2026-06-01
source = "s"
"""


@pytest.fixture
def world() -> World:
    return a_month()


@pytest.fixture
def page(world: World, client: Client) -> Client:
    user = User.objects.create_user("mill-owner", password=PASSWORD)
    Membership.objects.create(user=user, participant=world.people["mill"], role="owner")
    client.force_login(user)
    return client


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_new_hours_are_cheaper_and_the_page_says_why(page: Client) -> None:
    answer = page.get(ADDRESS, {"month": "2026-06", "left": "force", "right": WINDOWS})
    assert answer.status_code == 200
    told = text_of(answer)
    found = answer.context["found"]
    assert found.difference_dong < 0
    assert re.search(
        r"You would pay ₫[\d,]+ less in June 2026, most of all because of: From the grid, peak hours\.", told
    )
    assert f"{-found.difference_dong:,}" in told and f"{found.left.draft.total_dong:,}" in told
    assert answer.content.decode().count('<g class="hour">') == 24
    assert " style=" not in answer.content.decode()


def test_in_vietnamese(page: Client) -> None:
    page.cookies["django_language"] = "vi"
    told = text_of(page.get(ADDRESS, {"month": "2026-06", "left": "force", "right": WINDOWS}))
    assert "Bạn sẽ trả ít hơn" in told and "giờ cao điểm" in told and "You would" not in told


def test_every_choice_answers(page: Client) -> None:
    first = page.get(ADDRESS, {"month": "2026-06"})
    keys = [key for key, _ in first.context["choices"]]
    assert keys[:2] == ["force", WINDOWS] and {"pilot:vn", "shipped:vn"} <= set(keys)
    for key in keys:
        answer = page.get(ADDRESS, {"month": "2026-06", "left": key, "right": "force"})
        assert answer.status_code == 200, (key, text_of(answer))


def test_the_same_on_both_sides_is_the_same(page: Client) -> None:
    told = text_of(page.get(ADDRESS, {"month": "2026-06", "left": "force", "right": "force"}))
    assert "You would pay the same in June 2026." in told


def test_a_file_is_compared_and_not_kept(page: Client) -> None:
    file = SimpleUploadedFile("dear.toml", FILE.encode())
    answer = page.post(ADDRESS, {"month": "2026-06", "left": "force", "file": file})
    assert answer.status_code == 200
    assert answer.context["found"].difference_dong > 0
    assert "Dear peak &lt;b&gt;" in answer.content.decode()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"x" * 500_001, "larger than 500 kB"),
        (b"[rulebook", "This is not TOML"),
        (b"\xff\xfe\x00", "Save the file as UTF-8"),
        (b"[rulebook]\nname='x'\ncountry='VN'\n[[prices]]\ntariff='no'\nflat=1\nbilled_from=2026-06-01\nsource='s'",
         "There is no tariff no"),
        (b"{" * 90_000, "This is not JSON"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_in_a_sentence(page: Client, data: bytes, told: str) -> None:
    answer = page.post(ADDRESS, {"month": "2026-06", "left": "force", "file": SimpleUploadedFile("x.toml", data)})
    assert answer.status_code == 422 and told in text_of(answer)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"month": "2026-06", "right": "change:9"}, "not offered any more"),
        ({"month": "2026-06", "right": "file"}, "Choose a rulebook file"),
        ({"month": "2020-01"}, "Nothing of yours was settled"),
        ({"month": "\0", "left": "x\0"}, "not offered any more"),
    ],
)
def test_what_cannot_be_compared_is_said(page: Client, query: dict[str, str], told: str) -> None:
    answer = page.get(ADDRESS, query)
    assert answer.status_code == 422 and told in text_of(answer)
    sent = page.post(ADDRESS, query)
    assert sent.status_code == 422 and "Choose a rulebook file" in text_of(sent)


@pytest.mark.parametrize("month", ["0001-01", "9999-12", "2026-13", "x"])
def test_a_month_that_is_none_is_the_last_one(page: Client, month: str) -> None:
    assert page.get(ADDRESS, {"month": month}).context["month"] == page.get(ADDRESS).context["month"]


def test_strangers_and_neighbours_see_nothing(page: Client) -> None:
    assert page.get("/bills/w/home/compare/").status_code == 404
    assert Client().get(ADDRESS).status_code == 302
