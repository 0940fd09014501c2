"""Every encoding and transport that users meet gives a mask."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image
import pytest

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy")

from ros_driver import Driver, byte_array, raw_image  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402

from ovseg_ros.pixel_formats import PIXEL_FORMATS  # noqa: E402

if TYPE_CHECKING:
    from conftest import Start


@pytest.fixture
def masks(node: Driver) -> list[Image]:
    """The masks of the shared node, under labels that every pixel gets one of."""
    assert node.set_labels("road=0; sky=0").success
    return node.subscribe(Image, "label_mask")


def mask_of(node: Driver, masks: list[Image], message: Image) -> np.ndarray:
    """Return the mask [H, W] that the node gives for `message`."""

    def with_new_stamp() -> Image:
        message.header = node.stamp()
        return message

    answer = node.answers(with_new_stamp, masks)
    return np.frombuffer(answer.data, np.uint8).reshape(answer.height, answer.width)


def padded(message: Image, padding: int) -> Image:
    """Return `message` with `padding` bytes of noise after each row."""
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, -1)
    noise = np.random.default_rng(1).integers(0, 255, (message.height, padding), dtype=np.uint8)
    message.data = byte_array(np.hstack([rows, noise]).tobytes())
    message.step += padding
    return message


def test_the_same_picture_gives_the_same_mask(
    node: Driver, picture: np.ndarray, masks: list[Image]
) -> None:
    """Also with the channels in another order, a fourth channel, or padded rows."""
    alpha = np.full((240, 320, 1), 255, np.uint8)
    reference = mask_of(node, masks, raw_image(picture, "rgb8"))
    assert set(np.unique(reference)) - {0}, "the picture has labels"
    same = {
        "bgr8": raw_image(picture[..., ::-1], "bgr8"),
        "rgba8": raw_image(np.concatenate([picture, alpha], axis=2), "rgba8"),
        "bgra8": raw_image(np.concatenate([picture[..., ::-1], alpha], axis=2), "bgra8"),
        "rgb8, padded": padded(raw_image(picture, "rgb8"), 13),
        "bgr8, padded": padded(raw_image(picture[..., ::-1], "bgr8"), 1),
    }
    for kind, message in same.items():
        assert np.array_equal(mask_of(node, masks, message), reference), kind


def test_the_byte_order_is_heeded(node: Driver, picture: np.ndarray, masks: list[Image]) -> None:
    gray = picture[..., 0]
    reference = mask_of(node, masks, raw_image(gray, "mono8"))
    little = raw_image(gray.astype("<u2") << 8, "mono16")
    big = raw_image((gray.astype("<u2") << 8).byteswap(), "mono16")
    big.is_bigendian = 1
    assert np.array_equal(mask_of(node, masks, little), reference)
    assert np.array_equal(mask_of(node, masks, big), reference)


@pytest.mark.parametrize("encoding", PIXEL_FORMATS)
def test_every_encoding_is_segmented(node: Driver, masks: list[Image], encoding: str) -> None:
    pixel_format = PIXEL_FORMATS[encoding]
    shape = (int(48 * pixel_format.row_ratio), 64 * pixel_format.bytes_per_px)
    message = raw_image(np.full(shape, 128, np.uint8), encoding)
    message.height, message.width = 48, 64
    mask = mask_of(node, masks, message)
    assert mask.shape == (48, 64)
    assert mask.all(), "at threshold 0 every pixel has a label"


def test_compressed_images(start_node: Start, picture: np.ndarray) -> None:
    node = start_node(
        parameters={"input.transport": "compressed", "query.labels": "'road=0; sky=0'"}
    )
    node.bring_up()
    masks = node.subscribe(Image, "label_mask")

    def compressed(kind: str, pixels: np.ndarray) -> CompressedImage:
        stream = io.BytesIO()
        PIL.Image.fromarray(pixels).save(stream, kind)
        return CompressedImage(
            header=node.stamp(), format=f"rgb8; {kind}", data=byte_array(stream.getvalue())
        )

    for kind, pixels in (("jpeg", picture), ("png", picture), ("jpeg", picture[..., 0])):
        answer = node.answers(lambda k=kind, p=pixels: compressed(k, p), masks, node.compressed)
        assert (answer.height, answer.width) == picture.shape[:2]
    broken = {
        "not an image": b"\x00" * 500,
        "empty": b"",
        "cut off": bytes(compressed("jpeg", picture).data[:900]),
        "cut off png": bytes(compressed("png", picture).data[:5000]),
    }
    for case, data in broken.items():
        before = node.status().rejected

        def publish_broken(data: bytes = data, before: int = before) -> bool:
            message = CompressedImage(header=node.stamp(), format="jpeg", data=byte_array(data))
            node.compressed.publish(message)
            return node.status().rejected > before

        node.wait(publish_broken, f"a refusal: {case}")
        assert "JPEG or PNG was wanted" in node.status().last_error
    node.answers(lambda: compressed("jpeg", picture), masks, node.compressed)
