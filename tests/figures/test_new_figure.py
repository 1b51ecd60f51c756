"""Adding a figure takes a module, a line of the catalogue and a caption: those of CONTRIBUTING.md."""

import re
import textwrap

from workspace import PROJECT

[RECIPE] = re.findall(r"^## Add a figure\n(.*?)^## ", (PROJECT / "CONTRIBUTING.md").read_text(), re.M | re.S)
MODULE, LINE, CAPTION = map(textwrap.dedent, re.findall(r"^   ```\w*\n(.*?)^   ```$", RECIPE, re.M | re.S))


def test_a_new_figure_is_in_the_report_and_nothing_else_runs_again(finished, tmp_path):
    study = finished.copy(tmp_path)
    (study.folder / "workflow/scripts/hardpair/figures/gap.py").write_text(MODULE)
    (study.folder / "workflow/report/gap.rst").write_text(CAPTION)
    study.edit("workflow/scripts/hardpair/figures/catalogue.py", '    "search":', f'    {LINE}    "search":')
    assert study.stale() == {"Draw the figure gap", "Write the report"}
    study.snakemake()
    assert study.stale() == set()
    page = (study.folder / "results/tiny/report.html").read_text()
    captions = dict(re.findall(r"<figcaption[^>]*><strong>(.*?)\.</strong> <span>(.*?)</span>", page))
    assert list(captions)[-3:-1] == ["Training minus validation accuracy", "Hyperparameter search"]
    assert captions["Training minus validation accuracy"] == " ".join(CAPTION.split())
    assert "<svg" in (study.folder / "results/tiny/figures/gap.svg").read_text()
