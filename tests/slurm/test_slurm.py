"""A study on Slurm: a real slurmctld and slurmd, on this machine, with four GPUs that are none."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from slurm_node import BEFORE, ETC, hindrance, one_node, running_commands
from workspace import Workspace

pytestmark = pytest.mark.skipif(hindrance() is not None, reason=f"no Slurm here: {hindrance()}")

PATIENCE = 900  # seconds; only a failure takes so long

SMALL = """
study: small
data: {kind: synthetic, name: synthetic, validation: 100, synthetic: {train: 300, test: 100, size: 8}}
plugins: [gate.py]
baseline: gate
variants: [{name: gate, loss: {kind: gate}}]
contrasts: []
claims: []
seeds: [0, 1, 2, 3, 4]
recipe: {epochs: 2, refresh_every: 1}
search: {enabled: false}
"""

GATE = '''
"""Cross-entropy; a job of Slurm records its place and waits, before its second epoch, for the file ``open``."""

import json
import os
import sys
import time
from pathlib import Path

import torch.nn.functional as F

from hardpair.losses import ImageLoss


class Loss(ImageLoss):
    def forward(self, logits, labels):
        return F.cross_entropy(logits, labels, reduction="none")

    def begin_epoch(self, share):
        if share > 0 and (job := os.environ.get("SLURM_JOB_ID")):
            seed = int(sys.argv[sys.argv.index("--seed") + 1])
            progress = Path(f"results/small/progress/gate/seed{seed}.csv")
            if not progress.exists() or len(progress.read_text().splitlines()) < 2:  # the job tries the plugin before it trains
                return
            place = {"job": job, "seed": seed, "process": os.getpid(), "device": os.environ.get("CUDA_VISIBLE_DEVICES")}
            Path("gate", f".{job}").write_text(json.dumps(place))
            Path("gate", f".{job}").rename(Path("gate", f"{job}.json"))
            while not Path("gate", "open").exists():
                time.sleep(0.05)
'''


# Snakemake that looks for jobs that have ended each half second; the plugin waits ten seconds longer after each look that found none.
SNAKEMAKE = """
import asyncio

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

