"""The office of a market in which nothing has happened yet: every list says so."""

import pytest
from django.urls import reverse

from accounts.models import User
from tests.billing_world import make_billing_world

pytestmark = pytest.mark.django_db


def test_an_empty_house_says_so_everywhere(client) -> None:
    make_billing_world()
    staff = User.objects.create_user("staff", is_staff=True)
    client.force_login(staff)
    names = ("overview", "closes", "documents", "money", "bank", "payments", "payouts", "reminders", "rulebook",
             "proposals", "disputes", "control", "details")  # fmt: skip
    for name in names:
        answer = client.get(reverse(f"portal:office_{name}", args=("w",)))
        assert answer.status_code == 200 and b'class="empty"' in answer.content, name
        assert (name == "overview") == (b"This market has no members yet." in answer.content), name
