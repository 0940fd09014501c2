"""Which adapters are in the mix from moment to moment: by the scene, or as the user says.

Following the scene is a matter of time: the embedding is smoothed, a mix stays until another one is
clearly better, and no mix is left before it was in force for a moment.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ovseg_ros.adapters.adapter import Array
from ovseg_ros.adapters.domain import embedding_fault
from ovseg_ros.adapters.fusion import fitting, mixed
from ovseg_ros.adapters.index import FileState, LibraryIndex
from ovseg_ros.adapters.library import AdapterLibrary
from ovseg_ros.adapters.mix import AdapterMix, AdapterMode
from ovseg_ros.adapters.pinning import pinned_weights, refuse_names
from ovseg_ros.adapters.retrieval import BaseDomain, Retrieval, retrieve
from ovseg_ros.adapters.retrieval_settings import RetrievalSettings
from ovseg_ros.adapters.smoothing import SceneSmoothing
from ovseg_ros.errors import AdapterError

_WAITING = "waiting for a frame"
_BASE = ""  # among names of adapters


@dataclass(frozen=True)
class SelectionSettings:
    """How the mix follows the scene; times are in s.

    `smoothing_s` is the time constant of the mean over frames. A mix stays in force for
    `min_dwell_s`, and until `hysteresis` of its weight belongs to other adapters (0.25: a quarter)
    even if those in it count as nearer by `slack` (0.2: by a fifth) than they are. The scene is
    compared with the library at most every `interval_s`. `most_rank` is the largest rank that
    the engine takes, None for any. Raises `AdapterError`.
    """

    retrieval: RetrievalSettings = field(default_factory=RetrievalSettings)
    smoothing_s: float = 0.5
    min_dwell_s: float = 0.5
    hysteresis: float = 0.25
    slack: float = 0.2
    interval_s: float = 0.1
    most_rank: int | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        for what in ("smoothing_s", "min_dwell_s", "hysteresis", "slack", "interval_s"):
            value = getattr(self, what)
            if not 0 <= value < float("inf"):
                raise AdapterError(f"{what} is {value}; a number from 0 up was wanted")
        if self.hysteresis >= 1:
            raise AdapterError(
                f"hysteresis is {self.hysteresis}, so nothing would ever switch; below 1 was wanted"
            )


class AdapterSelector:
    """Chooses the mix; a pure function of the frames, the times and the library it is given.

    `observe` takes every frame's embedding and returns a mix where the one in force must change,
    else None. Hand every mix returned to `Segmenter.set_adapter`. An adapter that is chosen for the
    first time is read from its file, which takes milliseconds: call `observe` off the frame path.
    Safe to use from several threads.
    """

    def __init__(
        self,
        library: AdapterLibrary,
        settings: SelectionSettings | None = None,
        base: BaseDomain | None = None,
    ) -> None:
        """Start in the mode `none`; `base` are the scenes of the base model, where known."""
        self._library = library
        self._settings = settings or SelectionSettings()
        self._base = base
        self._smoothing = SceneSmoothing(self._settings.smoothing_s)
        self._mix = AdapterMix()
        self._gate = self._mix.gate
        self._states: Mapping[str, FileState] = {}
        self._latest = Retrieval(gate=_WAITING)
        self._switched_ns: int | None = None
        self._compared_ns: int | None = None
        self._lock = threading.RLock()

    @property
    def mix(self) -> AdapterMix:
        """The mix in force."""
        return self._mix

    @property
    def latest(self) -> Retrieval:
        """What the last comparison with the library gave, in force or not: for a timeline."""
        return self._latest

    def choose(
        self, mode: AdapterMode, names: Sequence[str] = (), weights: Sequence[float] = ()
    ) -> AdapterMix:
        """Change the mode and return the mix to set now, as `srv/SetAdapter.srv` describes.

        `auto` keeps what is in force until the next frame. Raises `AdapterError`, changing nothing,
        for names or weights where none belong, and for pinned adapters that are unknown, named
        twice, too large for the engine, or whose weights are no shares.
        """
        with self._lock:
            if mode is AdapterMode.PINNED:
                self._mix = self._pinned(names, pinned_weights(names, weights))
            else:
                refuse_names(mode, names, weights)
                self._mix = self._unpinned(mode)
            self._gate = self._mix.gate
            self._smoothing.restart()
            self._switched_ns = self._compared_ns = None
            return self._mix

    def configure(self, settings: SelectionSettings) -> None:
        """Follow the scene by other `settings`, from the next frame on."""
        with self._lock:
            self._settings = settings
            self._smoothing = SceneSmoothing(settings.smoothing_s)
            self._compared_ns = None

    def observe(self, embedding: Array | None, at_ns: int, fault: str = "") -> AdapterMix | None:
        """Take in the frame of time `at_ns`; return the mix to set, None to leave it as it is.

        `embedding` is float32 [E]; None, values that cannot be compared, or a `fault` ("black": see
        `frame_fault`) leave the frame out: the mix stays and says so. Times may come from any clock
        that runs forward, that of a recording included.
        """
        with self._lock:
            if self._mix.mode is AdapterMode.NONE:
                return None
            if self._mix.mode is AdapterMode.PINNED:
                return self._with_note(self._gone() or self._gate)
            fault = fault or self._fault(embedding)
            if fault or embedding is None:
                return self._with_note(f"a frame shows no scene ({fault}): the mix stays")
            self._smoothing.add(embedding, at_ns)
            return self._follow(at_ns)

    def _fault(self, embedding: Array | None) -> str:
        if embedding is None:
            return "no embedding"
        return embedding_fault(embedding, self._library.target.scene_dim)

    def _follow(self, at_ns: int) -> AdapterMix | None:
        """Compare the scene with the library, and switch where that is due."""
        scene = self._smoothing.mean
        if scene is None or _within(self._compared_ns, at_ns, self._settings.interval_s):
            return self._with_note(self._gone() or self._gate)
        self._compared_ns = at_ns
        unusable = ""
        # Each time round the library has lost one adapter.
        for _ in range(len(self._library.index) + 1):
            try:
                return self._compare(scene, at_ns, unusable)
            except AdapterError as error:
                unusable = f"an adapter is refused: {error}"
        return self._switch(Retrieval(gate=self._library.state), at_ns, unusable)

    def _compare(self, scene: Array, at_ns: int, unusable: str) -> AdapterMix | None:
        settings, index = self._settings, self._library.index
        found = retrieve(
            index,
            scene,
            settings.retrieval,
            self._base,
            self._mix.names,
            settings.slack,
            self._library.shape,
        )
        self._latest = found = self._fitted(found, index)
        if not _within(self._switched_ns, at_ns, settings.min_dwell_s):
            first = self._switched_ns is None
            if first or self._is_stale() or self._change(found) > settings.hysteresis:
                return self._switch(found, at_ns, unusable)
        return self._with_note(self._gone() or self._gate)

    def _fitted(self, found: Retrieval, index: LibraryIndex) -> Retrieval:
        """Leave out the furthest adapters where the engine does not take the rank of all."""
        most = self._settings.most_rank
        places = fitting([index.rank(name) for name in found.names], most)
        if len(places) == len(found.names):
            return found

        def kept(shares: Sequence[float]) -> tuple[float, ...]:
            """Return those that stay, enlarged to the sum of all."""
            total = sum(found.weights[place] for place in places)
            return tuple(shares[place] * sum(found.weights) / total for place in places)

        return replace(
            found,
            names=tuple(found.names[place] for place in places),
            weights=kept(found.weights),
            distances=tuple(found.distances[place] for place in places),
            low=(*kept(found.low), found.low[-1] if places else 1.0),
            high=(*kept(found.high), found.high[-1] if places else 1.0),
            gate=f"the engine takes a rank of {most}: {len(places)} of {len(found.names)} adapters "
            "near the scene are in the mix; `ovseg build --rank` builds one that takes more",
        )

    def _change(self, found: Retrieval) -> float:
        """Return which share of the mix does not belong where it is, 0 to 1."""
        old = dict(zip(self._mix.names, self._mix.weights, strict=True))
        low = dict(zip((*found.names, _BASE), found.low, strict=True))
        high = dict(zip((*found.names, _BASE), found.high, strict=True))
        old[_BASE] = 1.0 - sum(old.values())
        moved = 0.0
        for name in old.keys() | low.keys():
            share = old.get(name, 0.0)
            moved += max(0.0, low.get(name, 0.0) - share, share - high.get(name, 0.0))
        return moved / 2

    def _switch(self, found: Retrieval, at_ns: int, unusable: str) -> AdapterMix:
        adapters = [self._library.adapter(name) for name in found.names]
        gone = [name for name in self._states if name not in self._library.index]
        removed = f"removed from the library: {', '.join(gone)}" if gone else ""
        self._gate = "; ".join(note for note in (unusable, removed, found.gate) if note)
        self._states = self._states_of(found.names)
        self._mix = mixed(AdapterMode.AUTO, adapters, found.weights, found.distances, self._gate)
        self._switched_ns = at_ns
        return self._mix

    def _unpinned(self, mode: AdapterMode) -> AdapterMix:
        """Return the mix for `none`, or the one in force under `auto`."""
        if mode is AdapterMode.NONE:
            self._states = {}
            return AdapterMix(mode)
        waiting = _WAITING if len(self._library.index) else f"{self._library.state}: base model"
        return replace(self._mix, mode=mode, gate=waiting)

    def _pinned(self, names: Sequence[str], weights: Sequence[float]) -> AdapterMix:
        adapters = [self._library.adapter(name) for name in names]
        most, total = self._settings.most_rank, sum(a.info.rank for a in adapters)
        if most is not None and total > most:
            raise AdapterError(
                f"the adapters named have rank {total} together, the engine takes at most {most}; "
                f"name fewer, or build one that takes them:  ovseg build --rank {most},{total}"
            )
        self._states = self._states_of(names)
        unknown = (float("nan"),) * len(adapters)
        return mixed(AdapterMode.PINNED, adapters, weights, unknown, "pinned")

    def _is_stale(self) -> bool:
        """Whether an adapter in the mix is gone from the library, or is another one by now."""
        index = self._library.index
        return any(
            name not in index or index.state(name) != state for name, state in self._states.items()
        )

    def _states_of(self, names: Sequence[str]) -> Mapping[str, FileState]:
        index = self._library.index
        return {name: index.state(name) for name in names if name in index}

    def _gone(self) -> str:
        """Return a sentence about adapters in the mix that the library has no more."""
        gone = [name for name in self._states if name not in self._library.index]
        if not gone:
            return ""
        return f"removed from the library, in use until the next choice: {', '.join(gone)}"

    def _with_note(self, note: str) -> AdapterMix | None:
        """Return the mix in force with another sentence; None where it says so already."""
        if note == self._mix.gate:
            return None
        self._mix = replace(self._mix, gate=note)
        return self._mix


def _within(start_ns: int | None, at_ns: int, seconds: float) -> bool:
    """Whether less than `seconds` passed; a clock that ran backwards starts again."""
    return start_ns is not None and 0 <= at_ns - start_ns < seconds * 1e9
