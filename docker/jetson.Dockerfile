# A Jetson (Orin, JetPack 6: Ubuntu 22.04, Python 3.10): ROS 2 Humble and TensorRT.
#   docker build -f docker/jetson.Dockerfile -t s2m_ros:jetson .
# Run with --runtime nvidia. The base image brings CUDA, cuDNN and TensorRT of JetPack 6.
ARG BASE=nvcr.io/nvidia/l4t-jetpack:r36.4.0
FROM ${BASE}
ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8 ROS_DISTRO=humble

RUN apt-get update && apt-get install -y --no-install-recommends \
        ca-certificates curl gnupg \
    && curl -fsSL https://raw.githubusercontent.com/ros/rosdistro/master/ros.key \
        -o /usr/share/keyrings/ros-archive-keyring.gpg \
    && echo "deb [arch=arm64 signed-by=/usr/share/keyrings/ros-archive-keyring.gpg] http://packages.ros.org/ros2/ubuntu jammy main" \
        > /etc/apt/sources.list.d/ros2.list \
    && apt-get update && apt-get install -y --no-install-recommends \
        build-essential cmake python3-venv python3-dev python3-colcon-common-extensions \
        python3-numpy python3-scipy python3-opencv python3-yaml \
        ros-humble-ros-base ros-humble-tf2-ros ros-humble-tf2-msgs ros-humble-message-filters \
        ros-humble-cv-bridge ros-humble-vision-msgs ros-humble-rosbag2-storage-mcap \
    && rm -rf /var/lib/apt/lists/*

# ONNX Runtime with CUDA and TensorRT for JetPack is no PyPI package: name the wheel that NVIDIA
# publishes for this JetPack, as a file beside this one or as an address. Without it the CPU serves.
ARG ONNXRUNTIME=onnxruntime
COPY requirements/vehicle.txt /tmp/vehicle.txt
RUN grep -v '^onnxruntime' /tmp/vehicle.txt > /tmp/others.txt \
    && python3 -m venv --system-site-packages /opt/s2m \
    && /opt/s2m/bin/pip install --no-cache-dir -r /tmp/others.txt "${ONNXRUNTIME}" \
        "numpy<2" "setuptools<80"
ENV PATH=/opt/s2m/bin:${PATH}

COPY . /s2m/ros
WORKDIR /s2m/ros/ros2_ws
RUN . /opt/ros/humble/setup.sh \
    && python /usr/bin/colcon build --cmake-args -DBUILD_TESTING=OFF

COPY docker/entrypoint.sh /entrypoint.sh
ENTRYPOINT ["/entrypoint.sh"]
CMD ["ros2", "launch", "s2m_ros", "s2m.launch.py"]
