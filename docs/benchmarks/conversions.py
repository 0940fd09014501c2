"""What it costs to get from an image message to RGB and back, ours beside cv_bridge and OpenCV.

    python docs/benchmarks/conversions.py [--width 640 --height 480 --repeats 200]

Run it in any environment with ROS messages; a column whose package is not installed, or which
cannot do an encoding, says so. For PyPI's cv_bridge use an environment of its own, because it does
not work with NumPy 2.4 and OpenCV 5:

    python -m venv V; V/bin/pip install numpy==2.2.6 opencv-python-headless==4.11.0.86 cv-bridge \
        pillow pyyaml 'ros-kilted-rclpy[fastrtps]' ros-kilted-sensor-msgs
    PYTHONPATH=. V/bin/python docs/benchmarks/conversions.py
"""

from __future__ import annotations

import argparse
import array
import io
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import PIL.Image
from sensor_msgs.msg import CompressedImage, Image

from ovseg_ros.image_messages import compressed_to_rgb, raw_to_rgb
from ovseg_ros.pixel_formats import PIXEL_FORMATS

OPENCV_CODES = {
    "bgr8": "COLOR_BGR2RGB",
    "rgba8": "COLOR_RGBA2RGB",
    "bgra8": "COLOR_BGRA2RGB",
    "mono8": "COLOR_GRAY2RGB",
    "yuv422_yuy2": "COLOR_YUV2RGB_YUY2",
    "uyvy": "COLOR_YUV2RGB_UYVY",
    "nv12": "COLOR_YUV2RGB_NV12",
    "bayer_rggb8": "COLOR_BayerBG2RGB",  # OpenCV names the pattern from the second row on
}
ENCODINGS = ("rgb8", "bgr8", "rgba8", "bgra8", "mono8", "mono16", "yuv422_yuy2", "uyvy", "nv12")


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--repeats", type=int, default=200)
    options = parser.parse_args()
    size = options.width, options.height
    print(f"{size[0]}x{size[1]}, numpy {np.__version__}, median of {options.repeats}, ms")
    print(f"{'':18}{'ours':>10}{'cv_bridge':>12}{'OpenCV':>10}")
    for encoding in (*ENCODINGS, "bayer_rggb8"):
        message = random_image(encoding, *size)
        doors = raw_to_rgb, bridge_decoder(encoding), opencv_decoder(encoding)
        print_row(encoding, doors, message, options.repeats)
    for kind in ("jpeg", "png"):
        doors = compressed_to_rgb, bridge_decoder(kind), opencv_decoder(kind)
        print_row(kind, doors, compressed_image(kind, *size), options.repeats // 4)
    mask = np.zeros((size[1], size[0]), np.uint8)
    print_row("mask to message", (mask_message, bridge_encoder(), None), mask, options.repeats)


def print_row(
    name: str, doors: tuple[Callable[[Any], Any] | None, ...], item: object, repeats: int
) -> None:
    """Print the median time of each door for `item`."""
    cells = [measure(door, item, repeats) if door else "-" for door in doors]
    print(f"{name:18}{cells[0]:>10}{cells[1]:>12}{cells[2]:>10}", flush=True)


def measure(door: Callable[[Any], Any], item: object, repeats: int) -> str:
    """Return the median time of `door(item)` in milliseconds, or the error it raises."""
    times_ms = []
    for _ in range(repeats):
        start_ns = time.perf_counter_ns()
        try:
            door(item)
        except Exception as error:  # the point of the table: what another package cannot do
            return type(error).__name__
        times_ms.append((time.perf_counter_ns() - start_ns) / 1e6)
    return f"{statistics.median(times_ms):.3f}"


def random_image(encoding: str, width_px: int, height_px: int) -> Image:
    """Return a message of random bytes in `encoding`."""
    pixel_format = PIXEL_FORMATS[encoding]
    step = width_px * pixel_format.bytes_per_px
    rows = int(height_px * pixel_format.row_ratio)
    data = np.random.default_rng(0).integers(0, 256, step * rows, dtype=np.uint8)
    message = Image(width=width_px, height=height_px, step=step, encoding=encoding)
    message.data = array.array("B", data.tobytes())
    return message


def compressed_image(kind: str, width_px: int, height_px: int) -> CompressedImage:
    """Return a picture with as much detail as a street: smooth areas, edges and some noise."""
    rng = np.random.default_rng(0)
    tiles = rng.integers(0, 256, (height_px // 20 + 1, width_px // 20 + 1, 3), dtype=np.uint8)
    picture = tiles.repeat(20, axis=0).repeat(20, axis=1)[:height_px, :width_px] // 2
    picture += rng.integers(0, 12, picture.shape, dtype=np.uint8)
    stream = io.BytesIO()
    PIL.Image.fromarray(picture).save(stream, kind, **({"quality": 90} if kind == "jpeg" else {}))
    return CompressedImage(format=kind, data=array.array("B", stream.getvalue()))


def bridge_decoder(encoding: str) -> Callable[[Any], Any] | None:
    """Return cv_bridge's way to RGB; None where it is not installed."""
    try:
        from cv_bridge import CvBridge
    except ImportError:
        return None
    bridge = CvBridge()
    if encoding in ("jpeg", "png"):
        return lambda message: bridge.compressed_imgmsg_to_cv2(message, "rgb8")
    return lambda message: bridge.imgmsg_to_cv2(message, "rgb8")


def bridge_encoder() -> Callable[[Any], Any] | None:
    """Return cv_bridge's way from a mask to a message; None where it is not installed."""
    try:
        from cv_bridge import CvBridge
    except ImportError:
        return None
    bridge = CvBridge()
    return lambda mask: bridge.cv2_to_imgmsg(mask, "mono8")


def opencv_decoder(encoding: str) -> Callable[[Any], Any] | None:
    """Return the way to RGB by cvtColor or imdecode; None where there is none."""
    try:
        import cv2
    except ImportError:
        return None
    cv2.setNumThreads(1)
    if encoding in ("jpeg", "png"):
        return lambda message: cv2.cvtColor(
            cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB
        )
    if encoding not in OPENCV_CODES:
        return None
    code = getattr(cv2, OPENCV_CODES[encoding])
    pixel_format = PIXEL_FORMATS[encoding]

    def decode(message: Image) -> Any:
        rows = int(message.height * pixel_format.row_ratio)
        shape = (rows, message.width, pixel_format.bytes_per_px)
        return cv2.cvtColor(np.frombuffer(message.data, np.uint8).reshape(shape), code)

    return decode


def mask_message(mask: np.ndarray) -> Image:
    """Return a mask as the node builds it."""
    data = array.array("B")
    data.frombytes(mask.data.cast("B"))
    return Image(
        height=mask.shape[0], width=mask.shape[1], encoding="mono8", step=mask.shape[1], data=data
    )


if __name__ == "__main__":
    main()
