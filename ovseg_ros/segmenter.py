"""The main job in one readable file: frame, vocabulary, adapter mix in, segmentation out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ovseg_ros.adapters.mix import AdapterMix, LoraFactors, packed_factors
from ovseg_ros.closing import Closing
from ovseg_ros.engine.base import Backend, TextRows, open_backend
from ovseg_ros.engine.choice import REFERENCE, EngineChoice
from ovseg_ros.engine.cuda.dlpack import Frames
from ovseg_ros.errors import (
    AdapterError,
    BackendError,
    GpuMemoryError,
    OvsegError,
    QueryError,
)
from ovseg_ros.frame_input import batches_of
from ovseg_ros.packages import DEFAULT_PACKAGE, ModelPackage
from ovseg_ros.query import parse_query
from ovseg_ros.segmentation import MaskArray, Segmentation, Timings
from ovseg_ros.text.bank import TextBank
from ovseg_ros.vocabulary import IdSpace, LabelBook, LabelSpec, Vocabulary

# Names the common query where a camera is asked for.
EVERY_CAMERA = ""


@dataclass(frozen=True)
class _Query:
    """A vocabulary with the rows the engine needs and, for mono16, the ids behind the codes."""

    vocabulary: Vocabulary
    rows: TextRows
    ids: MaskArray | None


@dataclass(frozen=True)
class _Pending:
    """What the next frame is segmented under; replaced as a whole, so never seen half changed.

    `queries` are those of cameras that have one of their own, and the common one under "".
    """

    queries: Mapping[str, _Query]
    mix: AdapterMix

    def query_of(self, camera: str) -> _Query:
        """Return the query of the frames of `camera`; raises `OvsegError` before the first one."""
        query = self.queries.get(camera) or self.queries.get(EVERY_CAMERA)
        if query is None:
            raise OvsegError("no query is set; call set_query, for example with 'car; person'")
        return query


class Segmenter(Closing):
    """Segments frames against the labels of the moment.

    Text is encoded by the caller of `set_query` / `set_labels` / `set_adapter`, off the frame path;
    the next `infer` sees all of a change or none of it. Safe to call from several threads: `infer`
    calls run one after another, queries and adapters may be set meanwhile.

    A query is that of every camera, or of the one that is named: names are for the caller to
    choose, and a camera without a query of its own has the common one.
    """

    def __init__(
        self,
        package: ModelPackage,
        backend: Backend,
        text_bank: TextBank,
        id_space: IdSpace,
        book: LabelBook | None = None,
    ) -> None:
        """Take ownership of `backend`; use `Segmenter.open` for the usual way in."""
        self.package = package
        self.backend = backend
        self.text_bank = text_bank
        self._id_space = id_space
        self._book = book or LabelBook(package.card.label_capacity, id_space)
        self._book.set_capacity(package.card.label_capacity)
        self._pending = _Pending({}, AdapterMix())
        self._loaded_rows: TextRows | None = None
        self._loaded_mix: AdapterMix | None = None
        self._query_lock = threading.Lock()
        self._infer_lock = threading.Lock()

    @classmethod
    def open(
        cls,
        package: str | Path = DEFAULT_PACKAGE,
        labels: str = "",
        *,
        engine: EngineChoice = REFERENCE,
        threads: int = 0,
        camera_px: tuple[int, int] | None = None,
        fallback: EngineChoice | None = None,
        id_space: IdSpace = IdSpace.MONO8,
        book: LabelBook | None = None,
        cache: Path | None = None,
    ) -> Segmenter:
        """Load a model package by name or folder and, where given, set `labels` as the query.

        `threads` limits the CPU threads of the backend (0: all cores); `camera_px` (W, H) chooses
        among engines that were built for one size of frames each. `fallback` is the engine to use
        where a GPU has no memory left for `engine`; `backend.choice` tells. `book`, of the same
        `id_space`, carries ids and revisions on from an earlier segmenter. `cache` holds the
        verdicts of `ovseg check` and calibrated models (None: the cache of this user). Raises
        `PackageError`, `BackendError`, `MissingExtraError` or `QueryError`.
        """
        loaded = ModelPackage.load(package)
        text_bank = TextBank.load(loaded)
        backend = _open_unless_full(loaded, engine, threads, cache, camera_px, fallback)
        segmenter = cls(loaded, backend, text_bank, id_space, book)
        try:
            if labels:
                segmenter.set_query(labels)
        except OvsegError:
            segmenter.close()
            raise
        return segmenter

    @property
    def vocabulary(self) -> Vocabulary:
        """The common vocabulary in force. Raises `OvsegError` before the first query."""
        return self._pending.query_of(EVERY_CAMERA).vocabulary

    @property
    def adapter_mix(self) -> AdapterMix:
        """The adapter mix in force."""
        return self._pending.mix

    def has_own_query(self, camera: str) -> bool:
        """Whether `camera` does not follow the common query."""
        return camera in self._pending.queries

    def set_query(self, text: str) -> Vocabulary:
        """Parse `text` in the query grammar and make it the query; raises `QueryError`."""
        query = parse_query(text)
        return self.set_labels(query.specs, query.templates)

    def set_labels(
        self,
        specs: Sequence[LabelSpec],
        templates: Sequence[str] = (),
        camera: str = EVERY_CAMERA,
    ) -> Vocabulary:
        """Make `specs` the query and return its vocabulary; the old one stays on `QueryError`.

        It is the query of `camera` alone where one is named. Ids are common to all queries.
        """
        if len(specs) <= self.package.card.label_capacity:
            self._require_bucket(QueryError, labels=len(specs))
        with self._query_lock:
            vocabulary = self._book.write(specs, templates)
            mix = self._pending.mix
            query = self._encode(vocabulary, mix.text_factors)
            self._pending = _Pending({**self._pending.queries, camera: query}, mix)
            return vocabulary

    def follow_common_query(self, camera: str) -> Vocabulary:
        """Drop the query of `camera`; return the common one, with a new revision, for all of them.

        A frame that is finished under the dropped query is thus known to be under an older one.
        Raises `QueryError`, changing nothing, where there is no common query.
        """
        with self._query_lock:
            common = self._pending.queries.get(EVERY_CAMERA)
            if common is None:
                raise QueryError(
                    f"camera '{camera}' cannot follow the query of the node, which has none yet; "
                    "publish one on ~/query first, such as 'car; person'"
                )
            vocabulary = self._book.renew(common.vocabulary)
            others = {name: q for name, q in self._pending.queries.items() if name != camera}
            renewed = replace(common, vocabulary=vocabulary)
            self._pending = _Pending({**others, EVERY_CAMERA: renewed}, self._pending.mix)
            return vocabulary

    def set_adapter(self, mix: AdapterMix) -> None:
        """Make `mix` the adapters of the frames that follow, together with the labels under it.

        Where the factors of the text tower change, the labels are encoded again here, and frames go
        on under the old mix meanwhile. Raises `AdapterError`, the old mix in force, for factors of
        another package or of a rank that the engine was not built for.
        """
        self._require_fit(mix)
        while True:
            seen = self._pending
            queries = seen.queries
            if mix.text_factors is not seen.mix.text_factors:
                queries = {
                    camera: self._encode(query.vocabulary, mix.text_factors)
                    for camera, query in queries.items()
                }
            # Encoding may take long: a query of the user does not wait for it, it comes first.
            with self._query_lock:
                if self._pending is seen:
                    self._pending = _Pending(queries, mix)
                    return

    def infer(self, image: Frames, camera: str = EVERY_CAMERA) -> Segmentation:
        """Segment one frame, uint8 [H, W, 3] RGB, and return a mask of the same H and W.

        `image` is a numpy array, or an array of a library that knows DLPack; TensorRT takes those
        on its own GPU too. Raises `FrameError` for an array of another kind and `OvsegError` before
        the first query.
        """
        return self.infer_batch((image,), camera)[0]

    def infer_batch(
        self, images: Sequence[Frames], camera: str = EVERY_CAMERA
    ) -> tuple[Segmentation, ...]:
        """Segment frames under one query and one mix, and return their masks in the same order.

        Frames of one size go to the backend together, as many as it takes; the times of each are
        then those of all. Raises as `infer`, for all of them.
        """
        batches = batches_of(images, self.backend.capabilities)
        with self._infer_lock:
            query, mix = self._load_pending(camera)
            found = {
                place: segmentation
                for batch in batches
                for place, segmentation in zip(
                    batch.places, self._run(batch.frames, query, mix), strict=True
                )
            }
        return tuple(found[place] for place in range(len(images)))

    def close(self) -> None:
        """Free the engine, after the inference in progress."""
        with self._infer_lock:
            self.backend.close()

    def _require_fit(self, mix: AdapterMix) -> None:
        """Raise `AdapterError` for factors that the engine does not take."""
        if mix.factors is not None:
            packed_factors(mix.factors, self.package.card.lora_widths)
            self._require_bucket(AdapterError, rank=mix.factors.rank)

    def _require_bucket(self, kind: type[OvsegError], labels: int = 1, rank: int = 1) -> None:
        """Raise `kind`, naming the bucket to build, for what the engine has no room for."""
        profile = self.backend.capabilities.profile
        if profile is None:
            return
        try:
            profile.bucket_of(labels, rank)
        except BackendError as error:
            # The error ends with the command, which wants the rest of what this engine is.
            rest = f"--package {self.package.reference} --camera {profile.camera}"
            raise kind(f"{error} {rest}") from None

    def _load_pending(self, camera: str) -> tuple[_Query, AdapterMix]:
        """Hand a changed query or mix to the backend, between frames."""
        pending = self._pending
        query, mix = pending.query_of(camera), pending.mix
        # A query with the same rows only says something else about them, as with a mix.
        if self._loaded_rows is not query.rows:
            self.backend.set_text(query.rows)
            self._loaded_rows = query.rows
        # A mix with the same factors only says something else about them, and costs nothing.
        if self._loaded_mix is None or mix.factors is not self._loaded_mix.factors:
            self.backend.set_adapter(mix.factors)
        self._loaded_mix = mix
        return query, mix

    def _run(self, frames: Frames, query: _Query, mix: AdapterMix) -> Iterator[Segmentation]:
        """Yield the segmentation of each of `frames` [B, H, W, 3]."""
        start_ns = time.perf_counter_ns()
        raw = self.backend.infer(frames)
        inference_ms = (time.perf_counter_ns() - start_ns) / 1e6
        for code, confidence, embedding in zip(
            raw.mask, raw.confidence, raw.embedding, strict=True
        ):
            mask: MaskArray = code if query.ids is None else query.ids[code]
            timings = Timings(inference_ms, (time.perf_counter_ns() - start_ns) / 1e6)
            yield Segmentation(mask, confidence, embedding, query.vocabulary, mix, timings)

    def _encode(self, vocabulary: Vocabulary, factors: LoraFactors | None) -> _Query:
        labels = vocabulary.labels
        card = self.package.card
        bank = self.text_bank.encode(
            [label.prompts for label in labels], vocabulary.templates or card.templates, factors
        )
        thresholds = [
            card.default_threshold if label.threshold is None else label.threshold
            for label in labels
        ]
        if self._id_space is IdSpace.MONO8:
            codes, ids = [label.id for label in labels], None
        else:
            codes = [0 if label.negative else row + 1 for row, label in enumerate(labels)]
            ids = np.array([0, *(label.id for label in labels)], np.uint16)
        rows = TextRows(bank, np.array(codes, np.uint8), np.array(thresholds, np.float32))
        return _Query(vocabulary, rows, ids)


def _open_unless_full(
    package: ModelPackage,
    engine: EngineChoice,
    threads: int,
    cache: Path | None,
    camera_px: tuple[int, int] | None,
    fallback: EngineChoice | None,
) -> Backend:
    """Open `engine`, or `fallback` where there is one and a GPU has no memory left for `engine`."""
    try:
        return open_backend(package, engine, threads, cache, camera_px)
    except GpuMemoryError:
        if fallback is None:
            raise
    # Only here, behind the error, is all of the engine's memory free again.
    return open_backend(package, fallback, threads, cache, camera_px)
