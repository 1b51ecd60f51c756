"""What a power cut takes from the disk is made again by the README's commands."""

import signal

from faults import tries


@tries("Power cut: files written last cut short or zeroed", full=200, daily=1)
def test_power_cut(undisturbed, attempt, tmp_path):
    """Though files are flushed: a disk may say that it has written what it has not."""
    study = undisturbed.start(tmp_path)
    with study.started() as running:
        undisturbed.wait(running, attempt.share)
        running.send_all(signal.SIGKILL)
    kept = [path for folder in ("results", "resources") for path in (study.folder / folder).rglob("*") if path.is_file()]
    newest = sorted((path for path in kept if "logs" not in path.parts), key=lambda path: path.stat().st_mtime)
    for path in newest[-attempt.random.randint(1, 12) :]:
        content = path.read_bytes()
        sound = content[: attempt.random.choice([0, attempt.random.randrange(len(content) + 1) // 4096 * 4096])]
        path.write_bytes(attempt.random.choice([sound, sound.ljust(len(content), b"\0")]))
    study.unlock()
    study.finish()
    study.finish()  # removes what was set aside
    undisturbed.assert_same(study, marked=True)
