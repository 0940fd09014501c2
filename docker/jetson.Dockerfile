# Jetson, two targets, since ROS 2 follows from Ubuntu and Ubuntu from JetPack:
#
#   jetpack7  Ubuntu 24.04, Jazzy: the node. Thor, and Orin from JetPack 7.2 on.
#   jetpack6  Ubuntu 22.04: command line and Python only. The node wants an rclpy newer than
#             Humble's, and TensorRT of JetPack 6 is not there for Ubuntu 24.04.
#
#   docker build -f docker/jetson.Dockerfile --target jetpack7 -t ovseg_ros .
#   docker build -f docker/jetson.Dockerfile --target jetpack6 --build-arg L4T=IMAGE -t ovseg_ros .
#   docker run --rm -it --runtime nvidia --network host --shm-size=1g \
#       -v ovseg_cache:/cache ovseg_ros
#
# IMAGE: l4t-jetpack of your release of Jetson Linux, from NVIDIA's container registry.
# Could not be built on our machines, which are no Jetsons, and was not run on a GPU yet.
ARG L4T=l4t-jetpack

FROM ros:jazzy-ros-base AS jetpack7
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=all
RUN apt-get update && apt-get install -y --no-install-recommends \
        python3-colcon-common-extensions python3-numpy python3-pil python3-rich python3-venv \
        python3-yaml ros-jazzy-launch-ros ros-jazzy-vision-msgs \
    && rm -rf /var/lib/apt/lists/*
# JetPack 7 runs the same Arm programs as servers do. CUDA 13, as in its driver.
RUN python3 -m venv --system-site-packages /opt/ovseg \
    && /opt/ovseg/bin/pip install --no-cache-dir \
        tensorrt-cu13 cuda-core 'cuda-bindings==13.*' onnx-ir onnxruntime rosbags
WORKDIR /ws
COPY . src/ovseg_ros
RUN . /opt/ros/jazzy/setup.sh && colcon build --packages-select ovseg_ros
ENV PYTHONPATH=/opt/ovseg/lib/python3.12/site-packages
ENV XDG_CACHE_HOME=/cache
ENV FASTRTPS_DEFAULT_PROFILES_FILE=/ws/src/ovseg_ros/config/fastdds_shm.xml
RUN echo 'source /ws/install/setup.bash' >> /etc/bash.bashrc
CMD ["bash", "-ic", "ros2 run ovseg_ros ovseg doctor; exec bash"]

FROM ${L4T} AS jetpack6
RUN apt-get update && apt-get install -y --no-install-recommends python3-libnvinfer python3-venv \
    && rm -rf /var/lib/apt/lists/*
# TensorRT is that of the image, hence the system's modules; CUDA 12.6, as in the driver.
RUN python3 -m venv --system-site-packages /opt/ovseg \
    && /opt/ovseg/bin/pip install --no-cache-dir --upgrade pip \
    && /opt/ovseg/bin/pip install --no-cache-dir numpy pillow pyyaml rich \
        cuda-core 'cuda-bindings==12.*' onnx-ir onnxruntime rosbags
COPY . /src/ovseg_ros
RUN /opt/ovseg/bin/pip install --no-cache-dir --no-deps /src/ovseg_ros
ENV PATH=/opt/ovseg/bin:$PATH XDG_CACHE_HOME=/cache
CMD ["bash", "-c", "ovseg doctor; exec bash"]
