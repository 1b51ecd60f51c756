"""The package ``hardpair`` as pip installs it: its modules stay where the workflow's files are, beside the scripts that import them."""

from pathlib import Path

_FOLDERS = ("../hardpair_workflow/workflow/scripts", "../scripts")  # installed; a clone, for `pip install --editable`
__path__ = [str(path) for path in (Path(__file__).parent / folder / "hardpair" for folder in _FOLDERS) if path.is_dir()]
