"""The ONNX program that an engine of some precision is built from."""

from __future__ import annotations

from pathlib import Path

from ovseg_ros.engine.choice import Precision, ProgramPrecision
from ovseg_ros.engine.islands import island_kinds, loops
from ovseg_ros.errors import BackendError, MissingExtraError, PackageError
from ovseg_ros.packages import Card, ModelPackage

_QUANTISED = (Precision.INT8, Precision.FP8)


def program_of(package: ModelPackage, precision: Precision, cache: Path, scratch: Path) -> Path:
    """Return the program of `package` in `precision`; one that is made for it lies in `scratch`.

    `cache` is where quantised programs are. Raises `BackendError` where the package has no program
    of this precision, `PackageError` where it cannot be made float16, and `MissingExtraError`.
    """
    if precision in _QUANTISED:
        from ovseg_ros.engine.quantised_onnx import find_quantised_onnx

        return find_quantised_onnx(cache, package, precision).graph_path
    typed = program_precision(package)
    if typed.value == precision.value:
        return package.segmenter_path
    if typed is ProgramPrecision.FP16:
        raise BackendError(
            f"package '{package.card.name}' is typed {typed.value}, {precision.value} was asked "
            f"for; build with --precision {typed.value}, or convert the package again with "
            f"--precision {precision.value}"
        )
    return _half(package, scratch)


def program_precision(package: ModelPackage) -> ProgramPrecision:
    """Return what the program of `package` is typed in; raises `PackageError` for another word."""
    word = package.card.raw.get("precision", ProgramPrecision.FP32.value)
    try:
        return ProgramPrecision(word)
    except ValueError:
        valid = ", ".join(each.value for each in ProgramPrecision)
        raise PackageError(
            f"the card of package '{package.card.name}' says precision {word!r}; there are {valid}"
        ) from None


def islands_of(package: ModelPackage, precision: Precision) -> list[str]:
    """Return the kinds of operators that compute in float32 while the others have `precision`."""
    typed = program_precision(package) if precision is Precision.FP32 else ProgramPrecision.FP16
    return island_kinds(typed)


def loop_refusal(path: Path, card: Card) -> PackageError:
    """Return the error for a program at `path` that goes through labels in a loop."""
    return PackageError(
        f"{path} works on labels one after the other, in an ONNX Loop, which keeps a GPU waiting; "
        f"convert the package again with  ovseg convert {card.network} --at-once --out DIR"
    )


def _half(package: ModelPackage, scratch: Path) -> Path:
    """Write the program of `package` as float16 with islands of float32 into `scratch`."""
    try:
        import numpy as np
        import onnx_ir as ir
    except ImportError:
        raise MissingExtraError("onnx_ir", "tensorrt") from None
    from ovseg_ros.engine.half import to_half

    model = ir.load(package.segmenter_path)
    if next(loops(model.graph), None) is not None:
        raise loop_refusal(package.segmenter_path, package.card)
    untyped = [v.name for node in model.graph for v in node.outputs if v.dtype is None]
    if untyped:
        raise PackageError(
            f"{package.segmenter_path} does not say the type of {len(untyped)} values, the first "
            f"is '{untyped[0]}'; convert the package again with --precision fp16"
        )
    try:
        with np.errstate(over="raise"):
            to_half(model)
    except FloatingPointError:
        raise PackageError(
            f"weights of package '{package.card.name}' are beyond float16 (65504); build with "
            "--precision fp32"
        ) from None
    path = scratch / "segmenter_fp16.onnx"
    ir.save(model, path)
    return path
