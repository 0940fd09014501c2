"""The model packages: each is opened, and the hash of every file compared with its card."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ovseg_ros.doctor.examination import Finding, State, Topic
from ovseg_ros.errors import OvsegError
from ovseg_ros.packages import DEFAULT_PACKAGE, ModelPackage, installed_packages, package_roots


@dataclass(frozen=True)
class Packages:
    """The findings on all packages, and those that can be used."""

    findings: tuple[Finding, ...] = ()
    usable: tuple[ModelPackage, ...] = ()


def examine_packages(references: Iterable[str | Path]) -> Packages:
    """Open the default package and those at `references`, names or folders."""
    findings, usable = [], []
    for reference in dict.fromkeys([DEFAULT_PACKAGE, *map(str, references)]):
        try:
            package = ModelPackage.load(reference)
        except OvsegError as error:
            # Only the default package is promised to be there.
            state = State.FAULT if reference == DEFAULT_PACKAGE else State.WARNING
            findings.append(Finding(Topic.PACKAGE, state, str(error), _remedy(reference)))
            continue
        usable.append(package)
        found = f"{package.reference}: {len(package.card.files)} files, every hash as on the card"
        findings.append(Finding(Topic.PACKAGE, State.OK, found))
    return Packages(tuple(findings), tuple(usable))


def _remedy(reference: str) -> str:
    """Return the command that restores an installed package, or that shows one of the user's."""
    if reference != DEFAULT_PACKAGE and reference not in installed_packages():
        return f"ovseg inspect {shlex.quote(reference)}"
    for root in package_roots():
        if (root.parent / ".git").exists():
            return f"git -C {shlex.quote(str(root.parent))} checkout -- engines/{reference}"
    return "pip install --force-reinstall --no-deps ovseg_ros"
