"""The sun over a place: its height, the light of a clear sky, and how much of it the clouds let through.

Position: declination and equation of time by Spencer (1971), 'Fourier series representation of the position of the
sun'. Clear sky: Haurwitz (1945, 1946), GHI = 1098 · cos z · exp(−0.059 / cos z) W/m², the best of the models that need
nothing but the zenith angle (Reno, Hansen and Stein, SAND2012-2389). With the sun at 60° from the zenith,
cos z = 0.5 and GHI = 1098 × 0.5 × e^−0.118 = 488 W/m².

Clouds are ours: a cover that wanders on four time scales (the weather of the day, of three hours, of half an hour, and
of five minutes), more of it in the rainy season (May to October in southern Việt Nam), most of all after noon.
"""

from dataclasses import dataclass

import numpy as np

from simulator.domain.noise import FloatArray, stream, wandering

MINUTES_A_DAY = 24 * 60
# Unix day 0 is a Thursday, 1 January; 365.2425 days a year keep the season right for centuries.
DAYS_A_YEAR = 365.2425
SCALES: tuple[tuple[str, float, float], ...] = (
    ("day", MINUTES_A_DAY, 0.55),
    ("hours", 180.0, 0.60),
    ("half-hour", 30.0, 0.45),
)
PASSING_WEIGHT, PASSING_MINUTES = 0.35, 5.0
CLEAREST, DARKEST = 1.02, 0.14


@dataclass(frozen=True, slots=True)
class Place:
    """Degrees north and east."""

    latitude: float
    longitude: float


def cos_zenith(place: Place, minutes: FloatArray) -> FloatArray:
    """Cosine of the sun's angle from the zenith at `minutes` since 1970 UTC; negative below the horizon."""
    days = minutes / MINUTES_A_DAY
    angle = 2.0 * np.pi * np.mod(days, DAYS_A_YEAR) / DAYS_A_YEAR
    declination = (
        0.006918
        - 0.399912 * np.cos(angle)
        + 0.070257 * np.sin(angle)
        - 0.006758 * np.cos(2 * angle)
        + 0.000907 * np.sin(2 * angle)
        - 0.002697 * np.cos(3 * angle)
        + 0.00148 * np.sin(3 * angle)
    )
    latitude, hour_angle = np.radians(place.latitude), _hour_angle(place, minutes, angle)
    vertical = np.sin(latitude) * np.sin(declination)
    return vertical + np.cos(latitude) * np.cos(declination) * np.cos(hour_angle)


def _hour_angle(place: Place, minutes: FloatArray, angle: FloatArray) -> FloatArray:
    equation_minutes = 229.18 * (
        0.000075
        + 0.001868 * np.cos(angle)
        - 0.032077 * np.sin(angle)
        - 0.014615 * np.cos(2 * angle)
        - 0.04089 * np.sin(2 * angle)
    )
    solar_minutes = np.mod(minutes, MINUTES_A_DAY) + 4.0 * place.longitude + equation_minutes
    return np.radians(solar_minutes / 4.0 - 180.0)


def clear_sky_wm2(place: Place, minutes: FloatArray) -> FloatArray:
    """Light on level ground under a clear sky, W/m²; 0 at night."""
    height = np.maximum(cos_zenith(place, minutes), 1e-3)
    light = 1098.0 * height * np.exp(-0.059 / height)
    return np.where(height > 1e-3, light, 0.0)


def clearness(seed: int, place: Place, member: str, minutes: FloatArray) -> FloatArray:
    """The share of the clear sky's light that reaches a roof, about 0.1 to 1.

    One sky for the whole site; only the passing clouds of five minutes reach each roof on their own.
    """
    cover = _season_and_hour(place, minutes)
    for name, period, weight in SCALES:
        cover = cover + weight * wandering(stream(seed, "sky", name), minutes, period)
    passing = wandering(stream(seed, "sky", "passing", member), minutes, PASSING_MINUTES)
    cover = cover + PASSING_WEIGHT * passing
    return CLEAREST - (CLEAREST - DARKEST) / (1.0 + np.exp(-1.9 * cover))


def _season_and_hour(place: Place, minutes: FloatArray) -> FloatArray:
    local_days = (minutes + 4.0 * place.longitude) / MINUTES_A_DAY
    rain = 0.5 - 0.5 * np.cos(2.0 * np.pi * (np.mod(local_days, DAYS_A_YEAR) - 30.0) / DAYS_A_YEAR)
    afternoon = np.clip((np.mod(local_days, 1.0) - 0.52) / 0.12, 0.0, 1.0)
    return -0.75 + 0.5 * rain + 0.6 * rain * afternoon
