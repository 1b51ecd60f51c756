"""Paths of a study: those of the rules, those of a finished study, and no second place in the code that spells them."""

import ast
import re
from pathlib import Path

import pytest

from hardpair.files import paths
from hardpair.staleness.code_hash import SCRIPTS
from workspace import PROJECT

RUN_FILES = (
    "run.json",
    "last.safetensors",
    "best.safetensors",
    "epochs.csv",
    "refreshes.csv",
    "history.npz",
    "predictions.npz",
    "metrics.json",
)
RUN = {f"{paths.RUN}/{name}" for name in RUN_FILES}
# What a rule writes or names below the study's folder, beside its log and figures.
OF_RULES = {
    "split_data": {paths.SPLIT, f"{paths.MADE}/split_data.json"},
    "propose_trials": {paths.PROPOSALS, f"{paths.MADE}/propose_trials{{own}}/round{{round}}.json"},
    "run_trial": {paths.PROPOSALS, paths.TRIAL},
    "select_recipe": {paths.RECIPE, paths.TRIALS, f"{paths.MADE}/select_recipe{{own}}.json"},
    "train": {f"{paths.RUN}/{name}" for name in RUN_FILES[:6]} | {paths.PROGRESS, paths.CHECKPOINT},
    "choose_pairs": {f"{paths.RUN}/{name}" for name in ("history.npz", "run.json")} | {paths.RUNS, f"{paths.MADE}/choose_pairs.json"},
    "evaluate": {f"{paths.RUN}/{name}" for name in RUN_FILES[6:]}
    | {f"{paths.MADE}/evaluate/{{variant}}.seed{{seed}}.json", paths.CHECKPOINT},
    "compare": {*paths.COMPARED} | {paths.RUNS, paths.REGISTRATION, f"{paths.MADE}/compare.json"},
    "plot_figure": {f"{paths.MADE}/plot_figure/{{figure}}.json"},
    "assemble_figure": {f"{paths.MADE}/assemble_figure.json"},
    "write_report": {paths.REPORT, "{table}", f"{paths.MADE}/write_report.json"},
}
LOG_OF = {
    "propose_trials": f"{paths.LOGS}/propose_trials{{own}}/round{{round}}.log",
    "run_trial": paths.TRIAL_LOG,
    "train": paths.RUN_LOG.replace("{rule}", "train"),
    "evaluate": paths.RUN_LOG.replace("{rule}", "evaluate"),
}


def rules() -> dict[str, set[str]]:
    """The paths below a study's folder in the text of each rule."""
    paths_of = {}
    for file in (PROJECT / "workflow/rules").glob("*.smk"):
        for name, body in re.findall(r"^ *rule (\w+):\n((?:[ \t].*\n|\n)*)", file.read_text(), re.M):
            body = body.replace("{{", "{").replace("}}", "}").replace("<own>", "{own}")
            models = [body.replace("{model}", model) for model in ("last", "best")]
            text = "".join(models).replace("{name}", "history.npz") + "".join(models).replace("{name}", "run.json")
            paths_of[name] = set(re.findall(r"(?:<study>|\{params\.study\})/([^\"' ]+)", text.replace("{wildcards.", "{")))
    return paths_of


RULES = rules()


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in ("download_data", "prepare_data")])
def test_the_paths_of_a_rule_are_those_of_the_package(rule):
    [log] = [path for path in RULES[rule] if path.startswith(f"{paths.LOGS}/") and path.endswith(".log")]
    measured = log.removesuffix("log") + "tsv"
    assert measured in RULES[rule]
    assert log == LOG_OF.get(rule, log)
    assert log.startswith((f"{paths.LOGS}/{rule}.log", f"{paths.LOGS}/{rule}/", f"{paths.LOGS}/{rule}{{own}}"))
    others = {path for path in RULES[rule] - {log, measured} if not path.startswith(f"{paths.FIGURES}/")}
    if rule in OF_RULES:
        assert others == OF_RULES[rule]
    else:
        assert others <= {paths.RUNS}, "a figure names the folder of the runs alone"


def test_every_file_of_a_finished_study_has_a_path(finished):
    folder = finished.folder / "results/tiny"
    known = [
        paths.STARTED,
        paths.REGISTRATION,
        paths.SPLIT,
        paths.REPORT,
        *paths.COMPARED,
        paths.RECIPE,
        paths.TRIALS,
        paths.PROPOSALS,
        paths.TRIAL,
        *RUN,
    ]
    known += [f"{paths.FIGURES}/{{name}}.{kind}" for kind in ("png", "svg")] + [paths.PROGRESS, paths.LOCK, paths.STUDY_LOCK]
    known += [path.replace(".log", kind) for path in (paths.JOB_LOG, f"{paths.LOGS}/{{rule}}.log") for kind in (".log", ".tsv")]
    known += [f"{paths.MADE}/{{rule}}.json", f"{paths.MADE}/{{rule}}/{{job}}.json"]
    files = {path: paths.every(folder, path) for path in known}
    assert all(files.values()), files
    assert {file for some in files.values() for file in some} == {file for file in folder.rglob("*") if file.is_file()}
    assert set(paths.RESULT.values()) <= {file.relative_to(folder).as_posix() for some in files.values() for file in some}


