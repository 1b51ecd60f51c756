"""Every figure of a study: its title, what it reads, and the keys of the config that it depends on.

A figure is a module of this folder, a line here, and a caption in workflow/report. The module's ``read`` makes tables of files, and its
``figure`` a page of tables and ``settings``, a dict of the keys listed here. Nothing here decides what a figure shows, since keys reach it
as settings: a new line makes no other figure stale.
"""

from typing import NamedTuple

from hardpair.files import paths
from hardpair.staleness.code_hash import SCRIPTS

AFFECTS_RESULTS = False
# What a figure reads, by the file that changes when any other that it reads does: a run that is trained again is evaluated again.
TRAINING, EVALUATION, COMPARISON, SEARCH = "run.json", "metrics.json", paths.RUNS_TABLE, "search"


class Entry(NamedTuple):
    """One figure.

    Attributes:
        title: in the reports.
        reads: TRAINING or EVALUATION of all runs, their table of the COMPARISON, or the trials of every SEARCH.
        keys: of the settings, apart from those of ``settings`` that every figure has.
        also: further inputs: data (folder of the prepared data), split.
    """

    title: str
    reads: str
    keys: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """Options of plot_figure.py that it needs."""
        return {SEARCH: ("study",), COMPARISON: ("table",)}.get(self.reads, ("runs", *self.also))

    @property
    def settings(self) -> tuple[str, ...]:
        """Keys of its settings."""
        return ("study", "searches") if self.reads == SEARCH else ("study", "variants", "seeds", *self.keys)


FINAL = "final"  # which assemble_figure draws
JUDGED = ("contrasts", "claims", "looks", "margins")  # keys that verdicts depend on

# By name, which is that of the module and of the caption, in the order of the report.
FIGURES = {
    FINAL: Entry("What was found", COMPARISON, (*JUDGED, "pairs", "baseline", "evaluated_on", "references", "trained_on")),
    "training": Entry("Training at a glance", EVALUATION, ("pairs", "baseline", "evaluated_on", "difficulty", "references")),
    "variants": Entry("Accuracy and confusion by variant", EVALUATION, ("pairs", "baseline", "evaluated_on", "references")),
    "plane": Entry("The plane of exponents", EVALUATION, ("pairs", "evaluated_on", "plane")),
    "curves": Entry("Training curves", TRAINING, ("pairs", "references")),
    "classes": Entry("Accuracy by class", EVALUATION, ("evaluated_on",), also=("data", "split")),
    "confusion": Entry("Confusion matrices", EVALUATION, ("pairs", "evaluated_on")),
    "reliability": Entry("Confidence and accuracy", EVALUATION, ("baseline", "evaluated_on")),
    "weights": Entry("Focal weights", TRAINING, ("pairs",)),
    "difficulty": Entry("Easy and hard images", TRAINING, ("difficulty",)),
    "search": Entry("Hyperparameter search", SEARCH),
    "hardest": Entry("Hardest images of the pair", EVALUATION, ("pairs", "evaluated_on"), also=("data",)),
}


def files(name: str) -> list[str]:
    """The files of the code that draws a figure, as ``code_hash`` takes them."""
    return ["assemble_figure.py" if name == FINAL else "plot_figure.py", f"hardpair/figures/{name}.py"]


def caption(name: str) -> str:
    """The caption of a figure on one line."""
    return " ".join((SCRIPTS.parent / "report" / f"{name}.rst").read_text(encoding="utf-8").split())
