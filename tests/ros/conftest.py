"""Fixtures for tests against running nodes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# The drivers import rclpy, which may be missing; then these tests are skipped, not broken.
Start = Callable[..., Any]


@contextmanager
def starting(folder: Path, package: Path) -> Iterator[Start]:
    """Yield what starts nodes, and end all of them afterwards."""
    from node_process import NodeProcess
    from ros_driver import Driver

    numbers = itertools.count()
    with ExitStack() as stack:

        def start(**options: Any) -> Driver:
            parameters = {
                "model.package": package,
                "status.period_s": 0.1,
                **options.pop("parameters", {}),
            }
            process = NodeProcess(folder / f"node_{next(numbers)}.log", parameters, **options)
            return stack.enter_context(Driver(stack.enter_context(process)))

        yield start


@pytest.fixture(scope="module")
def start_node(tmp_path_factory: pytest.TempPathFactory, tiny_package: Path) -> Iterator[Start]:
    """Start node processes with the given parameters; each comes with its driver.

    Keyword arguments are those of `NodeProcess`; parameters default to the tiny package and a
    short status period. All processes are ended after the module.
    """
    with starting(tmp_path_factory.mktemp("nodes"), tiny_package) as start:
        yield start


@pytest.fixture
def start_briefly(tmp_path: Path, tiny_package: Path) -> Iterator[Start]:
    """`start_node` for one test: every driver left open is one more for new nodes to discover."""
    with starting(tmp_path, tiny_package) as start:
        yield start


@pytest.fixture(scope="module")
def node(start_node: Start) -> Any:
    """An active node with its driver, shared by the tests of a module."""
    driver = start_node()
    driver.bring_up()
    return driver


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    """A frame, uint8 [240, 320, 3] RGB: sky above, road below, noise on both."""
    frame = np.zeros((240, 320, 3), np.uint8)
    frame[:120] = (120, 170, 230)
    frame[120:] = (90, 90, 95)
    noise = np.random.default_rng(0).integers(0, 20, frame.shape, dtype=np.uint8)
    return frame + noise
