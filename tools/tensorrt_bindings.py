"""Python bindings of several TensorRT versions, to compare their names with those that are used.

    python tools/tensorrt_bindings.py build/tensorrt-bindings

The wheels of the bindings are small and on the package index; TensorRT itself, several gigabytes,
is not, and does nothing without a GPU. So each gets stand-ins for the libraries that it links to.
They let it be imported and return nothing, as TensorRT itself does where it finds no driver.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# The oldest that is supported (JetPack 6), and the newest of each line.
VERSIONS = ("10.3.0", "10.16.1.11", "11.4.0.106")
_PROJECT = "tensorrt-cu12-bindings"
MODULE = "tensorrt_bindings"


def main(folder: Path) -> int:
    """Put every version into a folder of its own; 1 where the package index has not all of them."""
    missing = [version for version in VERSIONS if not _install(version, folder / version)]
    for version in missing:
        print(f"{_PROJECT} {version} has no wheel for this Python; its API is not compared")
    return 1 if missing else 0


def _install(version: str, target: Path) -> bool:
    if (target / MODULE).is_dir():
        return True
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", scratch]
        if subprocess.run([*pip, f"{_PROJECT}=={version}"]).returncode:
            return False
        unpacked = Path(scratch) / "unpacked"
        for wheel in Path(scratch).glob("*.whl"):
            zipfile.ZipFile(wheel).extractall(unpacked)
        _stand_in(unpacked / MODULE)
        shutil.move(unpacked, target)
    return True


def _stand_in(module: Path) -> None:
    """Make libraries that define what the extension in `module` takes from TensorRT's."""
    extension = module / "tensorrt.so"
    needed = re.findall(
        r"NEEDED.*\[(libnv\w+\.so\.\d+)\]", _shown("readelf", "--dynamic", extension)
    )
    symbols = re.findall(r" U (\w+)$", _shown("nm", "--dynamic", extension), re.MULTILINE)
    source = module / "stand_in.c"
    own = [name for name in symbols if not name.startswith(("Py", "_Py"))]
    source.write_text(
        "".join(f"void *{name}(void) {{ return 0; }}\n" for name in own), encoding="utf-8"
    )
    for library in needed:
        output = ["-Wl,-soname," + library, "-o", str(module / library)]
        subprocess.run(["cc", "-shared", "-fPIC", "-w", str(source), *output], check=True)


def _shown(*command: str | Path) -> str:
    return subprocess.run(
        [str(word) for word in command], check=True, capture_output=True, text=True
    ).stdout


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
