"""Estimate how many runs a study still has to train, how long they take on this machine, and how much disk they need.

The rate is that of the study's finished runs, of each network apart; without any it is measured for a few seconds, unless the study is
short. The workflow calls this before its first job. Example:

  python workflow/scripts/estimate_study.py --config config/config.yaml docs/study/cpu.yaml --at-once 2
"""

import functools
import statistics

from hardpair.cli.command import count, json_or_file, parser, positive, run
from hardpair.config.written import overlaid
from hardpair.errors import UserError
from hardpair.files import paths


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("--config", type=json_or_file, nargs="+", required=True, help="config as JSON or file, and overlays of it")
    cli.add_argument("--runs", type=count, help="runs that are still to train; default: all of the config")
    cli.add_argument("--trials", type=count, help="trials that are still to run; default: all of the config")
    cli.add_argument("--at-once", type=positive, default=1, help="jobs that run in parallel (default %(default)s)")
    cli.add_argument("--gpus", type=count, default=1, help="0 computes on the CPU even where there is a GPU (default %(default)s)")
    cli.add_argument("--unmeasured", action="store_true", help="measure nothing: give no time where finished runs do not give the rate")
    options = cli.parse_args()

    from rich.filesize import decimal

    from hardpair.config.resolve import canonical, resolve
    from hardpair.staleness import plan
    from hardpair.study import estimate, expected_rate
    from hardpair.wording import counted, size_of_study

    config = resolve(functools.reduce(overlaid, options.config))
    search, folder = config["search"], paths.RESULTS / config["study"]
    every_run = len(config["variants"]) * len(config["seeds"])
    every_trial = len(plan.trials(config))
    for option, given, most in (("--runs", options.runs, every_run), ("--trials", options.trials, every_trial)):
        if given is not None and given > most:
            raise UserError(f"{option} is {given}, but the study has {most}: give at most so many")
    work = estimate.workload(
        config,
        runs=every_run if options.runs is None else options.runs,
        trials=every_trial if options.trials is None else options.trials,
    )
    epochs = counted(config["recipe"]["epochs"], "epoch")
    jobs = f"{work.runs} of {counted(every_run, 'run')} to train ({size_of_study(config)}, {epochs})"
    if work.trials:
        own, trials = plan.searches(config), counted(work.trials, "trial")
        if len(own) > 1 and work.trials == every_trial:
            trials = f"{counted(every_trial // len(own), 'trial')} for each of {counted(len(own), 'variant')},"
        jobs += f", after {trials} of {counted(search['epochs'], 'epoch')}"
    print(f"study {config['study']}: {jobs}; results go to {folder}/, logs to {folder / paths.LOGS}/")
    networks = estimate.networks(config)
    if work.images < estimate.LONG:
        return
    if options.unmeasured and not {canonical(network) for network in networks} <= estimate.known_rates(folder).keys():
        return
    rate, origin = expected_rate.of_study(config, work.passes, options.gpus, folder)
    images = estimate.inventory(config)
    classes = len(images.classes)
    disk = work.disk(statistics.mean(parameters(network, classes, images.size) for network in networks), classes)
    side = "one job at a time" if options.at_once == 1 else f"{options.at_once} jobs in parallel"
    duration = estimate.duration(work.seconds(rate, options.at_once))
    print(f"about {duration}, {side} at {rate:,.0f} images/s each ({origin}); about {decimal(disk)} of disk")


def parameters(network: dict, classes: int, size: int) -> int:
    """How many parameters a network has; of the study's own network, without torch."""
    from hardpair.config.schema import CNN
    from hardpair.training import model_size

    if network == CNN:
        return model_size.parameter_count(classes, size)
    from hardpair.training import model

    return model.parameter_count(network, classes, size)


if __name__ == "__main__":
    run(main)
