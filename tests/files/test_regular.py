"""Named pipes in place of files are refused at once; a reader of one would wait for what is never written."""

import os
from pathlib import Path

import pytest

from hardpair.comparison import registration
from hardpair.errors import UserError
from hardpair.files import readers
from hardpair.files.atomic import file_sha256
from hardpair.files.regular import check_regular
from hardpair.jobs.logs import Log, read_log
from hardpair.study import status_reader, tensorboard_events


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_a_file_and_a_folder_pass_and_others_do_not(tmp_path, pipe):
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link", "."):
        check_regular(tmp_path / name)
    check_regular(tmp_path / "file", most=3)
    for path, message in ((pipe, "is no regular file"), (Path("/dev/zero"), "is no regular file"), (tmp_path / "gone", "No such file")):
        with pytest.raises(OSError, match=message):
            check_regular(path)
    os.truncate(tmp_path / "file", 2**20 + 1)
    with pytest.raises(OSError, match="has more than 1 MiB"):
        check_regular(tmp_path / "file", most=2**20)


def test_no_reader_waits_for_a_pipe(pipe):
    with pytest.raises(OSError, match="is no regular file"):
        file_sha256(pipe)
    for read in (readers.read_table, readers.array_names, tensorboard_events._rows):
        with pytest.raises(UserError, match=r"pipe cannot be read \(.*is no regular file"):
            read(pipe)
    assert "is no regular file" in registration.read(pipe).problem
    assert read_log(pipe) == Log()
    assert status_reader._run_progress(pipe, 3) == {}
