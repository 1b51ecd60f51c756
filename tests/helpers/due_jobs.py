"""Print the jobs that `make status` counts as due in the present folder, a message a line.

The arguments are files of overlays, and after ``--`` changes of keys as ``--config`` makes them.
"""

import sys
from pathlib import Path

sys.path.insert(0, "workflow/scripts")

from hardpair.study import find
from hardpair.study.status_reader import Watch

place = sys.argv.index("--")
config = find.overlay(sys.argv[1:place], find.changes_of(sys.argv[place + 1 :]))
for job in Watch(config, Path("results", config["study"])).status().due:
    print(job.message)
