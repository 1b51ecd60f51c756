"""Train the variants of a search with one proposed recipe, and write the trial's value: mean validation accuracy at the last epoch.

A trial that diverges is a result: its value is that of guessing. With --checkpoint, one that was killed continues; the states of its runs
stay beside the checkpoint's path until whoever keeps its result removes them. Example:

  python workflow/scripts/run_trial.py --round results/cifar10/search/round0.json --trial 0 --data resources/cifar10 \\
      --split results/cifar10/split.json --settings settings.json --output trial0.json
"""

import sys
import time
from pathlib import Path

from hardpair.cli.command import job_arguments, parser, run, settings_with


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("--round", type=Path, required=True, help="proposals of the trial's round")
    cli.add_argument("--trial", type=int, required=True, help="number of the trial")
    read_settings, keys = settings_with("epochs", "seeds", "variants"), "epochs, seeds, variants (by name, settings as for train.py)"
    cli.add_argument("--settings", type=read_settings, required=True, help=f"JSON or file with the keys {keys}")
    job_arguments(cli)
    cli.add_argument("--output", type=Path, required=True)
    options = cli.parse_args()

    from hardpair.jobs.gpu import take_gpu
    from hardpair.jobs.locks import only_one

    with only_one(options.checkpoint) as waited:
        take_gpu(options.gpus, options.jobs_per_gpu, f"trial {options.trial}")
        from hardpair import plugins
        from hardpair.device import start_device
        from hardpair.files import own_digest
        from hardpair.files.atomic import write_json
        from hardpair.search.finished_trials import is_complete
        from hardpair.search.trial import Trial
        from hardpair.staleness import code_hash
        from hardpair.training.job import Saving

        plugins.use(options.plugins)
        trial = Trial.read(options.round, options.trial, options.settings)
        code = code_hash.of_now("run_trial.py", *trial.code_files(), planned=options.code)
        fingerprint = trial.fingerprint(options.split, code)
        if waited and is_complete(options.output, fingerprint):
            print(f"{options.output} was finished meanwhile: nothing to do", file=sys.stderr)
            return
        started = time.perf_counter()
        device = start_device(options.gpus, options.threads, trial.deterministic)
        outcome = trial.train(options.data, options.split, device, code, Saving(options.checkpoint, options.checkpoint_seconds))
        about = {"fingerprint": fingerprint, "trial": trial.number, "round": trial.round, "recipe": trial.recipe}
        record = about | outcome | {"seconds": round(time.perf_counter() - started, 3)}
        write_json(options.output, own_digest.added(record))


if __name__ == "__main__":
    run(main)
