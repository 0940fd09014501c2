"""The node: lifecycle transitions, parameters and health around one pipeline.

Driven from outside: configure loads the model, activate subscribes to the cameras, deactivate
unsubscribes and keeps the model, cleanup frees it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import SetParametersResult
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool

from ovseg_ros.errors import OvsegError
from ovseg_ros.free_memory import give_back_memory
from ovseg_ros.nodes import parameters
from ovseg_ros.nodes.health import CameraHealth, Health
from ovseg_ros.nodes.pipeline import Pipeline
from ovseg_ros.nodes.statistics import Statistics
from ovseg_ros.nodes.status_reporter import StatusReporter
from ovseg_ros.query import parse_query
from ovseg_ros.vocabulary import LabelBook

NODE_NAME = "ovseg"
RCLError = rclpy_implementation.RCLError
_QUERY_PARAMETERS = {"query.labels", "query.templates"}


class SegmentationNode(LifecycleNode):
    """Segments one camera, or several, against the labels of the moment."""

    def __init__(self) -> None:
        """Declare parameters and begin to report; raises `ParameterError` for a bad override."""
        super().__init__(NODE_NAME)
        self._settings = parameters.declare(self)
        self._statistics = Statistics()
        self._book = LabelBook(capacity=0, id_space=self._settings.output_mask_encoding)
        self._pipeline: Pipeline | None = None
        self._failure: Exception | None = None
        self._stuck: list[Pipeline] = []
        self._enabled = True
        self._state = "unconfigured"
        self.add_on_set_parameters_callback(self._on_parameters)
        self._failed = self.create_guard_condition(self._on_failed, self.default_callback_group)
        self.create_service(SetBool, "~/enable", self._on_enable)
        self._refuse_illegal_transitions()
        self._reporter = StatusReporter(self, lambda: self._settings, self._report)
        if self._settings.lifecycle_autostart:
            # Not here: transitions belong to the executor, where requests for others wait for them.
            self._started = self.create_guard_condition(
                self._on_started, self.default_callback_group
            )
            self._started.trigger()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model package, the engine and the text tower, and set the first query."""
        return self._attempt(self._configure, "inactive")

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe to the cameras."""
        return self._attempt(self._require_pipeline().start, "active")

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe from the cameras and keep the model, unless inference has failed."""
        result = self._attempt(self._require_pipeline().stop, "inactive")
        return TransitionCallbackReturn.ERROR if self._failure else result

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model."""
        return self._attempt(self.close, "unconfigured")

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model for good."""
        return self._attempt(self.close, "finalized")

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model after a failure; the node may then be configured again."""
        return self._attempt(self.close, "unconfigured")

    def close(self) -> None:
        """Take the pipeline down, where there is one; safe to call at any time."""
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.close()
            self._stuck = [each for each in (*self._stuck, pipeline) if each.stuck]
            del pipeline
            give_back_memory()

    @property
    def stuck_engines(self) -> int:
        """How many engines were given up and have not come back."""
        return sum(pipeline.stuck for pipeline in self._stuck)

    def _configure(self) -> None:
        package = self._settings.model_package
        self.get_logger().info(f"loading model package '{package}'")
        self._failure = None
        self._statistics.reset()
        pipeline = Pipeline(
            self,
            lambda: self._settings,
            self._statistics,
            self._book,
            on_failure=self._fail,
            on_switch=self._reporter.report_status,
        )
        pipeline.enabled = self._enabled
        self._pipeline = pipeline
        self.get_logger().info(f"model package '{package}' is ready")

    def _refuse_illegal_transitions(self) -> None:
        """Answer requests that the state does not allow, which end the process on jazzy."""
        answer = self._service_change_state.callback

        def answer_or_refuse(
            request: ChangeState.Request, response: ChangeState.Response
        ) -> ChangeState.Response:
            try:
                return answer(request, response)
            except RCLError as error:
                self.get_logger().error(f"not possible while {self._state}: {error}")
                response.success = False
                return response

        self._service_change_state.callback = answer_or_refuse

    def _require_pipeline(self) -> Pipeline:
        assert self._pipeline is not None, "the lifecycle state machine configures first"
        return self._pipeline

    def _attempt(self, action: Callable[[], None], state: str) -> TransitionCallbackReturn:
        """Run the work of a transition into `state`; a refusal leaves the node where it was."""
        try:
            action()
        except OvsegError as error:
            self._statistics.note_error(str(error))
            self.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        except Exception as error:
            # rclpy turns it into an error transition but says nothing about it.
            self._statistics.note_error(f"{type(error).__name__}: {error}")
            self.get_logger().error(traceback.format_exc())
            raise
        self._state = state
        return TransitionCallbackReturn.SUCCESS

    def _fail(self, error: Exception) -> None:
        """Take note, in the inference thread, that it ended; the executor does the rest."""
        self._failure = error
        what, then = str(error), "configure it again"
        if not isinstance(error, OvsegError):
            what = f"{type(error).__name__}: {error}"
            then += ", and report this if it comes back"
            self.get_logger().error("".join(traceback.format_exception(error)))
        sentence = f"inference stopped: {what}; the node goes back to unconfigured; {then}"
        self._statistics.note_error(sentence)
        self.get_logger().error(sentence)
        self._failed.trigger()

    def _on_failed(self) -> None:
        if self._state == "active":
            self.trigger_deactivate()

    def _on_started(self) -> None:
        """Go to active, unless somebody has taken the node in hand already."""
        if self._state != "unconfigured":
            return
        if self.trigger_configure() is TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._enabled = request.data
        if self._pipeline is not None:
            self._pipeline.enabled = request.data
        response.success = True
        response.message = "segmenting" if request.data else "paused; frames are ignored"
        return response

    def _on_parameters(self, changes: list[Parameter[Any]]) -> SetParametersResult:
        try:
            settings = parameters.changed(self, changes)
            if self._pipeline and _QUERY_PARAMETERS & {change.name for change in changes}:
                query = parse_query(settings.query_labels)
                self._pipeline.change_query(query, settings.query_templates)
            if self._pipeline and settings.selection != self._settings.selection:
                self._pipeline.change_selection(settings)
        except OvsegError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._settings = settings
        return SetParametersResult(successful=True)

    def _report(self) -> Health:
        pipeline = self._pipeline
        names = self._settings.camera_names
        return Health(
            state=self._state,
            enabled=self._enabled,
            cameras=pipeline.camera_health()
            if pipeline
            else tuple(
                CameraHealth(name, self._statistics.part(name).snapshot()) for name in names
            ),
            stall_timeout_s=self._settings.input_stall_timeout_s,
            snapshot=self._statistics.snapshot(),
            model=pipeline.health() if pipeline else None,
            stuck_engines=self.stuck_engines,
        )
