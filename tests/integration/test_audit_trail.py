"""The audit trail read as sentences, in either language, by whom, what and when."""

from datetime import timedelta

import pytest

from accounts.operations import add_membership, audit, create_participant, create_user
from accounts.queries import audit_trail
from tests.factories import NOON


@pytest.fixture
def trail(db: None) -> None:
    an = create_user(by=None, username="an", password=None, at=NOON)
    an.first_name, an.last_name = "An", "Nguyễn"
    an.save()
    dorm = create_participant(by=an, code="dorm", name="Dorm", kind="dorm", at=NOON + timedelta(hours=1))
    add_membership(by=an, user=an, participant=dorm, role="trader", at=NOON + timedelta(hours=2))


def test_newest_first_in_english(trail: None) -> None:
    rows = audit_trail()
    assert [row.sentence for row in rows] == [
        "An Nguyễn let an act for dorm as trader.",
        "An Nguyễn created the participant dorm (Dorm).",
        "The system created the user an.",
    ]
    assert rows[0].by == "An Nguyễn" and rows[2].by == ""


def test_in_vietnamese(trail: None) -> None:
    told = [row.sentence for row in audit_trail(language="vi")]
    assert told[2].startswith("Hệ thống") and "người giao dịch" in told[0]


def test_filters_and_pages(trail: None) -> None:
    assert [row.action for row in audit_trail(by="an")] == ["membership.added", "participant.created"]
    assert [row.action for row in audit_trail(action="user.")] == ["user.created"]
    assert [row.action for row in audit_trail(about="DORM")] == ["membership.added", "participant.created"]
    assert [row.action for row in audit_trail(about="trader")] == ["membership.added"]
    assert [row.action for row in audit_trail(start=NOON + timedelta(hours=1), end=NOON + timedelta(hours=2))] == [
        "participant.created"
    ]
    first = audit_trail(limit=2)
    assert [row.action for row in audit_trail(before=first[-1].id)] == ["user.created"]


def test_an_entry_of_an_action_nobody_knows_any_more(db: None) -> None:
    audit(by=None, action="old.thing", target="site x", detail={"{evil}": "{who}"}, at=NOON)
    assert audit_trail()[0].sentence == "The system did “old.thing” on site x."
