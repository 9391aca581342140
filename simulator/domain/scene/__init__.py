"""A scene: the members, tariffs, devices and meter readings of one site over some days, read from CSV and TOML.

`parse_scene` takes the text of the files and answers a `Scene`, or raises `SceneRejected` with every fault it found.
The format is described in docs/formats/scene.md.
"""

from simulator.domain.scene.errors import SceneError, SceneRejected
from simulator.domain.scene.model import (
    Battery,
    Device,
    ElectricVehicle,
    EvSession,
    Instruction,
    MarketRules,
    Participant,
    Ramp,
    Scene,
    SwapStation,
    TariffRow,
)
from simulator.domain.scene.parse import OPTIONAL_FILES, REQUIRED_FILES, parse_scene

__all__ = [
    "OPTIONAL_FILES",
    "REQUIRED_FILES",
    "Battery",
    "Device",
    "ElectricVehicle",
    "EvSession",
    "Instruction",
    "MarketRules",
    "Participant",
    "Ramp",
    "Scene",
    "SceneError",
    "SceneRejected",
    "SwapStation",
    "TariffRow",
    "parse_scene",
]
