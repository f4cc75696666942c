# A desktop or server with ROS 2 from its distribution's packages, the way a vehicle runs.
#   docker build -f docker/desktop.Dockerfile --build-arg ROS_DISTRO=jazzy -t s2m_ros:desktop .
ARG ROS_DISTRO=jazzy
FROM ros:${ROS_DISTRO}-ros-base

RUN apt-get update && apt-get install -y --no-install-recommends \
        python3-venv python3-numpy python3-scipy python3-opencv python3-yaml \
        ros-${ROS_DISTRO}-tf2-ros ros-${ROS_DISTRO}-tf2-msgs ros-${ROS_DISTRO}-message-filters \
        ros-${ROS_DISTRO}-cv-bridge ros-${ROS_DISTRO}-vision-msgs \
        ros-${ROS_DISTRO}-rosbag2-storage-mcap ros-${ROS_DISTRO}-foxglove-bridge \
    && rm -rf /var/lib/apt/lists/*

# What the distribution lacks goes into an environment that sees the distribution's packages.
# numpy stays below 2 because the distribution's OpenCV and cv_bridge are built against 1.x.
COPY requirements/vehicle.txt /tmp/vehicle.txt
RUN python3 -m venv --system-site-packages /opt/s2m \
    && /opt/s2m/bin/pip install --no-cache-dir -r /tmp/vehicle.txt "numpy<2"
ENV PATH=/opt/s2m/bin:${PATH}

# The package, as a colcon workspace. colcon and the nodes use the environment's interpreter.
COPY . /s2m/ros
WORKDIR /s2m/ros/ros2_ws
RUN . /opt/ros/${ROS_DISTRO}/setup.sh \
    && python -m pip install --no-cache-dir "setuptools<80" \
    && python /usr/bin/colcon build --cmake-args -DBUILD_TESTING=OFF

COPY docker/entrypoint.sh /entrypoint.sh
ENTRYPOINT ["/entrypoint.sh"]
CMD ["ros2", "launch", "s2m_ros", "s2m.launch.py"]
