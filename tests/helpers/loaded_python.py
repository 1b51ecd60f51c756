"""A Python that has the libraries loaded.

Most of a job on tiny images is the import of PyTorch: two seconds of a core, hundreds of times in the suite. Here one process imports the
libraries, and forks for each script of the workflow and each ``snakemake`` that a test runs to its end. Scripts and package are loaded
anew each time, from the folder of the test. What tests interrupt, or whose imports and memory they measure, they start without it. So do
commands with another value of a variable that libraries read when they are loaded.
"""

import atexit
import functools
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

SERVER = """
import ast, atexit, gc, importlib, json, os, pathlib, runpy, select, signal, socket, sys, threading

def serve(address):
    '''Returns, in a process of its own for each request, what to run.'''
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        select.select([listener, sys.stdin], [], [])
        if select.select([sys.stdin], [], [], 0)[0]:
            sys.exit()  # whoever started it has ended
        connection, _ = listener.accept()
        if os.fork():
            connection.close()
            continue
        listener.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        size, streams, *_ = socket.recv_fds(connection, 8, 3)
        with connection.makefile("rb") as sent:
            request = json.loads(sent.read(int(size)))
        child = os.fork()
        if not child:
            connection.close()
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
                os.close(stream)
            return request
        for stream in streams:
            os.close(stream)
        handle = os.pidfd_open(child)
        if connection in select.select([handle, connection], [], [])[0]:
            os.kill(child, signal.SIGKILL)  # the client has ended
        _, status = os.waitpid(child, 0)
        connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)

def parsed(source, *more, **options):
    tree = trees.get(source) if isinstance(source, bytes) and not more and not options else None
    return tree or parse(source, *more, **options)

for name in sys.argv[3:]:
    importlib.import_module(name)
importlib.import_module("snakemake.cli").get_argument_parser()  # finds the plugins
# The code of the project, whose hashes each command computes.
parse, trees = ast.parse, {}
trees = {source: parse(source) for source in (path.read_bytes() for path in pathlib.Path(sys.argv[2]).rglob("*.py"))}
ast.parse = parsed
gc.freeze()
request = serve(sys.argv[1])
os.setpgrp()
sys.stdin, sys.stdout = open(0), open(1, "w")
sys.stderr = open(2, "w", buffering=1, errors="backslashreplace")
os.chdir(request["folder"])
os.environ.clear()
os.environ.update(request["environment"])
sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
sys.executable = request["python"]
sys.argv = request["arguments"]
sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
code = 0
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as end:
    code = end.code if isinstance(end.code, int) else int(end.code is not None)
    if end.code is not None and not isinstance(end.code, int):
        print(end.code, file=sys.stderr)
except BaseException:
    sys.excepthook(*sys.exc_info())
    code = 1
threading._shutdown()
atexit._run_exitfuncs()
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)  # to free what is shared with the server would copy it
"""

CLIENT = """#!{python} -IS
import json, os, signal, socket, sys

name, *arguments = sys.argv
if os.path.basename(name) == "snakemake":
    arguments = [{snakemake!r}, *arguments]
elif not (arguments and arguments[0].endswith(".py")) or arguments[0].endswith("record_inputs.py"):  # it imports little
    os.execv({python!r}, [{python!r}, *arguments])
early = {{name: value for name, value in os.environ.items() if name.startswith({early!r}) and {usual!r}.get(name) != value}}
early.pop("PYTHONDONTWRITEBYTECODE", None)
if early != {variables!r}:
    os.execv({python!r}, [{python!r}, *arguments])
request = {{"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ), "python": {client!r}}}
request = json.dumps(request).encode()
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect({address!r})
    socket.send_fds(connection, [b"%8d" % len(request)], [0, 1, 2])
    connection.sendall(request)
    status = int(connection.recv(8) or b"1")
if status < 0:
    os.kill(os.getpid(), -status)
sys.exit(status)
"""
SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
EARLY = ("PYTHON", "LD_", "LC_", "LANG", "MPL", "OMP_", "MKL_", "OPENBLAS_", "ATEN_", "DNNL_", "ONEDNN_")  # read when libraries are loaded
# What Snakemake gives each job of one thread, and a command of the project itself; the libraries are loaded with these values.
USUAL = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")} | {"MPLBACKEND": "agg"}
LIBRARIES = ("torch", "safetensors.torch", "pandas", "matplotlib.figure", "matplotlib.backends.backend_agg", "PIL.Image", "scipy.stats")
LIBRARIES += ("snakemake.cli", "smart_open", "jinja2", "yaml", "jsonschema", "psutil", "filelock")
LIBRARIES += ("rich.console", "rich.table", "rich.progress")


def first_in_path(variables: dict[str, str]) -> dict[str, str]:
    """Environment variables with which ``python`` and ``snakemake`` are those of the loaded Python, where the system has what it needs."""
    if sys.platform != "linux":
        return variables
    return variables | {"PATH": f"{_commands()}{os.pathsep}{variables['PATH']}"}


@functools.cache
def _commands() -> Path:
    """A folder with both commands; what serves them runs until this process ends."""
    scratch = tempfile.TemporaryDirectory(prefix="loaded", dir="/tmp")  # the path of a socket must be short
    folder = Path(scratch.name)
    address = str(folder / "socket")
    command = [sys.executable, "-c", SERVER, address, str(SCRIPTS), *LIBRARIES]
    process = subprocess.Popen(command, env=os.environ | USUAL, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    atexit.register(scratch.cleanup)
    atexit.register(process.kill)
    variables = {name: value for name, value in os.environ.items() if name.startswith(EARLY) and USUAL.get(name) != value}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    text = CLIENT.format(
        python=sys.executable,
        snakemake=str(Path(sys.executable).with_name("snakemake")),
        early=EARLY,
        usual=USUAL,
        variables=variables,
        address=address,
        client=str(folder / "python"),
    )
    for name in ("python", "snakemake"):
        (folder / name).write_text(text)
        (folder / name).chmod(stat.S_IRWXU)
    return folder
