"""ros2 launch s2m_ros replay.launch.py bag:=/data/drive rviz:=true

Plays a bag through the nodes of ``s2m.launch.py``, whose arguments it takes as well.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    RegisterEventHandler,
    TimerAction,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

HERE = Path(__file__).resolve().parent


def generate_launch_description() -> LaunchDescription:
    player = ExecuteProcess(
        cmd=[
            "ros2", "bag", "play", LaunchConfiguration("bag"), "--clock",
            "--rate", LaunchConfiguration("rate"),
        ],
        output="screen",
    )  # fmt: skip
    return LaunchDescription(
        [
            DeclareLaunchArgument("bag", description="Folder of a rosbag2 recording"),
            DeclareLaunchArgument("rate", default_value="1.0", description="Speed of the playback"),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(HERE / "s2m.launch.py")),
                launch_arguments={"use_sim_time": "true"}.items(),
            ),
            TimerAction(period=3.0, actions=[player]),  # the models load meanwhile
            RegisterEventHandler(
                OnProcessExit(
                    target_action=player,
                    on_exit=[
                        TimerAction(
                            period=2.0, actions=[EmitEvent(event=Shutdown(reason="bag played"))]
                        )
                    ],
                )
            ),
        ]
    )
