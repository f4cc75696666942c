#!/bin/sh
# Source ROS and the workspace, then run what was asked for.
set -e
# shellcheck disable=SC1090
. "/opt/ros/$ROS_DISTRO/setup.sh"
# shellcheck disable=SC1091
. /opt/s2m_ws/setup.sh
profile="${FASTRTPS_DEFAULT_PROFILES_FILE:-/opt/s2m_ws/s2m_ros/share/s2m_ros/launch/config/fastdds.xml}"
export FASTRTPS_DEFAULT_PROFILES_FILE="$profile" FASTDDS_DEFAULT_PROFILES_FILE="$profile"
export PATH="/opt/s2m_ws/s2m_ros/lib/s2m_ros:$PATH"
exec "$@"
