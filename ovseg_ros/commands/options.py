"""Options that several verbs share."""

from __future__ import annotations

import argparse
from pathlib import Path

from ovseg_ros.engine.choice import BackendName, EngineChoice, Precision
from ovseg_ros.engine.profile import camera_from_text
from ovseg_ros.errors import BackendError


def add_package_option(parser: argparse.ArgumentParser) -> None:
    """Add --package, the model package by name or folder."""
    parser.add_argument(
        "--package",
        default="tiny",
        metavar="P",
        help="name or folder of a model package (default: %(default)s)",
    )


def add_engine_options(
    parser: argparse.ArgumentParser, default: BackendName = BackendName.ONNXRUNTIME
) -> None:
    """Add --backend, --precision and --device; `engine_of` reads them."""
    parser.add_argument(
        "--backend",
        default=default.value,
        choices=[name.value for name in BackendName],
        help="what runs the package (default: %(default)s)",
    )
    parser.add_argument(
        "--precision",
        default="",
        choices=[precision.value for precision in Precision],
        help="what it computes in (default: fp32 on a processor, fp16 on a GPU)",
    )
    parser.add_argument(
        "--device",
        default="",
        metavar="D",
        help="where it runs: cpu, cuda or cuda:N (default: where the backend belongs)",
    )
    parser.add_argument(
        "--camera",
        type=camera,
        metavar="WxH",
        help="size of the frames, where engines for several sizes were built",
    )


def add_adapter_options(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --adapters and --adapter-dir."""
    parser.add_argument(
        "--adapters",
        default=default,
        metavar="A",
        help="auto (each picture by what it shows), none, or names: fog, or fog=0.7,rain=0.3 "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--adapter-dir", type=Path, metavar="DIR", help="default: adapters in the package"
    )


def engine_of(arguments: argparse.Namespace) -> EngineChoice:
    """Return the engine of the options; raises `BackendError` for what does not go together."""
    return EngineChoice.of(arguments.backend, arguments.precision, arguments.device)


def camera(text: str) -> tuple[int, int]:
    """Return (W, H) of a size like 640x480; raises argparse's error for another text."""
    try:
        return camera_from_text(text)
    except BackendError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive(text: str) -> int:
    """Return the number in `text`; raises argparse's error unless it is a whole one from 1 up."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 up")
    return value


def whole(text: str) -> int:
    """Return the number in `text`; raises argparse's error unless it is a whole one from 0 up."""
    if not text.strip().isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0 up")
    return int(text)


def seconds(text: str) -> float:
    """Return the seconds in `text`; raises argparse's error unless they are a number from 0 up."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < 1e9:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds from 0 up")
    return value


def rate_hz(text: str) -> float:
    """Return the rate in `text`; raises argparse's error unless it is above 0, up to 1000 Hz."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value <= 1000.0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a rate above 0 and up to 1000 Hz")
    return value


def buckets(text: str) -> tuple[int, ...]:
    """Return the numbers in `text`, for example '8,32,128'; raises argparse's error for others."""
    return tuple(positive(word.strip()) for word in text.split(","))
