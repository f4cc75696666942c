"""Why a hazard has its level: stable codes. The policy file has the words, and the other codes:
the names of its rules, and ``zone_`` with the kind of a zone."""

from __future__ import annotations

from s2m_ros.types import Role

ON_PATH = "on_path"
UNCERTAIN = "uncertain"
LIDAR_ONLY = "lidar_only"
COASTING = "coasting"
HELD = "held"
MOVING = "moving"
NEAR_AIRCRAFT = "near_aircraft"
NEAR_VEHICLE = "near_vehicle"
NEAR_PERSON = "near_person"
UNCONFIRMED = "unconfirmed"
ZONE_UNPLACED = "zone_unplaced"
NOTHING = "nothing"

WORDED = (
    ON_PATH, UNCERTAIN, LIDAR_ONLY, COASTING, HELD, MOVING, NEAR_AIRCRAFT, NEAR_VEHICLE,
    NEAR_PERSON, UNCONFIRMED, ZONE_UNPLACED, NOTHING,
)  # fmt: skip
"""Codes that the policy file has under ``texts``."""

LOW = "low"
FLAT = "flat"
AT_ONCE = "at_once"
DEGRADED_SENSING = "degraded_sensing"
NO_ODOMETRY = "no_odometry"
FIXED = (LOW, FLAT, AT_ONCE, DEGRADED_SENSING, NO_ODOMETRY)
"""Codes that have a section of their own there."""

ZONE = "zone_"
"""Beginning of the codes of zones."""

NEAR = {Role.AIRCRAFT: NEAR_AIRCRAFT, Role.PERSON: NEAR_PERSON, Role.VEHICLE: NEAR_VEHICLE}
"""What is worth a warning at once, most valuable first."""
