"""Whether training at two commits gives the same bits: what a change that should not alter any result has to show.

Each tree prepares small generated images with its own scripts and trains two epochs of every loss with every sampler of the first tree's
config/schema.yaml, on the CPU with one thread. Files are compared byte by byte, and the exit code is 1 if anything differs. A tree is a
commit or a folder; the second is this working tree, with what is not committed, unless another is named. Example:

  python benchmarks/same_training.py HEAD
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from safetensors.numpy import load_file

PROJECT, SCRIPTS, SCHEMA = Path(__file__).parents[1], Path("workflow", "scripts"), Path("config", "schema.yaml")
DATA = {"synthetic": {"train": 2500, "test": 100, "size": 8}}
SPLIT = {"validation": 200, "imbalance": 5}  # a long tail, by which class weights and margins differ
RECIPE = {"epochs": 2, "batch_size": 16, "lr_drops": [0.5], "refresh_every": 1}
# Options that reach code which the defaults leave aside; kinds that are not here are trained with their defaults.
LOSSES = {
    "focal": [{"scale": "dynamic"}, {"scale": "dynamic", "scale_over": "drawn", "scale_max": 3}, {"gamma": 1.5, "detach_weight": True}],
    "ldam": [{"defer": 0.5}],  # so that the second epoch weighs the classes
}
SAMPLERS = {"focal": [{}, {"unbias": 0.5, "factor_max": 1.2}]}


@dataclass(frozen=True)
class Tree:
    """The code of one commit: what it is called, where it lies, and where its data and runs go."""

    name: str
    folder: Path
    out: Path

    def run(self, script: str, what: str, **options: object) -> None:
        """Call a script of this tree; where it fails, end with the last line of its error output."""
        command = [sys.executable, self.folder / SCRIPTS / script]
        for key, value in options.items():
            command += [f"--{key.replace('_', '-')}", json.dumps(value) if isinstance(value, dict) else str(value)]
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}  # a GPU need not come to the same bits twice
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            sys.exit(f"{self.name} fails at {what}: {lines[-1]}")

    def prepare(self) -> dict[str, np.ndarray]:
        """Make images and split, and load them."""
        data, split = self.out / "data", self.out / "split.json"
        self.run("prepare_data.py", "the data", kind="synthetic", name="synthetic", settings=DATA, output_dir=data)
        self.run("split_data.py", "the split", data=data, settings=SPLIT, output=split)
        arrays = {f"{path.parent.name}/{path.name}": np.load(path) for path in data.glob("*/*.npy")}
        return arrays | {f"{part} of the split": np.array(json.loads(split.read_text())[part]) for part in ("training", "validation")}

    def train(self, name: str, settings: dict) -> Path:
        """Train a combination; the folder of its results."""
        inputs = {"data": self.out / "data", "split": self.out / "split.json", "recipe": RECIPE, "settings": settings, "seed": 3}
        self.run("train.py", name, **inputs, output_dir=self.out / name)
        return self.out / name


def tree(source: str | Path, out: Path) -> Tree:
    """The tree of a commit, unpacked into ``out``, or of a folder, where it lies."""
    out.mkdir()
    if (Path(source) / SCRIPTS / "train.py").exists():
        return Tree("the working tree" if source is PROJECT else source, Path(source).resolve(), out)
    packed = subprocess.run(["git", "-C", PROJECT, "archive", f"{source}^{{commit}}"], capture_output=True)
    if packed.returncode:
        sys.exit(f"{source} is neither a folder with {SCRIPTS}/train.py nor a commit: {packed.stderr.decode().strip()}")
    (out / "tree").mkdir()
    subprocess.run(["tar", "-xC", out / "tree"], input=packed.stdout, check=True)
    return Tree(source, out / "tree", out)


def combinations(schema: dict) -> dict[str, dict]:
    """Settings of every loss with every sampler of a schema, by name."""
    losses, samplers = kinds(schema["$defs"]["loss"], LOSSES), kinds(schema["$defs"]["sampler"], SAMPLERS)
    return {f"{a} with {b}": {"loss": losses[a], "sampler": samplers[b]} for a in losses for b in samplers}


def kinds(part: dict, tried: dict[str, list[dict]]) -> dict[str, dict]:
    """Each kind of a part of the schema, by name, with each set of options that is tried, as far as the schema has them."""
    result = {}
    for entry in part["oneOf"]:
        known = entry["properties"]
        kind, needed = known["kind"]["const"], set(entry.get("required", [])) - {"kind"}
        required = {option: known[option].get("enum", [known[option].get("minimum", 0.5)])[0] for option in sorted(needed)}
        for choices in tried.get(kind, [{}]):
            options = required | {option: value for option, value in choices.items() if option in known}
            text = ", ".join(f"{option}={value}" for option, value in options.items())
            result[f"{kind}({text})" if text else kind] = {"kind": kind} | options
    return result


def differences(first: Path, second: Path) -> list[str]:
    """Which files of two runs differ, and how."""
    result = []
    for name in ("last.safetensors", "best.safetensors", "epochs.csv", "refreshes.csv", "history.npz"):
        a, b = first / name, second / name
        if not (a.exists() and b.exists()):
            result.append(f"{name} is missing in {'one' if a.exists() or b.exists() else 'both'}")
        elif name == "history.npz":
            result += [f"{array} of {name} differs" for array in other_arrays(dict(np.load(a)), dict(np.load(b)))]
        elif a.read_bytes() != b.read_bytes():
            weights = name.endswith(".safetensors")
            result.append(f"{name} differs{f' by up to {distance(load_file(a), load_file(b)):.1e}' if weights else ''}")
    return result


def other_arrays(first: dict, second: dict) -> list[str]:
    """Names of the arrays that one of two sets lacks, or that differ in type, shape or bits."""
    a, b = ({name: bits(array) for name, array in arrays.items()} for arrays in (first, second))
    return [name for name in sorted({*a, *b}) if a.get(name) != b.get(name)]


def bits(array: np.ndarray) -> tuple:
    """What distinguishes arrays; all NaNs are equal."""
    plain = np.where(np.isnan(array), array.dtype.type(np.nan), array) if array.dtype.kind == "f" else array
    return array.dtype, array.shape, plain.tobytes()


def distance(first: dict, second: dict) -> float:
    """Largest absolute difference of weights; infinite where they have other names or shapes."""
    if {name: array.shape for name, array in first.items()} != {name: array.shape for name, array in second.items()}:
        return float("inf")
    return np.max([np.abs(array.astype(np.float64) - second[name]).max() for name, array in first.items()])


def compare(trees: list[Tree], combinations: dict[str, dict], precision: str, pool: ThreadPoolExecutor) -> bool:
    """Train all in both trees and print a line each and one in the end; whether all is the same."""
    data = other_arrays(*pool.map(Tree.prepare, trees))
    print(f"data: {'; '.join(f'{name} differs' for name in data) or 'same'}", flush=True)
    runs = {
        name: [pool.submit(tree.train, name, settings | {"precision": precision}) for tree in trees]
        for name, settings in combinations.items()
    }
    count = 0
    for name, pair in runs.items():
        folders = [run.result() for run in pair]
        different = differences(*folders)
        count += bool(different)
        print(f"{name}: {'; '.join(different) or 'same'}", flush=True)
        for folder in folders:
            shutil.rmtree(folder)
    verdict = f"{count} differ" if count else "all the same to the bit"
    print(f"{len(runs)} combination{'s' if len(runs) > 1 else ''}, {verdict}{'; the data differ' if data else ''}")
    return not (count or data)


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("base", metavar="BASE", help="commit or folder")
    cli.add_argument("other", metavar="OTHER", nargs="?", default=PROJECT, help="commit or folder; default: the working tree")
    cli.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs at once (default: as many as cores, here %(default)s)")
    cli.add_argument(
        "--only", default="", metavar="TEXT", help="only combinations with this in their name, as 'ldam(defer=0.5) with uniform'"
    )
    cli.add_argument("--precision", choices=["fp32", "bf16"], default="fp32", help="of the network (default %(default)s)")
    options = cli.parse_args()
    with tempfile.TemporaryDirectory(prefix="same-training-") as temporary:
        trees = [tree(source, Path(temporary, str(place))) for place, source in enumerate((options.base, options.other))]
        if not (schema := trees[0].folder / SCHEMA).exists():
            sys.exit(f"{options.base} has no {SCHEMA}, which defines what to train: take a later commit")
        known = combinations(yaml.safe_load(schema.read_text(encoding="utf-8")))
        chosen = {name: settings for name, settings in known.items() if options.only in name}
        if not chosen:
            sys.exit(f"no combination has {options.only!r} in its name: the first is {next(iter(known))!r}")
        pool = ThreadPoolExecutor(max(options.jobs, 1))
        try:
            sys.exit(0 if compare(trees, chosen, options.precision, pool) else 1)
        finally:
            pool.shutdown(cancel_futures=True)  # after a failure, what has not started is not waited for


if __name__ == "__main__":
    main()