RemoteExecutor.sleep = lambda executor: asyncio.sleep(0.5)
main()
"""


def small(folder: Path) -> Workspace:
    study = Workspace.fresh(folder)
    (folder / "small.yaml").write_text(SMALL)
    (folder / "gate.py").write_text(GATE)
    (folder / "gate").mkdir()
    return study


def targets(seeds: Iterable[int]) -> list[str]:
    """The runs of these seeds, and the evaluation of seed 0."""
    return ["results/small/runs/gate/seed0/metrics.json", *(f"results/small/runs/gate/seed{seed}/run.json" for seed in seeds)]


def lines_of(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def wait_for(ready):
    until = time.monotonic() + PATIENCE
    while not (value := ready()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.2)
    return value


def catches_sigterm(process: int) -> bool:
    (caught,) = re.findall(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{process}/status").read_text(), re.M)
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


class Story:
    """A study of five runs on four GPUs; while four of them train, one is killed and another cancelled.

    Attributes:
        study, output, log: the workspace, what Snakemake printed, and its log.
        places: what the first four jobs recorded, by seed; ``queue`` is Slurm's queue at that time.
        killed, cancelled: seeds.
        ended: state and exit code of every job of Slurm.
    """

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.study = small(folder)
        with one_node(scratch):
            command = [sys.executable, "-c", SNAKEMAKE, "--profile", "profiles/slurm", "--configfile", "small.yaml"]
            command += ["--slurm-init-seconds-before-status-checks", "2", "--", *targets(range(5))]
            environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
            with open(folder / "output", "w") as output:
                process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
            try:
                self._interfere()
                wait_for(lambda: process.poll() is not None)
            finally:
                process.kill()
                process.wait()
                self.output = (folder / "output").read_text()
                self.log = "".join(file.read_text() for file in (folder / ".snakemake/log").glob("*.snakemake.log"))
            assert process.returncode == 0, self.output
            self.ended = [dict(re.findall(r"(\w+)=(\S*)", line)) for line in (scratch / "finished_jobs.txt").read_text().splitlines()]

    def _interfere(self) -> None:
        gate = self.study.folder / "gate"
        arrived = wait_for(lambda: len(files := list(gate.glob("*.json"))) == 4 and files)
        self.places = {place["seed"]: place for place in (json.loads(file.read_text()) for file in arrived)}
        self.queue = lines_of("squeue", "--noheader", "--format=%T")
        self.killed, self.cancelled, *_ = self.places
        os.kill(self.places[self.killed]["process"], signal.SIGKILL)
        lines_of("scancel", self.places[self.cancelled]["job"])
        wait_for(lambda: not catches_sigterm(self.places[self.cancelled]["process"]))  # it knows
        (gate / "open").touch()


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    return Story(tmp_path_factory.mktemp("cluster"), tmp_path_factory.mktemp("slurm"))


def test_four_gpu_jobs_are_in_flight_on_devices_of_their_own(story):
    assert story.queue == ["RUNNING"] * 4  # the fifth was not even submitted
    assert {place["device"] for place in story.places.values()} == {"0", "1", "2", "3"}


def test_cheap_jobs_run_where_snakemake_runs(story):
    trained, evaluated = 5 + 2, 1
    assert len(story.ended) == len(re.findall("has been submitted with SLURM jobid", story.output)) == trained + evaluated
    assert Counter(job["JobState"] for job in story.ended) == {"COMPLETED": 6, "FAILED": 1, "CANCELLED": 1}
    for message in ("Prepare the images of synthetic", "Split the training images"):
        assert message in story.log


def test_a_killed_job_is_retried_and_a_cancelled_one_resumes(story):
    logs = {seed: (story.study.folder / f"results/small/logs/train/gate.seed{seed}.log").read_text() for seed in range(5)}
    saved = f"results/small/checkpoints/gate/seed{story.cancelled}.safetensors"
    assert re.search(rf"^resumed from {saved}, epoch 2 step [1-9]", logs[story.cancelled], re.M)
    assert [seed for seed, log in logs.items() if "resumed from" in log] == [story.cancelled]
    tries = Counter(json.loads(file.read_text())["seed"] for file in (story.study.folder / "gate").glob("*.json"))
    assert tries[story.killed] == 2


def test_the_results_are_those_of_one_machine(story, tmp_path):
    local = small(tmp_path)
    seeds = {0, story.killed, story.cancelled}
    local.run("snakemake", "--cores", "2", "--configfile", "small.yaml", "--", *targets(seeds))
    files = [f"seed{seed}/{name}" for seed in seeds for name in ("last.safetensors", "best.safetensors", "epochs.csv", "refreshes.csv")]
    runs, local_runs = (study.folder / "results/small/runs/gate" for study in (story.study, local))
    for file in [*files, "seed0/metrics.json"]:
        assert (runs / file).read_bytes() == (local_runs / file).read_bytes(), file
    ours, theirs = (dict(np.load(folder / "seed0/predictions.npz")) for folder in (runs, local_runs))
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_the_cluster_leaves_nothing_behind(tmp_path):
    before = sorted(ETC.iterdir()) if ETC.exists() else None
    with one_node(tmp_path):
        lines_of("sbatch", "--gpus=1", "--output=/dev/null", "--wrap=sleep 4321")
        wait_for(lambda: lines_of("squeue", "--noheader", "--format=%T") == ["RUNNING"])
        wait_for(lambda: ["sleep", "4321"] in running_commands())
        assert hindrance() == "slurmctld and slurmd running here already"
    assert hindrance() is None
    assert ["sleep", "4321"] not in running_commands()
    assert (sorted(ETC.iterdir()) if ETC.exists() else None) == before
    assert not BEFORE.exists()
