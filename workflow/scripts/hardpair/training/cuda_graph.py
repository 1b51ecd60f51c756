"""A step of training as a CUDA graph: captured once, then replayed with one launch instead of some hundred."""

import contextlib
import sys
from collections.abc import Callable, Iterator

import torch
from torch import nn

from hardpair.errors import say
from hardpair.training.random_streams import python_states, restore_python

PLAIN = (bool, int, float, str, type(None))
WARM_UP = 3  # eager steps before the capture, in which cuDNN chooses its algorithms and buffers get their memory


def cuda_graph(step: Callable[[], None]) -> Callable[[], None]:
    """Capture what ``step`` does, without doing it; calling the result does it.

    Raises:
        RuntimeError: it cannot be captured; random numbers go on as though it had not been tried.
    """
    # The generator belongs to a capture until it ends. Before torch 2.13 one that failed never gave it back.
    generator = torch.cuda.default_generators[torch.cuda.current_device()]
    graph, state = torch.cuda.CUDAGraph(), generator.clone_state()
    try:
        with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
            step()
    except RuntimeError:
        generator.graphsafe_set_state(state)
        raise
    return graph.replay


@contextlib.contextmanager
def own_stream(device: torch.device) -> Iterator[None]:
    """Where steps must run that are to be captured: a stream beside the default one, which cannot be captured. Nothing on the CPU."""
    if device.type != "cuda":
        yield
        return
    before, stream = torch.cuda.current_stream(device), torch.cuda.Stream(device)
    stream.wait_stream(before)
    with torch.cuda.stream(stream):
        yield
    before.wait_stream(stream)


@contextlib.contextmanager
def measured_algorithms() -> Iterator[None]:
    """Context in which cuDNN takes the fastest algorithm by measurement, which may be another each time, unless bits must be the same."""
    cudnn = torch.backends.cudnn
    cudnn.benchmark, before = not torch.are_deterministic_algorithms_enabled(), cudnn.benchmark
    try:
        yield
    finally:
        cudnn.benchmark = before


def python_side(module: nn.Module) -> dict:
    """What a replayed step reads as it was when it was captured: where the tensors of a module lie, and what else its attributes are."""
    return {
        (name, key): (value.data_ptr(), value.device)
        if isinstance(value, torch.Tensor)
        else value
        if isinstance(value, PLAIN)
        else id(value)
        for name, part in module.named_modules()
        for key, value in {**vars(part), **dict(part.named_buffers(recurse=False))}.items()
    }


class GraphedStep:
    """A step that is captured once it is warm; a batch of another size, such as the last of an epoch, is stepped eagerly.

    Args:
        step: called with the size of a batch; all that changes between its calls must lie in tensors that stay where they are.
        size: of the batches that are captured.
        capture: turns a function into one that replays it.
        reads: what else the step depends on; when that has changed, the step is captured again.
        undo: clears what a capture that failed leaves behind, such as gradients that no kernel computed.
    """

    def __init__(
        self,
        step: Callable[[int], None],
        size: int,
        capture: Callable = cuda_graph,
        reads: Callable[[], object] = lambda: None,
        undo: Callable[[], None] = lambda: None,
    ) -> None:
        self.step, self.size, self.reads, self.undo, self.capture = step, size, reads, undo, capture
        self.warm, self.replay, self.seen, self.refused = 0, None, None, False

    def __call__(self, size: int) -> None:
        """Take one step over the next ``size`` images."""
        if size != self.size:
            self.step(size)
            return
        if self.warm < WARM_UP:
            self.warm += 1
        elif not self.refused and (self.replay is None or self.seen != self.reads()):
            self._capture()
        if self.replay is None:
            self._eager()
        else:
            self.replay()

    def _eager(self) -> None:
        with measured_algorithms():
            self.step(self.size)

    def _capture(self) -> None:
        """Set ``replay``, or ``refused`` where the step cannot be captured, or does in Python what a replay would not repeat."""
        states, drawn, problem, replay = python_states(), torch.get_rng_state(), None, None
        self.seen, self.replay = self.reads(), None
        try:
            replay = self.capture(self._eager)
            if python_states() != states or torch.get_rng_state().tolist() != drawn.tolist():
                problem = "it draws random numbers on the CPU"
            elif self.reads() != self.seen:
                problem = "it replaces a tensor or an attribute of the loss"
        except RuntimeError as error:  # a loss that waits for the device, such as by .item()
            problem = str(error).splitlines()[0]
        if problem is None:
            self.replay = replay
            return
        say(f"the step cannot be captured and stays eager, which is slower: {problem}", file=sys.stderr)
        self.refused = True
        self.undo()
        restore_python(states)
        torch.set_rng_state(drawn)
