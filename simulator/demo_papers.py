"""What the demo's documents need: who sells, how each member is billed, and which meters hang where.

Everything is invented and says so. Tax codes begin with 99, which no province has; the bank and its number do not
exist; the account is not a number at all. Everything is looked for before it is made.
"""

from datetime import date

from accounts.models import BillingProfile, Participant
from meters.models import Meter, MeteringPoint, Site
from settlement.models import Issuer
from simulator.domain.demo import DemoMember, demo_members

ACCOUNT = "DEMO0000000001"
COMPANIES = ("tenant", "storage", "station")
ENGLISH = ("co-khi-an-phat", "van-phong-sao-mai", "khoa-kinh-te", "nha-b1")
PRIMES = (7_919, 104_729)
WH_PER_KWH = 1_000


def add_issuer(site: Site) -> None:
    """The park's retail unit, which sells to its members and stands on their documents."""
    Issuer.objects.get_or_create(
        site=site,
        defaults={
            "legal_name": "Công ty TNHH Bán lẻ điện Khu Demo (demo)",
            "tax_code": "9900000001",
            "address": "Số 0 đường Thí Dụ, Khu công nghiệp Demo, Bình Dương",
            "email": "billing@demo.invalid",
            "phone": "0000 000 000",
            "bank_name": "Ngân hàng Thí Dụ (demo, not a bank)",
            "bank_bin": "999999",
            "bank_account": ACCOUNT,
            "symbol": "DM",
            "self_bill_symbol": "DS",
        },
    )


def add_papers(site: Site, installed_on: date) -> None:
    """Billing profiles of the members, and a meter at each of their points, installed on this day."""
    for number, member in enumerate(demo_members(), start=1):
        _profile(number, member)
    points = MeteringPoint.objects.filter(site=site).select_related("participant").order_by("pk")
    sizes = {member.participant.key: member.params.mean_load_w for member in demo_members()}
    bare = points.filter(meters=None)
    Meter.objects.bulk_create(
        _meter(point, sizes.get(point.participant.code, 0), installed_on) for point in bare.exclude(role="grid")
    )


def _profile(number: int, member: DemoMember) -> None:
    given = member.participant
    company, home = given.kind in COMPANIES, given.kind == "household"
    per = BillingProfile.PerWhat.METER if len(member.points) > 1 else BillingProfile.PerWhat.PARTICIPANT
    BillingProfile.objects.get_or_create(
        participant=Participant.objects.get(code=given.key),
        defaults={
            "legal_name": f"Công ty TNHH {given.name} (demo)" if company else f"{given.name} (demo)",
            "tax_code": "" if home else f"99001{number:05}",
            "address": f"Số {number} đường Thí Dụ, Khu công nghiệp Demo, Bình Dương",
            "email": f"{given.key}@demo.invalid",
            "vat_registered": company,
            "invoice_per": per,
            "language": "en" if given.key in ENGLISH else "vi",
        },
    )


def _meter(point: MeteringPoint, mean_load_w: int, installed_on: date) -> Meter:
    """Behind current transformers where the load is large. What it showed when it was hung up is any number."""
    multiplier = 1 if mean_load_w < 10_000 else 40 if mean_load_w < 60_000 else 80
    sends = point.role != MeteringPoint.Role.BOUNDARY or point.participant.devices.exists()
    shown = [point.pk * prime % 90_000 * multiplier * WH_PER_KWH for prime in PRIMES]
    return Meter(
        metering_point=point,
        serial=f"DEMO-{point.site_id}-{point.pk:05}",
        multiplier=multiplier,
        start_import_wh=shown[0],
        start_export_wh=shown[1] if sends else 0,
        installed_on=installed_on,
    )
