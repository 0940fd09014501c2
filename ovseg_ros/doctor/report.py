"""The examination as text for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ovseg_ros.doctor.examination import Examination, State

# What a reader must not miss is written large.
_WORDS = {
    State.OK: "ok",
    State.ABSENT: "absent",
    State.WARNING: "WARNING",
    State.FAULT: "FAULT",
}


def as_text(examination: Examination) -> str:
    """Return one line per finding, its remedy below it, and the next command at the end."""
    return "\n".join(_lines(examination))


def as_json(examination: Examination) -> str:
    """Return the same for programs."""
    value = {
        "healthy": examination.healthy,
        "next": examination.next_command,
        "findings": [
            {
                "topic": finding.topic.value,
                "state": finding.state.value,
                "found": finding.found,
                "remedy": finding.remedy,
            }
            for finding in examination.findings
        ],
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def _lines(examination: Examination) -> Iterator[str]:
    for finding in examination.findings:
        yield f"{_WORDS[finding.state]:<8} {finding.topic.value:<16} {finding.found}"
        if finding.remedy:
            doing = "if wanted" if finding.state is State.ABSENT else "do"
            yield f"{'':<25} {doing}:  {finding.remedy}"
    faults, warnings = (
        sum(1 for _ in examination.having(state)) for state in (State.FAULT, State.WARNING)
    )
    verdict = "segmenting works here" if examination.healthy else "segmenting does not work here"
    yield ""
    yield f"{verdict}; faults: {faults}, warnings: {warnings}"
    yield f"next:  {examination.next_command}"
