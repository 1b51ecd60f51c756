"""The report's section of searches: the recipe, the trials and the warnings of each."""

import html
import re

import fake_study
from hardpair.report.page import render
from reported_study import reported


def test_each_search_has_its_recipe_its_trials_and_its_warnings(tmp_path):
    folder, settings, images = reported(tmp_path)
    names = ["ce", "dfl"]
    for name in names:
        fake_study.write_search(folder / "search" / name)
        recipe = folder / "search" / name / "recipe.yaml"
        recipe.write_text(recipe.read_text().replace("epochs: 50", f"epochs: {len(name)}0"))
    edge = {"learning_rate": [0.002, 0.05], "dropout": [0.1, 0.9]}
    settings["searches"] = [{"own": f"/{name}", "label": name.upper(), "space": edge, "images": 10**9} for name in names]
    table = folder / "search" / "dfl" / "trials.csv"
    lines = table.read_text().splitlines()
    columns = lines[0].split(",")
    best = max(lines[1:], key=lambda line: float(line.split(",")[columns.index("value")])).split(",")
    best[columns.index("learning_rate")] = "0.0495"
    table.write_text("\n".join([lines[0], *(",".join(best) if line.split(",")[0] == best[0] else line for line in lines[1:])]) + "\n")
    text = html.unescape(render(folder, settings, images))
    section = text.partition('<details id="search">')[2].partition('<details id="speed">')[0]
    assert [int(number) for number in re.findall(r"^epochs: (\d+)$", section, re.M)] == [20, 30]
    for name in ("CE", "DFL"):
        assert f"The recipe of {name} and all 24 trials, best first" in section
    assert section.count("at the edge of") == 1
    assert "The best learning_rate for DFL is 0.0495, at the edge of search.space.learning_rate (0.05)" in section


def test_a_shared_search_is_that_of_all_variants(tmp_path):
    folder, settings, images = reported(tmp_path)
    text = render(folder, settings, images)
    assert "The recipe of all variants and all 24 trials, best first" in text
    assert "All variants share a recipe." in text
