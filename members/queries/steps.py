"""How far a new member has come with its first steps, and which meter is registered for it."""

from dataclasses import dataclass

from members.models import Claim, FirstSteps
from meters.models import Meter, MeteringPoint
from trading.models import Market

STEPS = ("meter", "devices", "sell")


@dataclass(frozen=True, slots=True)
class StepsView:
    """Which steps are done; `next` is the first that is not, empty once all are."""

    done: tuple[str, ...]

    @property
    def next(self) -> str:
        return next((step for step in STEPS if step not in self.done), "")


@dataclass(frozen=True, slots=True)
class MeterView:
    """The meter of a member's boundary point: what stands on its plate, or what was claimed and waits."""

    serial: str
    point: str
    claimed: bool


def first_steps(market_id: int, participant_id: int) -> StepsView:
    """The steps that the member has done."""
    row = FirstSteps.objects.filter(market=market_id, participant=participant_id).first()
    return StepsView(tuple(step for step in STEPS if row and getattr(row, f"{step}_at")))


def meter_of(market: Market, participant_id: int) -> MeterView | None:
    """The meter that hangs at the member's boundary point, the first by code; else the one it has claimed."""
    rows = Meter.objects.filter(
        metering_point__site=market.site_id, metering_point__participant=participant_id, removed_on=None,
        metering_point__role=MeteringPoint.Role.BOUNDARY,
    )  # fmt: skip
    meter = rows.select_related("metering_point").order_by("metering_point__code").first()
    if meter is not None:
        return MeterView(meter.serial, meter.metering_point.code, claimed=False)
    claim = waiting_claim(market.pk, participant_id, Claim.Kind.METER)
    return MeterView(claim.values["serial"], "", claimed=True) if claim else None


def waiting_claim(market_id: int, participant_id: int, kind: str) -> Claim | None:
    """What the member has reported of this kind and nobody has decided on."""
    rows = Claim.objects.filter(market=market_id, participant=participant_id, kind=kind, state=Claim.State.WAITING)
    return rows.first()
