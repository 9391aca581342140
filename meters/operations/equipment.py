"""What stands on a site: the site itself, its metering points, the meters that hang there, the devices behind them.

A meter is never changed into another one: it is taken down with what its registers show, and the next is hung up with
what that one shows, so that a document can name both. A point is hung with one meter at a time.

Example: A-17 is taken down on 5 May at 12,345 kWh and B-02 hung up at 3 kWh. Days until 4 May are A-17's, 5 May is
B-02's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import Participant, User
from accounts.operations import audit
from meters.models import Channel, Device, Meter, MeteringPoint, Site

REGISTERS = (("1.8.0", Channel.Direction.IMPORT), ("2.8.0", Channel.Direction.EXPORT))
MOST_DIGITS, MOST_MULTIPLIER = 9, 100_000
MOST_W = 10**10
MOST_WH = 10**12
WATTS = ("peak_w", "charge_w", "discharge_w")


class EquipmentRefused(ValueError):
    """Equipment that cannot be as it is said to be; the message says what to do. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class NewMeter:
    """A meter to hang up. Registers in Wh as displayed × multiplier."""

    serial: str
    installed_on: date
    multiplier: int = 1
    register_digits: int = 6
    start_import_wh: int = 0
    start_export_wh: int = 0


def plain_serial(text: str) -> str:
    """A serial number as it is kept: without spaces, in capital letters."""
    return "".join(text.split()).upper()


@transaction.atomic
def create_site(
    *, code: str, name: str, timezone: str, latitude: float, longitude: float, by: User | None, at: datetime
) -> Site:
    """A campus or park. Raises EquipmentRefused `invalid_site`, `unknown_timezone`, `site_taken`."""
    site = Site(code=code, name=name, timezone=timezone, latitude=latitude, longitude=longitude)
    _check_place(site)
    try:
        with transaction.atomic():
            site.save()
    except IntegrityError as error:
        raise EquipmentRefused("site_taken", _("There is already a site with this code; choose another.")) from error
    audit(by=by, action="site.created", target=f"site {code}", detail={"site_name": name, "timezone": timezone}, at=at)
    return site


