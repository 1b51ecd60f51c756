"""A step of training as a CUDA graph: captured once, then replayed with one launch instead of some hundred."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import torch
from torch import nn

from hardpair.errors import say
from hardpair.training.python_side import PythonSide
from hardpair.training.random_streams import python_states, restore_python

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


class GraphedStep:
    """A step that is captured once it is warm; a batch of another size, such as the last of an epoch, is stepped eagerly.

    Args:
        step: called with the size of a batch; all that changes between its calls must lie in tensors that stay where they are.
        size: of the batches that are captured.
        capture: turns a function into one that replays it.
        modules: those whose attributes the step reads too, by name.
        undo: clears what a capture that failed leaves behind, such as gradients that no kernel computed.
    """

    def __init__(
        self,
        step: Callable[[int], None],
        size: int,
        capture: Callable = cuda_graph,
        modules: Mapping[str, nn.Module] = MappingProxyType({}),
        undo: Callable[[], None] = lambda: None,
    ) -> None:
        self.step, self.size, self.modules, self.undo, self.capture = step, size, modules, undo, capture
        self.warm, self.replay, self.seen, self.refused = 0, None, {}, False

    def renew(self) -> None:
        """Let the next step be captured anew if a module has other attributes or tensors than at the capture.

        To be called whenever they may have changed outside of a step.
        """
        if self.replay is not None and self.seen != self._python_sides():
            self.replay = None

    def __call__(self, size: int) -> None:
        """Take one step over the next ``size`` images."""
        if size != self.size:
            self.step(size)
            return
        if self.warm < WARM_UP:
            self.warm += 1
        elif self.replay is None and not self.refused:
            self._capture()
        if self.replay is None:
            self._eager()
        else:
            self.replay()

    def _eager(self) -> None:
        with measured_algorithms():
            self.step(self.size)

    def _python_sides(self) -> dict[str, PythonSide]:
        return {name: PythonSide(module) for name, module in self.modules.items()}

    def _capture(self) -> None:
        """Set ``replay``, or ``refused`` where the step cannot be captured, or does in Python what a replay would not repeat."""
        states, drawn, problem, replay = python_states(), torch.get_rng_state(), None, None
        self.seen = self._python_sides()
        try:
            replay = self.capture(self._eager)
            if python_states() != states or torch.get_rng_state().tolist() != drawn.tolist():
                problem = "it draws random numbers on the CPU"
            elif changed := [name for name, side in self._python_sides().items() if side != self.seen[name]]:
                problem = f"it replaces a tensor or an attribute of the {changed[0]}"
        except RuntimeError as error:  # a loss that waits for the device, such as by .item()
            problem = str(error).splitlines()[0]
        if problem is None:
            self.replay = replay
            return
        say(f"the step cannot be captured and stays eager, which is slower: {problem}", file=sys.stderr)
        self.refused = True
        self.undo()
        for side in self.seen.values():
            side.restore()
        restore_python(states)
        torch.set_rng_state(drawn)
