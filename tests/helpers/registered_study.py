"""A study that registers what it declares, in whose folder runs finish without training."""

import json

import yaml

from hardpair.comparison import registration
from hardpair.config.resolve import resolve
from hardpair.config.written import overlaid
from hardpair.files import paths
from hardpair.study.register import register
from workspace import PROJECT, TINY


def tiny(**changes):
    """The resolved config of the tiny study with other keys."""
    config = overlaid(yaml.safe_load((PROJECT / "config/config.yaml").read_text()), yaml.safe_load(TINY))
    return resolve(overlaid(config, changes))


def claim(name="helps", better="dfl", than="ce", **keys):
    return {"name": name, "sentence": f"{name}.", "contrasts": [{"better": better, "than": than, **keys}]}


class Study:
    """A study's folder in which runs finish without training."""

    def __init__(self, folder):
        self.folder, self.path = folder, folder / paths.REGISTRATION

    def finish(self, *runs):
        for run in runs:
            (self.folder / paths.RUNS / run).mkdir(parents=True)
            (self.folder / paths.RUNS / run / "run.json").touch()

    def register(self, config, imported=()):
        register(self.folder, config, imported)
        return self.said(config)

    def said(self, config):
        return registration.said(registration.read(self.path), registration.declared(config))

    def entries(self):
        return json.loads(self.path.read_text())["entries"]
