"""What Linux says about a process."""

import os
import subprocess
import sys

from ovseg_ros.process_status import ProcessStatus, process_status


def test_the_status_of_this_process_is_plausible():
    status = process_status(os.getpid())
    assert status.peak_rss_mb >= status.rss_mb > 5
    assert status.threads >= 1
    assert status.files >= 3


def test_a_process_that_ended_has_none():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert process_status(child.pid) == ProcessStatus()
