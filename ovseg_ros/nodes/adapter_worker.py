"""The adapters thread: follows the scene and the library, off the frame path. Knows no ROS."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ovseg_ros.adapters.camera_scenes import CameraScenes
from ovseg_ros.adapters.domain import frame_fault
from ovseg_ros.adapters.library import AdapterLibrary
from ovseg_ros.adapters.mix import AdapterMix, AdapterMode
from ovseg_ros.adapters.retrieval import BaseDomain
from ovseg_ros.adapters.selection import AdapterSelector, SelectionSettings
from ovseg_ros.closing import Closing
from ovseg_ros.errors import AdapterError, OvsegError
from ovseg_ros.mailbox import Mailbox, everything
from ovseg_ros.segmentation import Float32Array, UInt8Array
from ovseg_ros.segmenter import Segmenter

REFRESH_S = 1.0
_SAME_COMPLAINT_S = 10.0
_MOST_TOLD = 5


@dataclass(frozen=True)
class SeenFrame:
    """A frame that was segmented: `image` uint8 [H, W, 3] and its scene embedding, float32 [E].

    `at_ns` is when it arrived, on the steady clock; `camera` tells cameras of one robot apart.
    """

    image: UInt8Array
    embedding: Float32Array
    at_ns: int
    camera: str = ""


class AdapterWorker(Closing):
    """Chooses the adapters of a segmenter from the frames it has segmented, or as it is told.

    Reading and mixing adapters takes milliseconds, and encoding labels under those of the text
    tower much longer: all of it is done in this thread, from the newest frame, while inference goes
    on under the old mix. Whatever fails here is told, and the mix in force stays.

    The times of frames are those of their arrival. Stamps stand still where a driver sets none, and
    jump where a bag begins again or a clock is set; a mix would then stay for good, or for a frame.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        library: AdapterLibrary,
        settings: SelectionSettings,
        *,
        on_switch: Callable[[AdapterMix], None],
        on_change: Callable[[str], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        """Start the thread, in the mode `none`.

        `on_switch` is called when other factors came into force, `on_change` with what is new in
        the library, `on_error` with what went wrong; all from the thread, or from that of `choose`.
        Raises `AdapterError` where the card of the package is wrong about its scenes.
        """
        self._segmenter = segmenter
        self._library = library
        base = BaseDomain.of(segmenter.package.card)
        self._selector = AdapterSelector(library, self._fitting(settings), base)
        self._on_switch = on_switch
        self._on_change = on_change
        self._on_error = on_error
        self._scenes = CameraScenes()
        self._switches = 0
        self._apply_lock = threading.Lock()
        self._refresh_at_s = time.monotonic() + REFRESH_S
        self._complaint = ""
        self._complain_again_s = 0.0
        self._tell_refused(tuple(library.refused))
        self._mailbox: Mailbox[SeenFrame] = Mailbox()
        self._thread = threading.Thread(target=self._run, name="adapters")
        self._thread.start()

    @property
    def mix(self) -> AdapterMix:
        """The mix in force; in the mode `auto` with the distances of the scene of this moment."""
        mix, latest = self._segmenter.adapter_mix, self._selector.latest
        if mix.mode is not AdapterMode.AUTO:
            return mix
        now = dict(zip(latest.names, latest.distances, strict=True))
        chosen = zip(mix.names, mix.distances, strict=True)
        return replace(mix, distances=tuple(now.get(name, then) for name, then in chosen))

    @property
    def switches(self) -> int:
        """How often other factors came into force."""
        return self._switches

    def choose(
        self, mode: AdapterMode, names: Sequence[str] = (), weights: Sequence[float] = ()
    ) -> AdapterMix:
        """Change the mode, as `srv/SetAdapter.srv` describes, and return the mix now in force.

        Raises `AdapterError`, changing nothing, where that is not possible.
        """
        mix = self._selector.choose(mode, names, weights)
        self._apply()
        return mix

    def configure(self, settings: SelectionSettings) -> None:
        """Follow the scene by other `settings` from now on."""
        self._selector.configure(self._fitting(settings))

    def observe(self, frame: SeenFrame) -> None:
        """Leave `frame` for the thread, in place of one of its camera that was not taken yet."""
        self._mailbox.put(frame, frame.camera)

    def close(self) -> None:
        """Finish what is in progress and end the thread."""
        self._mailbox.close()
        self._thread.join()

    def _fitting(self, settings: SelectionSettings) -> SelectionSettings:
        return replace(settings, most_rank=self._segmenter.backend.capabilities.most_rank)

    def _run(self) -> None:
        while not self._mailbox.closed:
            frames = self._mailbox.take_some(everything, REFRESH_S)
            try:
                self._refresh()
                if frames:
                    self._follow(tuple(frames.values()))
            # Whatever it is, it must cost a robot its adapters at most, never its masks.
            except Exception as error:
                self._complain(error)

    def _refresh(self) -> None:
        """Look for adapters that came or went, about once a second."""
        now_s = time.monotonic()
        if now_s < self._refresh_at_s:
            return
        self._refresh_at_s = now_s + REFRESH_S
        change = self._library.refresh()
        if change:
            self._on_change(str(change))
            self._tell_refused(change.refused)

    def _follow(self, frames: Sequence[SeenFrame]) -> None:
        """Take in the newest frame of each camera; one without a scene is left to the others."""
        faults = [self._fault(frame) for frame in frames]
        for frame, fault in zip(frames, faults, strict=True):
            self._scenes.note_time(frame.at_ns)
            if not fault:
                self._scenes.add(frame.camera, frame.embedding, frame.at_ns)
        nothing_shown = faults[0] if all(faults) else ""
        self._selector.observe(self._scenes.mean, self._scenes.now_ns, nothing_shown)
        self._apply()

    def _fault(self, frame: SeenFrame) -> str:
        auto = self._selector.mix.mode is AdapterMode.AUTO
        return frame_fault(frame.image) if auto else ""

    def _apply(self) -> None:
        """Put the latest mix in force: one chosen by a user while another was on its way wins."""
        with self._apply_lock:
            old, new = self._segmenter.adapter_mix, self._selector.mix
            if new is old:
                return
            self._segmenter.set_adapter(new)
            switched = new.factors is not old.factors or new.text_factors is not old.text_factors
            self._switches += switched
        if switched:
            self._on_switch(new)

    def _tell_refused(self, names: Sequence[str]) -> None:
        refused = self._library.refused
        for name in names[:_MOST_TOLD]:
            self._on_error(AdapterError(f"adapter '{name}' is refused: {refused.get(name, '')}"))
        if len(names) > _MOST_TOLD:
            self._on_error(
                AdapterError(
                    f"{len(names) - _MOST_TOLD} more adapters are refused; `ovseg adapters list` "
                    "says why"
                )
            )

    def _complain(self, error: Exception) -> None:
        """Tell an error, but not with every frame."""
        sentence, now_s = f"{type(error).__name__}: {error}", time.monotonic()
        if sentence == self._complaint and now_s < self._complain_again_s:
            return
        self._complaint, self._complain_again_s = sentence, now_s + _SAME_COMPLAINT_S
        self._on_error(error)


def error_sentence(error: Exception) -> str:
    """Return what to tell people about an `error` of the adapters thread."""
    if isinstance(error, OvsegError):
        return str(error)
    return (
        f"the adapters stay as they are: {type(error).__name__}: {error}; report this if it comes "
        "back"
    )
