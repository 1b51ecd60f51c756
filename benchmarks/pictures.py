"""How long many small pictures of your own take to prepare on this machine.

Writes PNG files of noise, as large as PNG files of that size get, and runs the command of the workflow on them as a folder, a zip and a
tar. Example:

  python benchmarks/pictures.py --count 60000 --threads 2
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

PREPARE = Path(__file__).parents[1] / "workflow" / "scripts" / "prepare_data.py"
CLASSES = 10


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--count", type=int, default=60_000, help="pictures (default %(default)s)")
    cli.add_argument("--size", type=int, default=32, help="their height and width, before and after (default %(default)s)")
    cli.add_argument("--threads", type=int, default=2, help="threads that decode (default %(default)s)")
    options = cli.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = write(Path(folder) / "pictures", options.count, options.size)
        for kind in ("folder", "zip", "tar"):
            pack = {"zip": [sys.executable, "-m", "zipfile", "-c"], "tar": ["tar", "-cf"]}.get(kind)
            packed = source if pack is None else source.with_suffix(f".{kind}")
            if pack:
                subprocess.run([*pack, packed.name, source.name], cwd=folder, check=True)
            start = time.perf_counter()
            prepare(packed, options.size, options.threads, Path(folder) / "prepared")
            seconds = time.perf_counter() - start
            print(f"{kind}: {options.count:,} pictures in {seconds:.1f} s, {options.count / seconds:,.0f} a second")


def write(folder: Path, count: int, size: int) -> Path:
    """So many PNG files in a folder for each class."""
    generator = np.random.default_rng(0)
    for label in range(CLASSES):
        (folder / str(label)).mkdir(parents=True)
    for number in range(count):
        noise = generator.integers(0, 256, (size, size, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / str(number % CLASSES) / f"{number}.png", compress_level=1)
    return folder


def prepare(source: Path, size: int, threads: int, output: Path) -> None:
    """The command of rule prepare_data."""
    command = [sys.executable, PREPARE, "--kind", "folder", "--name", "benchmark", "--source", source, "--threads", str(threads)]
    command += ["--settings", json.dumps({"size": size}), "--output-dir", output]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
