"""The main job in one readable file: frame, vocabulary, adapter mix in, segmentation out."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
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
from ovseg_ros.frame_input import batch_of_one
from ovseg_ros.packages import DEFAULT_PACKAGE, ModelPackage
from ovseg_ros.query import parse_query
from ovseg_ros.segmentation import MaskArray, Segmentation, Timings
from ovseg_ros.text.bank import TextBank
from ovseg_ros.vocabulary import IdSpace, LabelBook, LabelSpec, Vocabulary


@dataclass(frozen=True)
class _Query:
    """A vocabulary with the rows the engine needs and, for mono16, the ids behind the codes."""

    vocabulary: Vocabulary
    rows: TextRows
    ids: MaskArray | None


@dataclass(frozen=True)
class _Pending:
    """What the next frame is segmented under; replaced as a whole, so never seen half changed."""

    query: _Query | None
    mix: AdapterMix


class Segmenter(Closing):
    """Segments frames against the labels of the moment.

    Text is encoded by the caller of `set_query` / `set_labels` / `set_adapter`, off the frame path;
    the next `infer` sees all of a change or none of it. Safe to call from several threads: `infer`
    calls run one after another, queries and adapters may be set meanwhile.
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
        self._pending = _Pending(None, AdapterMix())
        self._loaded_query: _Query | None = None
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
        """The vocabulary in force. Raises `OvsegError` before the first query."""
        return self._require_query(self._pending).vocabulary

    @property
    def adapter_mix(self) -> AdapterMix:
        """The adapter mix in force."""
        return self._pending.mix

    def set_query(self, text: str) -> Vocabulary:
        """Parse `text` in the query grammar and make it the query; raises `QueryError`."""
        query = parse_query(text)
        return self.set_labels(query.specs, query.templates)

    def set_labels(self, specs: Sequence[LabelSpec], templates: Sequence[str] = ()) -> Vocabulary:
        """Make `specs` the query and return its vocabulary; the old one stays on `QueryError`."""
        if len(specs) <= self.package.card.label_capacity:
            self._require_bucket(QueryError, labels=len(specs))
        with self._query_lock:
            vocabulary = self._book.write(specs, templates)
            mix = self._pending.mix
            self._pending = _Pending(self._encode(vocabulary, mix.text_factors), mix)
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
            query = seen.query
            if query is not None and mix.text_factors is not seen.mix.text_factors:
                query = self._encode(query.vocabulary, mix.text_factors)
            # Encoding may take long: a query of the user does not wait for it, it comes first.
            with self._query_lock:
                if self._pending is seen:
                    self._pending = _Pending(query, mix)
                    return

    def infer(self, image: Frames) -> Segmentation:
        """Segment one frame, uint8 [H, W, 3] RGB, and return a mask of the same H and W.

        `image` is a numpy array, or an array of a library that knows DLPack; TensorRT takes those
        on its own GPU too. Raises `FrameError` for an array of another kind and `OvsegError` before
        the first query.
        """
        frames = batch_of_one(image, self.backend.capabilities)
        with self._infer_lock:
            start_ns = time.perf_counter_ns()
            query, mix = self._load_pending()
            raw = self.backend.infer(frames)
            inferred_ns = time.perf_counter_ns()
        mask: MaskArray = raw.mask[0] if query.ids is None else query.ids[raw.mask[0]]
        end_ns = time.perf_counter_ns()
        timings = Timings((inferred_ns - start_ns) / 1e6, (end_ns - start_ns) / 1e6)
        return Segmentation(
            mask, raw.confidence[0], raw.embedding[0], query.vocabulary, mix, timings
        )

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

    def _require_query(self, pending: _Pending) -> _Query:
        if pending.query is None:
            raise OvsegError("no query is set; call set_query, for example with 'car; person'")
        return pending.query

    def _load_pending(self) -> tuple[_Query, AdapterMix]:
        """Hand a changed query or mix to the backend, between frames."""
        pending = self._pending
        query, mix = self._require_query(pending), pending.mix
        if query is not self._loaded_query:
            self.backend.set_text(query.rows)
            self._loaded_query = query
        # A mix with the same factors only says something else about them, and costs nothing.
        if self._loaded_mix is None or mix.factors is not self._loaded_mix.factors:
            self.backend.set_adapter(mix.factors)
        self._loaded_mix = mix
        return query, mix

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