def _check_place(site: Site) -> None:
    try:
        ZoneInfo(site.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise EquipmentRefused("unknown_timezone", _("Choose a time zone like Asia/Ho_Chi_Minh.")) from error
    if not (-90 <= site.latitude <= 90 and -180 <= site.longitude <= 180):
        raise EquipmentRefused("invalid_site", _("Latitude is from −90 to 90 degrees, longitude from −180 to 180."))
    if not site.name:
        raise EquipmentRefused("invalid_site", _("Give the site a name."))
    try:
        site.full_clean(validate_unique=False)
    except ValidationError as error:
        told = _("A code has small letters, digits and hyphens, at most 40; a name has at most 120 letters.")
        raise EquipmentRefused("invalid_site", told) from error


@transaction.atomic
def add_point(
    *,
    site: Site,
    participant: Participant,
    code: str,
    role: str,
    by: User | None,
    at: datetime,
    max_import_w: int | None = None,
    max_export_w: int | None = None,
) -> MeteringPoint:
    """A place where energy is counted for the participant.

    Raises EquipmentRefused `invalid_point`, `unknown_role`, `point_taken`.
    """
    _check_point(code, role, max_import_w, max_export_w)
    try:
        with transaction.atomic():
            point = MeteringPoint.objects.create(
                site=site, participant=participant, code=code, role=role, max_import_w=max_import_w,
                max_export_w=max_export_w,
            )  # fmt: skip
    except IntegrityError as error:
        told = _("There is already a metering point {code} at this site.").format(code=code)
        raise EquipmentRefused("point_taken", told) from error
    detail = {"participant": participant.pk, "point_role": role, "site": site.code}
    audit(by=by, action="point.added", target=f"point {code}", detail=detail, at=at)
    return point


def _check_point(code: str, role: str, *limits_w: int | None) -> None:
    if not code or len(code) > 40 or any(letter.isspace() or not letter.isprintable() for letter in code):
        raise EquipmentRefused("invalid_point", _("A metering point's code has 1 to 40 letters without spaces."))
    if role not in MeteringPoint.Role.values:
        roles = ", ".join(MeteringPoint.Role.values)
        raise EquipmentRefused("unknown_role", _("A metering point is one of {roles}.").format(roles=roles))
    if any(limit is not None and not 0 < limit <= MOST_W for limit in limits_w):
        raise EquipmentRefused(
            "invalid_point", _("What a connection can carry is above 0 kW; leave it out if unknown.")
        )


@transaction.atomic
def change_point(
    *, point: MeteringPoint, max_import_w: int | None, max_export_w: int | None, by: User | None, at: datetime
) -> bool:
    """What the connection can carry, W. True where that is a change. Raises EquipmentRefused `invalid_point`."""
    _check_point(point.code, point.role, max_import_w, max_export_w)
    held = MeteringPoint.objects.select_for_update().get(pk=point.pk)
    if (held.max_import_w, held.max_export_w) == (max_import_w, max_export_w):
        return False
    held.max_import_w, held.max_export_w = max_import_w, max_export_w
    held.save(update_fields=["max_import_w", "max_export_w"])
    detail = {"max_import_w": max_import_w, "max_export_w": max_export_w}
    audit(by=by, action="point.changed", target=f"point {held.code}", detail=detail, at=at)
    return True


@transaction.atomic
def install_meter(*, point: MeteringPoint, meter: NewMeter, by: User | None, at: datetime) -> Meter:
    """Hang a meter up at a point where none hangs.

    Raises EquipmentRefused `invalid_serial`, `invalid_multiplier`, `invalid_registers`, `invalid_day`, `serial_taken`,
    `meter_hangs`.
    """
    held = _held(point)
    _check_meter(meter)
    before = held.meters.order_by("-installed_on").first()
    if before is not None and before.removed_on is None:
        told = _("The meter {serial} hangs there; exchange it on the member's page.").format(serial=before.serial)
        raise EquipmentRefused("meter_hangs", told)
    if before is not None and before.removed_on and meter.installed_on < before.removed_on:
        told = _("The meter before it was taken down on {day}; choose that day or a later one.")
        raise EquipmentRefused("invalid_day", told.format(day=before.removed_on.isoformat()))
    made = _hang(held, meter)
    detail = {"point": held.code, "installed_on": meter.installed_on.isoformat(), "multiplier": meter.multiplier}
    audit(by=by, action="meter.installed", target=f"meter {made.serial}", detail=detail, at=at)
    return made


def _held(point: MeteringPoint) -> MeteringPoint:
    return MeteringPoint.objects.select_for_update().get(pk=point.pk)


def _hang(point: MeteringPoint, meter: NewMeter) -> Meter:
    serial = plain_serial(meter.serial)
    try:
        with transaction.atomic():
            made = Meter.objects.create(
                metering_point=point, serial=serial, multiplier=meter.multiplier,
                register_digits=meter.register_digits, start_import_wh=meter.start_import_wh,
                start_export_wh=meter.start_export_wh, installed_on=meter.installed_on,
            )  # fmt: skip
    except IntegrityError as error:
        told = _("The serial number {serial} is registered already; look for a typing mistake.").format(serial=serial)
        raise EquipmentRefused("serial_taken", told) from error
    Channel.objects.bulk_create(Channel(meter=made, obis=obis, direction=side) for obis, side in REGISTERS)
    return made


def _check_meter(meter: NewMeter) -> None:
    serial = plain_serial(meter.serial)
    if not serial or len(serial) > 40 or not serial.isprintable():
        raise EquipmentRefused("invalid_serial", _("Give the serial number on the meter's plate, at most 40 letters."))
    if not 1 <= meter.multiplier <= MOST_MULTIPLIER:
        raise EquipmentRefused("invalid_multiplier", _("The multiplier is a whole number from 1 to 100000."))
    if not 1 <= meter.register_digits <= MOST_DIGITS:
        raise EquipmentRefused("invalid_registers", _("A register shows 1 to 9 digits of kWh."))
    full = register_full_wh(meter.register_digits, meter.multiplier)
    if not (0 <= meter.start_import_wh < full and 0 <= meter.start_export_wh < full):
        raise EquipmentRefused(
            "invalid_registers", _("A register shows 0 kWh or more, and no more than its digits can.")
        )


def register_full_wh(digits: int, multiplier: int) -> int:
    """Where registers of so many digits start again from 0, in Wh."""
    return int(10**digits * 1_000 * multiplier)


@transaction.atomic
def remove_meter(
    *, point: MeteringPoint, removed_on: date, end_import_wh: int, end_export_wh: int, by: User | None, at: datetime
) -> Meter:
    """Take the meter down, with what its registers show (Wh as displayed × multiplier).

    Raises EquipmentRefused `no_meter`, `invalid_day`, `invalid_registers`.
    """
    held = _held(point)
    meter = held.meters.filter(removed_on=None).first()
    if meter is None:
        raise EquipmentRefused("no_meter", _("No meter hangs at this metering point."))
    _check_end(meter, removed_on, end_import_wh, end_export_wh)
    meter.removed_on, meter.end_import_wh, meter.end_export_wh = removed_on, end_import_wh, end_export_wh
    meter.save(update_fields=["removed_on", "end_import_wh", "end_export_wh"])
    detail: dict[str, Any] = {"point": held.code, "removed_on": removed_on.isoformat()}
    detail |= {"end_import_wh": end_import_wh, "end_export_wh": end_export_wh}
    audit(by=by, action="meter.removed", target=f"meter {meter.serial}", detail=detail, at=at)
    return meter


def _check_end(meter: Meter, on: date, *shown_wh: int) -> None:
    if on < meter.installed_on:
        told = _("The meter was hung up on {day}; it is taken down on that day or later.")
        raise EquipmentRefused("invalid_day", told.format(day=meter.installed_on.isoformat()))
    full = register_full_wh(meter.register_digits, meter.multiplier)
    if not all(0 <= shown < full for shown in shown_wh):
        raise EquipmentRefused(
            "invalid_registers", _("A register shows 0 kWh or more, and no more than its digits can.")
        )


@transaction.atomic
def exchange_meter(
    *, point: MeteringPoint, end_import_wh: int, end_export_wh: int, meter: NewMeter, by: User | None, at: datetime
) -> Meter:
    """Take the meter down and hang the next one up, on the day the next one is installed. Raises EquipmentRefused."""
    remove_meter(
        point=point, removed_on=meter.installed_on, end_import_wh=end_import_wh, end_export_wh=end_export_wh, by=by,
        at=at,
    )  # fmt: skip
    return install_meter(point=point, meter=meter, by=by, at=at)


@transaction.atomic
def set_device(
    *, site: Site, participant: Participant, kind: str, name: str, by: User | None, at: datetime, **figures: int
) -> str:
    """A device of the participant with this name: made, or given these figures (`peak_w`, `capacity_wh`, `charge_w`,
    `discharge_w`). What became of it: `new`, `changed` or `unchanged`.

    Raises EquipmentRefused `unknown_kind`, `invalid_device`.
    """
    _check_device(kind, name, figures)
    Participant.objects.select_for_update(no_key=True).get(pk=participant.pk)
    there = Device.objects.filter(site=site, participant=participant, name=name).first()
    device = there or Device(site=site, participant=participant, name=name, kind=kind)
    if device.kind != kind:
        raise EquipmentRefused("invalid_device", _("Another kind of device has this name; choose another name."))
    changed = there is None or any(getattr(device, field) != value for field, value in figures.items())
    if not changed:
        return "unchanged"
    for field, value in figures.items():
        setattr(device, field, value)
    device.soc_wh = min(device.soc_wh, device.capacity_wh)
    device.save()
    detail: dict[str, Any] = {"participant": participant.pk, "device_kind": kind, **figures}
    audit(by=by, action="device.set", target=f"device {name}", detail=detail, at=at)
    return "changed" if there else "new"


def _check_device(kind: str, name: str, figures: Mapping[str, int]) -> None:
    if kind not in Device.Kind.values:
        raise EquipmentRefused("unknown_kind", _("Choose one of the kinds of device in the list."))
    if not name or len(name) > 80:
        raise EquipmentRefused("invalid_device", _("A device's name has 1 to 80 letters."))
    if any(not 0 <= figures.get(field, 0) <= MOST_W for field in WATTS) or not (
        0 <= figures.get("capacity_wh", 0) <= MOST_WH
    ):
        raise EquipmentRefused("invalid_device", _("Power in kW and energy in kWh are 0 or more."))
    if kind == Device.Kind.PV and not figures.get("peak_w"):
        raise EquipmentRefused("invalid_device", _("Give the peak power of the panels in kWp, above 0."))
    if kind != Device.Kind.PV and not figures.get("capacity_wh"):
        raise EquipmentRefused("invalid_device", _("Give how much it stores in kWh, above 0."))


@transaction.atomic
def remove_device(*, device: Device, by: User | None, at: datetime) -> None:
    """A device that is there no more; what was measured stays."""
    detail = {"participant": device.participant_id, "device_kind": device.kind}
    audit(by=by, action="device.removed", target=f"device {device.name}", detail=detail, at=at)
    device.delete()
