"""ros2 launch s2m_ros multi_camera.launch.py cameras:=front,left,rear image:=/cam/{camera}/image

Several cameras whose topics follow one pattern: ``{camera}`` stands for the name of each. Takes the
arguments of ``s2m.launch.py`` as well, and starts it.
"""

from pathlib import Path

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

from s2m_ros.nodes.starting import camera_remappings

HERE = Path(__file__).resolve().parent
ARGUMENTS = {
    "cameras": ("front,left,right", "Camera names separated by commas"),
    "image": ("", "Pattern of the image topics, e.g. /sensing/{camera}/image_raw"),
    "image_compressed": ("", "The same for transport compressed"),
    "camera_info": ("", "Pattern of the calibration topics"),
    "remap": ("", "Other topics of yours, as in s2m.launch.py"),
}


def vehicle(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """s2m.launch.py with the patterns turned into remappings."""

    def asked(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    pairs = camera_remappings(
        asked("cameras"), asked("image"), asked("image_compressed"), asked("camera_info")
    )
    return [
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(str(HERE / "s2m.launch.py")),
            launch_arguments={
                "cameras": asked("cameras"),
                "remap": " ".join([*pairs, asked("remap")]),
            }.items(),
        )
    ]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=description)
                for name, (default, description) in ARGUMENTS.items()
            ),
            OpaqueFunction(function=vehicle),
        ]
    )
