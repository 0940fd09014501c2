"""Files of adapters that come, go and break leave the package's own alone."""

import random

from ovseg_ros.bench.soak.adapter_files import AdapterFiles


def test_every_kind_of_change_happens_and_the_package_stays_as_it_is(tiny_package, tmp_path):
    originals = {path.name: path.read_bytes() for path in (tiny_package / "adapters").iterdir()}
    files = AdapterFiles(tiny_package, tmp_path / "adapters")
    source, states = random.Random(1), []
    for _ in range(60):
        files.change(source)
        states.append({path.name for path in files.folder.iterdir()})
    assert any("broken.safetensors" in state for state in states)
    assert min(len(state) for state in states) < len(originals) - 1
    assert any(later - sooner for sooner, later in zip(states, states[1:], strict=False))
    now = {path.name: path.read_bytes() for path in (tiny_package / "adapters").iterdir()}
    assert now == originals
