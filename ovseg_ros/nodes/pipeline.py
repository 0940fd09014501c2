"""What a configured node owns: the engine, its cameras and, while active, the inference thread."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from rclpy.lifecycle import LifecycleNode

from ovseg_ros.adapters.library import AdapterLibrary, adapter_folder
from ovseg_ros.adapters.mix import AdapterMix
from ovseg_ros.engine.choice import EngineChoice
from ovseg_ros.errors import OvsegError, StalledEngineError
from ovseg_ros.free_memory import give_back_memory
from ovseg_ros.nodes.adapter_service import AdapterService
from ovseg_ros.nodes.adapter_worker import AdapterWorker, SeenFrame, error_sentence
from ovseg_ros.nodes.camera_channel import CameraChannel
from ovseg_ros.nodes.frames import IncomingFrame
from ovseg_ros.nodes.health import CameraHealth, ModelHealth
from ovseg_ros.nodes.inference_worker import InferenceWorker
from ovseg_ros.nodes.parameters import Settings
from ovseg_ros.nodes.query_scope import QueryScope
from ovseg_ros.nodes.statistics import Statistics
from ovseg_ros.nodes.watchdog import Watchdog
from ovseg_ros.query import Query, parse_query
from ovseg_ros.segmentation import Segmentation, UInt8Array
from ovseg_ros.segmenter import EVERY_CAMERA, Segmenter
from ovseg_ros.vocabulary import LabelBook, Vocabulary


class Pipeline:
    """From the image topics to the mask topics. Built by configure, taken down by cleanup."""

    def __init__(
        self,
        node: LifecycleNode,
        settings: Callable[[], Settings],
        statistics: Statistics,
        book: LabelBook,
        on_failure: Callable[[Exception], None],
        on_switch: Callable[[], None],
    ) -> None:
        """Load the model package and open the topics and services that need it.

        `settings` returns the parameters of the moment; `book` keeps ids beyond this pipeline;
        `on_failure` is called from the inference thread when that ends with an error, `on_switch`
        from any when other adapters came into force. Raises `OvsegError` where package, backend or
        query are refused; an error leaves nothing open.
        """
        self._node = node
        self._settings = settings
        self._statistics = statistics
        self._on_failure = on_failure
        self._on_switch = on_switch
        self.enabled = True
        self._worker: InferenceWorker | None = None
        # What deactivate had to leave behind, inside an inference that was given up.
        self._left_behind: InferenceWorker | None = None
        names = settings().camera_names
        with ExitStack() as parts:
            self._segmenter = open_segmenter(settings(), book)
            parts.callback(self._close_engine)
            self._tell_fallback(settings().engine)
            # In this order: the common one, then those that may follow it.
            self._scopes = {
                name: parts.enter_context(self._scope(name))
                for name in dict.fromkeys((EVERY_CAMERA, *names))
            }
            self._cameras = [parts.enter_context(self._camera(name)) for name in names]
            self._adapters = self._follow_scenes(settings())
            parts.callback(self._adapters.close)
            self._adapters.choose(settings().adapter_mode)
            parts.callback(AdapterService(node, self._adapters.choose, self.refuse).close)
            if settings().query_labels:
                self._announce(self._segmenter.vocabulary, EVERY_CAMERA)
            self._parts = parts.pop_all()

    @property
    def stuck(self) -> bool:
        """Whether a thread of this pipeline is inside an inference that was given up."""
        return self._left_behind is not None and self._left_behind.stuck

    def change_query(
        self,
        query: Query,
        templates: Sequence[str] | None = None,
        camera: str = EVERY_CAMERA,
    ) -> Vocabulary:
        """Make `query` the one in force and announce it; raises `OvsegError`.

        It is that of `camera` alone where one is named, which follows the common query again after
        a query without labels. `templates` are for a query without its own; None means those of the
        parameters.
        """
        if camera and not query.specs:
            camera, vocabulary = EVERY_CAMERA, self._segmenter.follow_common_query(camera)
        else:
            fallback = self._settings().query_templates if templates is None else templates
            wanted = query.templates or fallback
            vocabulary = self._segmenter.set_labels(query.specs, wanted, camera)
        self._announce(vocabulary, camera)
        return vocabulary

    def change_selection(self, settings: Settings) -> None:
        """Choose adapters as `settings` say from now on."""
        self._adapters.configure(settings.selection)

    def refuse(self, reason: str, camera: str = EVERY_CAMERA) -> None:
        """Log `reason` and keep it for the status, that of `camera` where one is named."""
        (self._statistics.part(camera) if camera else self._statistics).note_error(reason)
        self._node.get_logger().warning(f"refused: {reason}")

    def _tell_fallback(self, wanted: EngineChoice) -> None:
        runs = self._segmenter.backend.choice
        if runs != wanted:
            self.refuse(
                f"{wanted}: the GPU has too little memory left; {runs} runs instead, as "
                "engine.fallback allows: free memory on the GPU, then configure again"
            )

    def start(self) -> None:
        """Start the inference thread and subscribe to the cameras."""
        clock = self._node.get_clock()
        self._watchdog = Watchdog(lambda: self._settings().engine_stall_timeout_s, self._give_up)
        self._worker = InferenceWorker(
            self._segmenter,
            self._cameras,
            self._watchdog,
            on_segmented=self._show_to_adapters,
            now_ns=lambda: clock.now().nanoseconds,
            max_age_ms=lambda: self._settings().input_max_age_ms,
            max_frames=lambda: self._settings().batch_max_frames,
            on_failure=self._on_failure,
            on_late=self._tell_late,
        )
        for camera in self._cameras:
            camera.start(self._on_frame)

    def stop(self) -> None:
        """Unsubscribe and end the inference thread; the engine stays loaded.

        A thread that is stuck in an inference is left behind when the watchdog gives it up.
        """
        for camera in self._cameras:
            camera.unsubscribe()
        if self._worker is not None:
            if not self._worker.stop():
                self._left_behind = self._worker
            self._worker = None
            self._watchdog.close()
        for camera in self._cameras:
            camera.stop()

    def close(self) -> None:
        """Stop, close every topic and service, and free the engine."""
        self.stop()
        self._parts.close()

    def health(self) -> ModelHealth:
        """Return what there is to say about the model at this moment."""
        segmenter, vocabulary = self._segmenter, self._scopes[EVERY_CAMERA].gate.vocabulary
        labels = vocabulary.published if vocabulary else ()
        return ModelHealth(
            package=segmenter.package.card.name,
            backend=segmenter.backend.choice.backend.value,
            device=segmenter.backend.capabilities.device,
            confidence_kind=segmenter.package.card.confidence_kind,
            vocabulary=vocabulary,
            guessed=tuple(
                label.name for label in labels if not segmenter.text_bank.is_trained(label.name)
            ),
            adapter_mix=self._adapters.mix,
            adapter_switches=self._adapters.switches,
        )

    def camera_health(self) -> tuple[CameraHealth, ...]:
        """Return what there is to say about each camera at this moment."""
        return tuple(camera.health(self._has_own_query(camera.name)) for camera in self._cameras)

    def _scope(self, camera: str) -> QueryScope:
        return QueryScope(
            self._node,
            camera,
            self._segmenter,
            self._settings().status_period_s,
            partial(self.change_query, camera=camera),
            partial(self.refuse, camera=camera),
        )

    def _camera(self, name: str) -> CameraChannel:
        statistics, gate = self._statistics.part(name), self._scopes[name].gate
        refuse = partial(self.refuse, camera=name)
        return CameraChannel(self._node, name, statistics, gate, self._settings, refuse)

    def _announce(self, vocabulary: Vocabulary, camera: str) -> None:
        """Announce that `vocabulary` is now in force for `camera`, or for all that follow."""
        for name, scope in self._scopes.items():
            if name == camera or not (camera or self._has_own_query(name)):
                scope.gate.announce(vocabulary)

    def _has_own_query(self, camera: str) -> bool:
        return camera != EVERY_CAMERA and self._segmenter.has_own_query(camera)

    def _follow_scenes(self, settings: Settings) -> AdapterWorker:
        """Open the adapters of the package and start the thread that chooses among them."""
        package, log = self._segmenter.package, self._node.get_logger()
        folder = adapter_folder(package, settings.adapter_folder)
        library = AdapterLibrary.open(folder, package.card)
        log.info(library.state)

        def changed(change: str) -> None:
            log.info(f"adapters {change}")

        def switched(mix: AdapterMix) -> None:
            changed(str(mix))
            self._on_switch()

        return AdapterWorker(
            self._segmenter,
            library,
            settings.selection,
            on_switch=switched,
            on_change=changed,
            on_error=self._on_adapter_error,
        )

    def _on_adapter_error(self, error: Exception) -> None:
        if not isinstance(error, OvsegError):
            self._node.get_logger().error("".join(traceback.format_exception(error)))
        self.refuse(error_sentence(error))

    def _show_to_adapters(
        self, camera: str, frame: IncomingFrame, image: UInt8Array, segmentation: Segmentation
    ) -> None:
        self._adapters.observe(SeenFrame(image, segmentation.embedding, frame.arrival_ns, camera))

    def _on_frame(self, camera: str, frame: IncomingFrame) -> None:
        worker = self._worker
        if worker and self.enabled:
            worker.submit(camera, frame)

    def _give_up(self, waited_s: float) -> None:
        self._on_failure(
            StalledEngineError(
                f"the engine {self._segmenter.backend.choice} did not come back from an inference "
                f"within {waited_s:.1f} s (engine.stall_timeout_s) and is given up; its memory is "
                "free again when it comes back, or when the process is restarted"
            )
        )

    def _tell_late(self) -> None:
        give_back_memory()
        self._node.get_logger().warning(
            "the inference that was given up came back; its result is dropped, and the memory of "
            "its engine is free again"
        )

    def _close_engine(self) -> None:
        """Free the engine, unless a thread is still inside it, which then frees it by itself."""
        if self._left_behind is None:
            self._segmenter.close()


def open_segmenter(settings: Settings, book: LabelBook) -> Segmenter:
    """Load the package and set the first query as `settings` say; raises `OvsegError`."""
    segmenter = Segmenter.open(
        settings.model_package,
        engine=settings.engine,
        threads=settings.engine_threads,
        camera_px=settings.camera_px,
        fallback=settings.fallback,
        id_space=settings.output_mask_encoding,
        book=book,
    )
    if settings.query_labels:
        try:
            query = parse_query(settings.query_labels)
            segmenter.set_labels(query.specs, query.templates or settings.query_templates)
        except OvsegError:
            segmenter.close()
            raise
    return segmenter
