"""Slurm on this one machine, with four GPUs that are none: for tests, and to try ``profiles/slurm`` without a cluster.

Run as root where Debian's packages ``slurm-wlm`` and ``munge`` are installed; the cluster lives as long as the command:

  python tests/helpers/slurm_node.py snakemake --profile profiles/slurm --configfile config/demo.yaml
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

# Nested calls of srun lose SLURM_CONF, so that the configuration must lie where Slurm looks for it by itself.
ETC = Path("/etc/slurm")
BEFORE = ETC.with_name("slurm.before-tests")  # what lay there

# Listens on the loopback interface only. CPUs are more than the machine may have; a GPU is any character device.
SLURM_CONF = """
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/finished_jobs.txt
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=16 RealMemory=64000 Gres=gpu:4
PartitionName=gpu Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
GRES_CONF = "AutoDetect=off\n" + "".join(
    f"NodeName={{host}} Name=gpu File=/dev/{device} Flags=nvidia_gpu_env\n" for device in ("null", "zero", "full", "random")
)
PROGRAMS = ("munged", "slurmctld", "slurmd", "srun", "setpriv")


def hindrance() -> str | None:
    """Why Slurm cannot be run here, or None."""
    if os.geteuid() != 0:
        return "only root can run Slurm's daemons"
    if missing := [program for program in PROGRAMS if shutil.which(program) is None]:
        return f"{', '.join(missing)} not installed: apt-get install slurm-wlm munge"
    if running := {command[0] for command in running_commands()} & {"slurmctld", "slurmd"}:
        return f"{' and '.join(sorted(running))} running here already"
    return None


def running_commands() -> Iterator[list[str]]:
    """The commands of all processes of this machine, their programs without folder."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            program, *arguments = path.read_text(errors="replace").rstrip("\0").split("\0")
            yield [program.rpartition("/")[2], *arguments]


@contextlib.contextmanager
def one_node(folder: Path) -> Iterator[None]:
    """Within its block, Slurm runs here; its state and logs lie in ``folder``, and /etc/slurm is given back afterwards.

    Raises:
        RuntimeError: it cannot, or did not come up.
    """
    if reason := hindrance():
        raise RuntimeError(reason)
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o600)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_configured(folder))
        munge = ["munged", "--foreground", "--force"]  # though others cannot reach the folder
        munge += [f"--{kind}-file={folder}/munge.{kind}" for kind in ("key", "pid", "seed", "log")]
        daemons = [[*munge, f"--socket={folder}/munge.socket"], ["slurmctld", "-D", "-i"], ["slurmd", "-D", "-N", socket.gethostname()]]
        for command in daemons:
            stack.enter_context(_daemon(command, folder / f"{command[0]}.log"))
            _wait_for((folder / "munge.socket").exists, f"{command[0]} did not start: see {folder}")
        stack.callback(_end_jobs)
        _wait_for(lambda: _output("sinfo", "--noheader", "--format=%T") == "idle", f"the node is not ready: see {folder}")
        yield


@contextlib.contextmanager
def _configured(folder: Path) -> Iterator[None]:
    if not BEFORE.exists() and ETC.exists():  # else what lies there is of a test that was killed
        ETC.rename(BEFORE)
    try:
        ETC.mkdir(exist_ok=True)
        host, ports = socket.gethostname(), _free_ports(2)
        (ETC / "slurm.conf").write_text(SLURM_CONF.format(host=host, folder=folder, ports=ports))
        (ETC / "gres.conf").write_text(GRES_CONF.format(host=host))
        yield
    finally:
        shutil.rmtree(ETC)
        if BEFORE.exists():
            BEFORE.rename(ETC)


@contextlib.contextmanager
def _daemon(command: list[str], log: Path) -> Iterator[None]:
    """A daemon that ends with the block, or with this process if that is killed."""
    with open(log, "ab") as output:
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_jobs() -> None:
    """Nothing that Slurm started outlives it."""
    subprocess.run(["scancel", "--quiet", "--user=root"], check=False)
    with contextlib.suppress(RuntimeError):
        _wait_for(lambda: _output("squeue", "--noheader") == "", "", 60)


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def _wait_for(ready, otherwise: str, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            raise RuntimeError(otherwise)
        time.sleep(0.1)


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for socket_ in sockets:
            socket_.bind(("127.0.0.1", 0))
        return [socket_.getsockname()[1] for socket_ in sockets]


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="slurm-") as scratch:
        try:
            with one_node(Path(scratch)):
                done = subprocess.run(sys.argv[1:] or ["bash"])
        except RuntimeError as error:
            sys.exit(f"slurm_node.py: {error}")
    sys.exit(done.returncode)
