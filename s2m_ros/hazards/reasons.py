"""Why a hazard has its level: stable codes, and the words for an operator."""

from __future__ import annotations

from s2m_ros.types import Role

CRITICAL_DISTANCE = "critical_distance"
WARNING_DISTANCE = "warning_distance"
CAUTION_DISTANCE = "caution_distance"
ON_PATH = "on_path"
CRITICAL_TIME = "critical_time"
WARNING_TIME = "warning_time"
LARGE = "large"
UNCERTAIN = "uncertain"
LOW = "low"
FLAT = "flat"
LIDAR_ONLY = "lidar_only"
COASTING = "coasting"
MOVING = "moving"
NEAR_AIRCRAFT = "near_aircraft"
NEAR_VEHICLE = "near_vehicle"
NEAR_PERSON = "near_person"
UNCONFIRMED = "unconfirmed"
DEGRADED_SENSING = "degraded_sensing"

NEAR = {Role.AIRCRAFT: NEAR_AIRCRAFT, Role.PERSON: NEAR_PERSON, Role.VEHICLE: NEAR_VEHICLE}
"""What is worth a warning at once, most valuable first."""

TEXT = {
    CRITICAL_DISTANCE: "on the path, within the critical distance",
    WARNING_DISTANCE: "within the warning distance",
    CAUTION_DISTANCE: "within the caution distance",
    ON_PATH: "on the path of the vehicle",
    CRITICAL_TIME: "reached within the critical time",
    WARNING_TIME: "reached within the warning time",
    LARGE: "large object on the path",
    UNCERTAIN: "position uncertain",
    LOW: "too low to matter much: one level down",
    FLAT: "no height measured: one level down",
    LIDAR_ONLY: "seen by the LiDAR alone",
    COASTING: "not seen at the moment",
    MOVING: "moves",
    NEAR_AIRCRAFT: "beside an aircraft",
    NEAR_VEHICLE: "beside a vehicle",
    NEAR_PERSON: "beside a person",
    UNCONFIRMED: "seen too briefly to be confirmed",
    DEGRADED_SENSING: "sensing is degraded: one level up",
}
"""What each code means."""
