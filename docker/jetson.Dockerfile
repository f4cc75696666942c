# A Jetson (Orin, JetPack 6: Ubuntu 22.04, Python 3.10): ROS 2 Humble, CUDA and TensorRT of JetPack.
#   docker build -f docker/jetson.Dockerfile --build-arg ONNXRUNTIME=docker/wheels/NAME.whl \
#     -t s2m_ros:jetson .
# Run with --runtime nvidia. ONNXRUNTIME is the wheel with CUDA and TensorRT that NVIDIA publishes for
# this JetPack (it is no PyPI package), as a file in docker/wheels; without it the CPU serves.
# The base is pinned by its tag, since its digest could not be looked up where this was written: pin
# it with --build-arg JETPACK_IMAGE=nvcr.io/nvidia/l4t-jetpack@sha256:...
ARG JETPACK_IMAGE=nvcr.io/nvidia/l4t-jetpack:r36.4.0

FROM ${JETPACK_IMAGE} AS base
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8 ROS_DISTRO=humble
ARG ROS_KEY=C1CF6E31E6BADE8868B172B4F42ED6FBAB17C654
ARG KEYRING=/usr/share/keyrings/ros-archive-keyring.gpg
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl gnupg \
    && curl -fsSL https://raw.githubusercontent.com/ros/rosdistro/master/ros.key -o "${KEYRING}" \
    && gpg --show-keys --with-colons "${KEYRING}" | grep -q "^fpr:*${ROS_KEY}:" \
    && echo "deb [arch=arm64 signed-by=${KEYRING}] http://packages.ros.org/ros2/ubuntu jammy main" \
        > /etc/apt/sources.list.d/ros2.list \
    && apt-get update && apt-get install -y --no-install-recommends \
        python3-opencv python3-yaml \
        ros-humble-ros-base ros-humble-tf2-ros ros-humble-tf2-msgs ros-humble-message-filters \
        ros-humble-cv-bridge ros-humble-vision-msgs ros-humble-rosbag2-storage-mcap \
    && rm -rf /var/lib/apt/lists/*

FROM base AS build
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends \
        build-essential cmake python3-colcon-common-extensions python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*
ARG ONNXRUNTIME=onnxruntime==1.23.2
COPY . /src
WORKDIR /src
RUN python3 -m venv --system-site-packages /opt/s2m \
    && /opt/s2m/bin/pip install --no-cache-dir -r docker/requirements/jetson.lock \
    && /opt/s2m/bin/pip install --no-cache-dir "${ONNXRUNTIME}" -c docker/requirements/jetson.lock
ENV PATH=/opt/s2m/bin:${PATH}
WORKDIR /src/ros2_ws
RUN . "/opt/ros/${ROS_DISTRO}/setup.bash" \
    && python /usr/bin/colcon build --install-base /opt/s2m_ws --cmake-args -DBUILD_TESTING=OFF

FROM base AS runtime
COPY --from=build /opt/s2m /opt/s2m
COPY --from=build /opt/s2m_ws /opt/s2m_ws
COPY docker/entrypoint.sh /entrypoint.sh
# Engines of TensorRT stay when a volume is mounted at /var/cache/s2m. The group video owns the GPU.
RUN useradd --system --uid 10001 --create-home --shell /usr/sbin/nologin --groups video s2m \
    && install -d -o s2m -g s2m /var/cache/s2m
ENV PATH=/opt/s2m/bin:${PATH} XDG_CACHE_HOME=/var/cache/s2m PYTHONUNBUFFERED=1
USER 10001
WORKDIR /home/s2m
HEALTHCHECK --interval=30s --timeout=15s --start-period=120s --retries=2 \
    CMD ["/entrypoint.sh", "s2m", "health"]
ENTRYPOINT ["/entrypoint.sh"]
CMD ["ros2", "launch", "s2m_ros", "s2m.launch.py", "profile:=orin"]
