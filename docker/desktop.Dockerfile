# A PC: ROS 2 from its distribution's packages, with an NVIDIA GPU or without.
#   docker build -f docker/desktop.Dockerfile -t s2m_ros:desktop .
#   docker build -f docker/desktop.Dockerfile --build-arg COMPUTE=gpu -t s2m_ros:gpu .
#   docker build -f docker/desktop.Dockerfile --target viewer -t s2m_ros:viewer .
# The base is pinned by its tag, since its digest could not be looked up where this was written: pin
# it with --build-arg ROS_IMAGE=ros@sha256:... The distribution's packages are those of the day.
ARG ROS_IMAGE=ros:jazzy-ros-base-noble

FROM ${ROS_IMAGE} AS base
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends \
        python3-opencv python3-yaml \
        "ros-${ROS_DISTRO}-tf2-ros" "ros-${ROS_DISTRO}-tf2-msgs" \
        "ros-${ROS_DISTRO}-message-filters" "ros-${ROS_DISTRO}-cv-bridge" \
        "ros-${ROS_DISTRO}-vision-msgs" "ros-${ROS_DISTRO}-rosbag2-storage-mcap" \
    && rm -rf /var/lib/apt/lists/*

FROM base AS build
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends \
        build-essential cmake python3-colcon-common-extensions python3-venv \
    && rm -rf /var/lib/apt/lists/*
# What the distribution lacks goes into an environment that sees the distribution's packages.
# COMPUTE: cpu or gpu. TensorRT's wheel fetches its libraries from NVIDIA's own index.
ARG COMPUTE=cpu
ARG TENSORRT=10.16.1.11
COPY docker/requirements/${COMPUTE}.lock /tmp/requirements.lock
RUN python3 -m venv --system-site-packages /opt/s2m \
    && /opt/s2m/bin/pip install --no-cache-dir -r /tmp/requirements.lock \
    && if [ "${COMPUTE}" = gpu ]; then \
        /opt/s2m/bin/pip install --no-cache-dir "tensorrt-cu13==${TENSORRT}"; fi
ENV PATH=/opt/s2m/bin:${PATH}
# The package as a colcon workspace. colcon and the nodes use the environment's interpreter.
COPY . /src
WORKDIR /src/ros2_ws
RUN . "/opt/ros/${ROS_DISTRO}/setup.bash" \
    && python /usr/bin/colcon build --install-base /opt/s2m_ws --cmake-args -DBUILD_TESTING=OFF

FROM base AS runtime
COPY --from=build /opt/s2m /opt/s2m
COPY --from=build /opt/s2m_ws /opt/s2m_ws
COPY docker/entrypoint.sh /entrypoint.sh
# Engines of TensorRT stay when a volume is mounted at /var/cache/s2m.
RUN useradd --system --uid 10001 --create-home --shell /usr/sbin/nologin s2m \
    && install -d -o s2m -g s2m /var/cache/s2m
ENV PATH=/opt/s2m/bin:${PATH} XDG_CACHE_HOME=/var/cache/s2m PYTHONUNBUFFERED=1
USER 10001
WORKDIR /home/s2m
HEALTHCHECK --interval=30s --timeout=15s --start-period=60s --retries=2 \
    CMD ["/entrypoint.sh", "s2m", "health"]
ENTRYPOINT ["/entrypoint.sh"]
CMD ["ros2", "launch", "s2m_ros", "s2m.launch.py"]

FROM runtime AS viewer
USER 0
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends \
        "ros-${ROS_DISTRO}-rviz2" "ros-${ROS_DISTRO}-foxglove-bridge" \
    && rm -rf /var/lib/apt/lists/*
USER 10001
HEALTHCHECK NONE
CMD ["ros2", "run", "rviz2", "rviz2", "-d", "/opt/s2m_ws/s2m_ros/share/s2m_ros/launch/rviz/s2m.rviz"]

# What is built when no target is named.
FROM runtime
