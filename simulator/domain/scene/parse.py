"""Files in, a `Scene` out, or every fault at once: nothing is taken by halves.

The order matters: what a file refers to is read before it. A file whose references could not be read is still checked
for everything else, but a scene without a heading stops there, since no time in it would mean anything.
"""

from collections.abc import Mapping

from simulator.domain.scene.devices import parse_devices, parse_sessions
from simulator.domain.scene.errors import Faults, TooManyFaults
from simulator.domain.scene.members import parse_participants
from simulator.domain.scene.model import Calendar, Scene
from simulator.domain.scene.readings import parse_readings
from simulator.domain.scene.rules import Heading, parse_heading
from simulator.domain.scene.table import values_of
from simulator.domain.scene.tariffs import parse_tariffs

REQUIRED_FILES = ("scene.toml", "participants.csv", "tariffs.csv", "readings.csv")
OPTIONAL_FILES = ("devices.csv", "ev_sessions.csv")


def parse_scene(files: Mapping[str, bytes]) -> Scene:
    """Read a scene from its files (name without .gz → content). Raises `SceneRejected` with every fault found."""
    faults = Faults()
    scene: Scene | None = None
    try:
        for name in REQUIRED_FILES:
            if name not in files:
                faults.add(name, None, None, "missing_file", f"The scene has no {name}; add it (or {name}.gz).")
        faults.raise_if_any()
        heading = parse_heading(files["scene.toml"], faults)
        if heading is not None:
            scene = _parse_rest(files, heading, faults)
    except TooManyFaults:
        pass
    faults.raise_if_any()
    assert scene is not None, "a scene without faults is a scene"
    return scene


def _parse_rest(files: Mapping[str, bytes], heading: Heading, faults: Faults) -> Scene:
    calendar = Calendar(heading.timezone, heading.interval_minutes, heading.starts_on, heading.days)
    tariffs = parse_tariffs(files["tariffs.csv"], heading, faults)
    tariff_names = values_of(files["tariffs.csv"], "tariff")
    participants = parse_participants(files["participants.csv"], heading, tariff_names, faults)
    keys = values_of(files["participants.csv"], "participant")
    devices = parse_devices(files["devices.csv"], keys, faults) if "devices.csv" in files else []
    sessions = []
    if "ev_sessions.csv" in files:
        cars = values_of(files.get("devices.csv", b""), "device", unless={"kind": "swap_station"})
        sessions = parse_sessions(files["ev_sessions.csv"], cars, calendar, faults)
    load_wh, generation_wh = parse_readings(files["readings.csv"], participants, keys, calendar, faults)
    return Scene(
        name=heading.name,
        timezone=heading.timezone,
        interval_minutes=heading.interval_minutes,
        starts_on=heading.starts_on,
        days=heading.days,
        zones=heading.zones,
        rules=heading.rules,
        participants=tuple(participants),
        tariffs=tuple(tariffs),
        devices=tuple(devices),
        ev_sessions=tuple(sessions),
        load_wh=load_wh,
        generation_wh=generation_wh,
    )
