"""`python -m ovseg_ros.evaluation FOLDER ...` is `ovseg eval FOLDER ...`."""

import sys

from ovseg_ros.cli import main

sys.exit(main(["eval", *sys.argv[1:]]))