def test_trials_come_in_their_order(finished):
    names = paths.trials(2, 2)
    assert names == ["round0/trial0.json", "round0/trial1.json", "round1/trial2.json", "round1/trial3.json"]
    folder = finished.folder / "results/tiny"
    assert {folder / paths.SEARCH / name for name in names} == set(paths.every(folder, paths.TRIAL))


def test_a_copy_beside_a_run_is_no_run(tmp_path):
    for name in ("seed0", "seed12", "seed0.bak", "seed", "seed1 (copy)"):
        (tmp_path / "runs/ce" / name).mkdir(parents=True)
        (tmp_path / "runs/ce" / name / "run.json").touch()
    assert paths.every(tmp_path, paths.RUN_RECORD) == [tmp_path / "runs/ce" / name / "run.json" for name in ("seed0", "seed12")]


def test_all_that_belongs_to_one_run_is_found_and_nothing_else(tmp_path):
    own = ["runs/ce/seed0", "progress/ce/seed0.csv", "logs/train/ce.seed0.log", "logs/evaluate/ce.seed0.log", "logs/train/ce.seed0.tsv"]
    own += ["events/ce/seed0", "made/evaluate/ce.seed0.json", "made/evaluate/ce.seed0.json.unreadable"]
    own += [f"checkpoints/ce/{name}" for name in (".seed0.lock", "seed0.safetensors", ".partial-1.host-seed0.csv")]
    others = [
        "runs/ce/seed0.bak",
        "runs/-x/seed0",
        "logs/train/mine.log",
        "logs/compare/ce.seed0.log",
        "checkpoints/search/trial0.safetensors",
    ]
    for name in [*own, *others]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list(paths.of_variants(tmp_path)) == [("ce", 0, tmp_path / name) for name in sorted(own)]


def test_all_that_belongs_to_a_variants_own_search_is_found_and_nothing_of_a_shared_one(tmp_path):
    own = [
        "search/ce/recipe.yaml",
        "search/ce/trials.csv",
        "search/ce/round0.json",
        "search/ce/round0/",
        "logs/select_recipe/ce.log",
        "logs/select_recipe/ce.tsv",
    ]
    own += ["logs/propose_trials/ce/", "logs/run_trial/ce/", "checkpoints/search/ce/"]
    own += ["made/propose_trials/ce/", "made/select_recipe/ce.json"]
    shared = ["search/recipe.yaml", "search/trials.csv", "search/round0.json", "search/round0/trial0.json", "logs/select_recipe.log"]
    shared += ["logs/propose_trials/round0.log", "logs/run_trial/trial0.round0.log", "checkpoints/search/.trial0.lock"]
    for name in [*own, *shared, "search/ce/mine.txt"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.touch()
    assert list(paths.of_variants(tmp_path)) == [("ce", None, path) for path in sorted(tmp_path / name for name in own)]


# ------------------------------------------------------------------------------------------------------------- spelled once

FILES = [paths.STARTED, paths.REGISTRATION, paths.SPLIT, paths.PAIRS, paths.COMPARISON, paths.REPORT, "recipe.yaml", "trials.csv"]
FOLDERS = ("results", paths.RUNS, paths.SEARCH, paths.FIGURES, paths.LOGS, paths.EVENTS, "progress", "checkpoints", "resources")
SPELLED = re.compile(
    rf"(^|[^\w.])({'|'.join(FOLDERS)})/|(^|/|\*)(seed|round|trial)[{{*(]|(^|/)({'|'.join(map(re.escape, FILES))})$|^runs\.csv$"
)


def texts(tree: ast.AST) -> list[str]:
    """Texts of a program, values within them as ``{}``, but for docstrings and other prose; folders in a path end in /."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(None)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and isinstance(node.right, ast.Constant):
            node.right.value = f"{node.right.value}/" if node.right.value in FOLDERS else node.right.value
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Path":
            node.args = [ast.Constant(f"{part.value}/") if getattr(part, "value", "") in FOLDERS else part for part in node.args]
    texts_of_tree = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            texts_of_tree.append("".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
            texts_of_tree.append(node.value)
    return texts_of_tree


PROGRAMS = [path for path in SCRIPTS.rglob("*.py") if path != Path(paths.__file__)]


@pytest.mark.parametrize("path", PROGRAMS, ids=[path.relative_to(SCRIPTS).as_posix() for path in PROGRAMS])
def test_no_program_spells_a_path_of_a_study(path):
    literals = [text for text in texts(ast.parse(path.read_text())) if SPELLED.search(text)]
    assert [text for text in literals if not text.startswith("hardpair/")] == []  # code has folders of the same names


def test_no_rule_spells_the_folders_of_images_and_studies():
    for file in (PROJECT / "Snakefile", *(PROJECT / "workflow").rglob("*.smk")):
        assert not re.search(r"^[^#\n]*\b(resources|results)/", file.read_text(), re.M), file


@pytest.mark.parametrize(
    "program",
    [
        'folder / "runs" / name',
        'f"{study}/split.json"',
        'folder.glob("*/seed*/run.json")',
        'f"round{number}"',
        'open("results/a")',
        'name = "runs.csv"',
        'Path("resources") / name',
        'f"resources/{name}"',
    ],
)
def test_a_second_spelling_is_noticed(program):
    assert any(SPELLED.search(text) for text in texts(ast.parse(program)))
