"""Writing a rendered set in the folder layout of the labelled image sets.

DIR/images/<name>.jpg   JPEG, quality 90
DIR/labels/<name>.png   uint8 noun ids, 255 = not evaluated
DIR/classes.json        ids, names and pixel counts
DIR/items.json          name -> split, sequence (the scene), domain (the look)
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import Progress

from ovseg_train.world.camera import Frame, SceneCamera, drive_pose
from ovseg_train.world.ground import SceneKind
from ovseg_train.world.looks import USUAL_LOOKS, Look
from ovseg_train.world.nouns import IGNORE_ID, NOUNS
from ovseg_train.world.scene import Split, draw_scene, scene_seed

LOOK_SHARES = {
    Look.DAY: 0.55,
    Look.DUSK: 0.15,
    Look.FOG: 0.15,
    Look.NIGHT: 0.15,
    Look.RAIN: 0.15,
}
"""How often a scene has each look, before the choice is narrowed by the caller."""


@dataclass(frozen=True)
class SceneJob:
    """One scene to render: where it belongs and how many frames it gives."""

    split: Split
    seed: int
    index: int
    frames: int

    @property
    def sequence(self) -> str:
        """Name of the scene in the set."""
        return f"{self.split.value}{self.seed:04d}_{self.index:04d}"


@dataclass(frozen=True)
class RenderPlan:
    """What to render.

    Attributes:
        train_scenes, train_frames: scenes of the training split, frames of each.
        val_scenes, val_frames: the same for held-out scenes.
        size_px: (width, height).
        seed: 0..9999; another seed gives other scenes.
        looks: looks to draw from, in the proportions of LOOK_SHARES.
        kinds: places, which go round with the index of a scene.
    """

    train_scenes: int
    train_frames: int
    val_scenes: int
    val_frames: int
    size_px: tuple[int, int]
    seed: int
    looks: tuple[Look, ...] = USUAL_LOOKS
    kinds: tuple[SceneKind, ...] = tuple(SceneKind)

    def jobs(self) -> list[SceneJob]:
        """Every scene of the plan, training first."""
        train = [
            SceneJob(Split.TRAIN, self.seed, i, self.train_frames) for i in range(self.train_scenes)
        ]
        val = [SceneJob(Split.VAL, self.seed, i, self.val_frames) for i in range(self.val_scenes)]
        return train + val


def look_of(index: int, looks: Sequence[Look]) -> Look:
    """The look of the scene with this index: the shares, spread evenly over the indices."""
    shares = np.cumsum([LOOK_SHARES[look] for look in looks])
    position = (index * 0.6180339887498949 + 0.21) % 1.0 * shares[-1]
    return looks[int(np.searchsorted(shares, position, side="right"))]


def render_set(plan: RenderPlan, out: Path) -> None:
    """Render a plan into a folder; scenes that a former run finished are kept.

    Args:
        plan: what to render.
        out: the set's folder; made where missing.

    Raises:
        RenderingUnavailableError: MuJoCo or its software rendering is missing.
        ValueError: the folder holds a set that was rendered from another plan.
    """
    _claim(plan, out)
    jobs = plan.jobs()
    with Progress() as progress:
        bar = progress.add_task("rendering scenes", total=len(jobs))
        for job in jobs:
            record = out / "scenes" / f"{job.sequence}.json"
            if not record.exists():
                _write_json(record, _render_scene(job, plan, out))
            progress.advance(bar)
    _write_index(jobs, out)


def _claim(plan: RenderPlan, out: Path) -> None:
    """Make the folders, and refuse to mix two plans in one of them."""
    for name in ("images", "labels", "scenes"):
        (out / name).mkdir(parents=True, exist_ok=True)
    wanted = {
        "seed": plan.seed,
        "size_px": list(plan.size_px),
        "frames": [plan.train_frames, plan.val_frames],
        "looks": [look.value for look in plan.looks],
    }
    if plan.kinds != tuple(SceneKind):
        wanted["kinds"] = [kind.value for kind in plan.kinds]
    record = out / "scenes" / "plan.json"
    if record.exists() and (found := json.loads(record.read_text())) != wanted:
        raise ValueError(f"{out} was rendered with {found}, not {wanted}; give another --out")
    _write_json(record, wanted)


def _render_scene(job: SceneJob, plan: RenderPlan, out: Path) -> dict[str, object]:
    """Render one scene's frames to disk and return its record."""
    look = look_of(job.index, plan.looks)
    counts = np.zeros(256, np.int64)
    names = []
    for number, frame in enumerate(scene_frames(job, look, plan.size_px, plan.kinds)):
        name = f"{job.sequence}_{number:03d}"
        _save_image(out / "images" / f"{name}.jpg", frame.rgb, quality=90)
        _save_image(out / "labels" / f"{name}.png", frame.labels)
        counts += np.bincount(frame.labels.ravel(), minlength=256)
        names.append(name)
    return {
        "split": job.split.value,
        "domain": look.value,
        "names": names,
        "pixels": counts[: len(NOUNS)].tolist(),
    }


def scene_frames(
    job: SceneJob,
    look: Look,
    size_px: tuple[int, int],
    kinds: Sequence[SceneKind] = tuple(SceneKind),
) -> Iterator[Frame]:
    """Frames spread along the path, each looking a little to one side.

    The kind of place goes round with the index, so that every split sees each kind as often.
    """
    seed = scene_seed(job.split, job.seed, job.index)
    kind = kinds[job.index % len(kinds)]
    scene = draw_scene(seed, look, kind)
    rng = np.random.default_rng([seed, 4])
    stops = (np.arange(job.frames) + rng.uniform(0, 0.9, job.frames)) / job.frames
    with SceneCamera(scene, *size_px) as camera:
        for stop in stops * scene.path.length_m:
            pose = drive_pose(scene, float(stop), rng.normal(0, 0.33), rng.normal(0, 0.04))
            yield camera.render(pose, rng)


def _write_index(jobs: Sequence[SceneJob], out: Path) -> None:
    """Write items.json and classes.json from the scenes' records."""
    items: dict[str, dict[str, str]] = {}
    pixels = np.zeros(len(NOUNS), np.int64)
    for job in jobs:
        record = json.loads((out / "scenes" / f"{job.sequence}.json").read_text())
        pixels += np.asarray(record["pixels"])
        for name in record["names"]:
            items[name] = {
                "split": record["split"],
                "sequence": job.sequence,
                "domain": record["domain"],
            }
    classes = [
        {"id": index, "name": noun, "pixels": int(pixels[index])}
        for index, noun in enumerate(NOUNS)
    ]
    document = {"ignore_id": IGNORE_ID, "classes": classes, "ignore_pixels": 0}
    _write_json(out / "classes.json", document)
    _write_json(out / "items.json", items)


def _write_json(path: Path, value: object) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(value, indent=1))
    os.replace(partial, path)


def _save_image(path: Path, image: np.ndarray, **options: int) -> None:
    """Write under a temporary name first, so that an interrupted run leaves no half image."""
    partial = path.with_name(f".{path.name}")
    Image.fromarray(image).save(partial, "JPEG" if path.suffix == ".jpg" else "PNG", **options)
    os.replace(partial, path)
