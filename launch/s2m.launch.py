"""ros2 launch s2m_ros s2m.launch.py config:=vehicle.yaml cameras:=front,left namespace:=tug_7

Starts the nodes of ``s2m_ros.nodes.graph``, the same that ``s2m up`` starts.
"""

import os
from pathlib import Path

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from s2m_ros.nodes.starting import RESPAWN_DELAY_S, requested

HERE = Path(__file__).resolve().parent
ARGUMENTS = {
    "config": ("", "YAML of settings (config/s2m.yaml lists them all), or a profile"),
    "profile": ("", "What the settings are laid over: cpu, desktop_gpu, orin, small"),
    "params_file": ("", "ROS parameter file that goes to the nodes as it is, e.g. by node names"),
    "cameras": ("", "Camera names separated by commas; empty takes them from the settings"),
    "namespace": ("", "Namespace of the vehicle"),
    "use_sim_time": ("false", "Take the time from /clock"),
    "remap": ("", "Topics of yours, e.g. 'points:=/lidar/points odom:=/odometry'"),
    "autostart": ("true", "false: a lifecycle manager configures and activates the nodes"),
    "composed": ("false", "All nodes but the monitor in one process"),
    "respawn": ("true", "Start a node again that has ended"),
    "rviz": ("false", "Show the hazards in RViz"),
}


def nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """One action a node; runs when the arguments are known."""

    def asked(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    def true(name: str) -> bool:
        return asked(name).lower() in ("true", "1", "yes")

    return [
        Node(
            package="s2m_ros",
            executable=spec.executable,
            name=spec.name,
            namespace=spec.namespace,
            arguments=list(spec.arguments),
            parameters=[
                *map(str, spec.parameter_files),
                *([dict(spec.parameters)] if spec.parameters else []),
            ],
            remappings=list(spec.remappings),
            output="screen",
            respawn=true("respawn"),
            respawn_delay=RESPAWN_DELAY_S,
        )
        for spec in requested(
            asked("config"),
            cameras=asked("cameras"),
            namespace=asked("namespace"),
            use_sim_time=true("use_sim_time"),
            remap=asked("remap"),
            profile=asked("profile"),
            params_file=asked("params_file"),
            autostart=true("autostart"),
            together=true("composed"),
        )
    ]


def generate_launch_description() -> LaunchDescription:
    profile = str(HERE / "config" / "fastdds.xml")
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=description)
                for name, (default, description) in ARGUMENTS.items()
            ),
            *(  # large messages need the shared memory of this profile; a site's own one stays
                SetEnvironmentVariable(variable, os.environ.get(variable, profile))
                for variable in ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
            ),
            OpaqueFunction(function=nodes),
            Node(
                package="rviz2",
                executable="rviz2",
                namespace=LaunchConfiguration("namespace"),
                arguments=["-d", str(HERE / "rviz" / "s2m.rviz")],
                condition=IfCondition(LaunchConfiguration("rviz")),
            ),
        ]
    )
