#!/bin/sh
# Source ROS and the workspace, then run what was asked for.
set -e
. "/opt/ros/$ROS_DISTRO/setup.sh"
. /s2m/ros/ros2_ws/install/setup.sh
profile="${FASTRTPS_DEFAULT_PROFILES_FILE:-/s2m/ros/launch/config/fastdds.xml}"
export FASTRTPS_DEFAULT_PROFILES_FILE="$profile" FASTDDS_DEFAULT_PROFILES_FILE="$profile"
export PATH="/s2m/ros/ros2_ws/install/s2m_ros/lib/s2m_ros:$PATH"
exec "$@"
