"""Checkpoints that are damaged, or intact but of another program: ignored, and never resumed from."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

import fuzzing
from hardpair.training import checkpoint

TENSORS = {"a": torch.arange(6.0).view(2, 3), "b": torch.zeros((), dtype=torch.int64)}
KINDS = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int8, torch.int64, torch.bool, torch.uint8]
TOLD = ["", "mine", "null", "{}", '{"step": 1}', "x" * 128]


@st.composite
def other_tensors(draw) -> bytes:
    """A safetensors file of any tensors and metadata."""
    tensors = {name: torch.zeros(draw(st.sampled_from([(), (0,), (2, 3), (1, 0, 5)])), dtype=draw(st.sampled_from(KINDS))) for name in "ac"}
    header = draw(st.none() | st.dictionaries(st.sampled_from(["key", "values", "digest", "x"]), st.sampled_from(TOLD)))
    return save(tensors, header)


@fuzzing.fuzzed(few=40, many=400)
@given(st.data())
def test_a_run_never_resumes_from_a_damaged_checkpoint(tmp_path_factory, capsys, drawn):
    folder = tmp_path_factory.mktemp("checkpoint")
    path, other = folder / "c.safetensors", drawn.draw(st.booleans(), label="foreign")
    checkpoint.save(path, "mine", TENSORS, {"step": 1})
    intact = path.read_bytes()
    content = drawn.draw(other_tensors() if other else fuzzing.damaged(intact), label="content")
    path.write_bytes(content)
    with fuzzing.Watch(folder) as watch:
        read = checkpoint.load(path, "mine")
    assert watch.noted == []
    if read is not None:  # what was changed has no meaning, such as white space
        assert not other
        assert (read[0]["a"].tolist(), read[1]) == ([[0, 1, 2], [3, 4, 5]], {"step": 1})
    else:
        assert "starting from the beginning" in capsys.readouterr().err
        assert {file.read_bytes() for file in folder.iterdir()} == {content}
