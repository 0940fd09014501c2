"""The scene of several cameras: each counts once, and only while it is fresh."""

from __future__ import annotations

import numpy as np

from ovseg_ros.adapters.camera_scenes import FRESH_S, CameraScenes

SECOND_NS = 10**9


def test_a_single_camera_is_the_scene() -> None:
    scenes = CameraScenes()
    assert scenes.mean is None
    embedding = np.array([1.0, 2.0], np.float32)
    scenes.add("", embedding, SECOND_NS)
    assert scenes.mean is embedding


def test_each_camera_counts_once_however_fast_it_is() -> None:
    scenes = CameraScenes()
    scenes.add("slow", np.array([4.0], np.float32), 0)
    for number in range(10):
        scenes.add("fast", np.array([float(number)], np.float32), number)
    assert scenes.mean == np.array([6.5], np.float32)
    assert scenes.mean.dtype == np.float32


def test_a_camera_that_shows_nothing_any_more_is_left_out() -> None:
    scenes = CameraScenes()
    scenes.add("front", np.array([2.0], np.float32), 0)
    scenes.add("rear", np.array([4.0], np.float32), 0)
    later_ns = int((FRESH_S + 1) * SECOND_NS)
    scenes.add("rear", np.array([5.0], np.float32), later_ns)
    assert scenes.mean == np.array([5.0], np.float32)
    scenes.note_time(2 * later_ns)
    assert scenes.mean is None


def test_time_never_goes_back_though_frames_come_out_of_order() -> None:
    scenes = CameraScenes()
    for at_ns in (5, 3, 9, 8):
        scenes.add("front" if at_ns % 2 else "rear", np.zeros(1, np.float32), at_ns)
    assert scenes.now_ns == 9
