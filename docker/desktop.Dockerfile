# The node on a desktop with a GeForce or RTX card: Ubuntu 24.04, ROS 2 Jazzy, TensorRT-RTX.
#
#   docker build -f docker/desktop.Dockerfile -t ovseg_ros .
#   docker run --rm -it --gpus all --network host --shm-size=1g -v ovseg_cache:/cache ovseg_ros
#
# Could not be built on our machines, which have no Docker, and was not run on a GPU yet.
FROM ros:jazzy-ros-base

# What the driver of the host lends to the container.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

RUN apt-get update && apt-get install -y --no-install-recommends \
        python3-colcon-common-extensions python3-numpy python3-pil python3-rich python3-venv \
        python3-yaml ros-jazzy-launch-ros ros-jazzy-vision-msgs \
    && rm -rf /var/lib/apt/lists/*

# By name what the extra tensorrt-rtx brings: the package itself comes from colcon.
RUN python3 -m venv --system-site-packages /opt/ovseg \
    && /opt/ovseg/bin/pip install --no-cache-dir \
        tensorrt_rtx cuda-core cuda-bindings onnx-ir onnxruntime rosbags

WORKDIR /ws
COPY . src/ovseg_ros
RUN . /opt/ros/jazzy/setup.sh && colcon build --packages-select ovseg_ros

ENV PYTHONPATH=/opt/ovseg/lib/python3.12/site-packages
ENV XDG_CACHE_HOME=/cache
ENV FASTRTPS_DEFAULT_PROFILES_FILE=/ws/src/ovseg_ros/config/fastdds_shm.xml
RUN echo 'source /ws/install/setup.bash' >> /etc/bash.bashrc
# Then: ros2 run ovseg_ros ovseg build, ros2 launch ovseg_ros ovseg.launch.py
CMD ["bash", "-ic", "ros2 run ovseg_ros ovseg doctor; exec bash"]
