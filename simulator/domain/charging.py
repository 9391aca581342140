"""What plugged-in cars draw when nobody plans: full power from the moment they come until they reach their target.

That is what a plain charger does, so it is the baseline against which a schedule has to earn its keep. Energy is
counted at the charger.

Worked example: a 60 kWh car comes with 40 % and wants 60 %: it needs 12,000 Wh. At 11 kW a half hour gives 5,500 Wh, so
it draws 5,500, 5,500 and 1,000 Wh. A session that ends earlier ends there, short of its target.
"""

import numpy as np

from simulator.domain.scene import ElectricVehicle, EvSession, Scene
from simulator.domain.scene.model import Int64Array
from units.energy import energy_wh


def charging_wh(scene: Scene) -> Int64Array:
    """Energy drawn by the cars of each participant, Wh, participants × intervals, int64."""
    drawn = np.zeros_like(scene.load_wh)
    devices = {device.key: device for device in scene.devices}
    for session in scene.ev_sessions:
        device = devices[session.device]
        assert isinstance(device.parameters, ElectricVehicle), "sessions are checked to be of cars"
        first = scene.calendar.index_of(session.plug_in_at)
        last = scene.calendar.index_of(session.plug_out_at)
        wanted = session_wh(session, device.parameters)
        step = energy_wh(device.parameters.charge_w, scene.interval_minutes)
        for interval in range(first or 0, last or 0):
            taken = min(wanted, step)
            drawn[scene.row_of[device.participant], interval] += taken
            wanted -= taken
    return drawn


def session_wh(session: EvSession, vehicle: ElectricVehicle) -> int:
    """What a car needs to reach its target, Wh; nothing where it comes with more."""
    return max(0, vehicle.capacity_wh * (session.target_soc_pct - session.arrival_soc_pct) // 100)
