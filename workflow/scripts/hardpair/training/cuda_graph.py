"""A step of training as a CUDA graph: captured once, then replayed with one launch instead of some hundred."""

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator

import torch

WARM_UP = 3  # eager steps before the capture, in which cuDNN chooses its algorithms and buffers get their memory


def cuda_graph(step: Callable[[], None]) -> Callable[[], None]:
    """Capture what ``step`` does, without doing it; calling the result does it."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
        step()
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


class GraphedStep:
    """A step that is captured once it is warm; a batch of another size, such as the last of an epoch, is stepped eagerly.

    Args:
        step: called with the size of a batch; all that changes between its calls must lie in tensors that stay where they are.
        size: of the batches that are captured.
        capture: turns a function into one that replays it.
    """

    def __init__(self, step: Callable[[int], None], size: int, capture: Callable = cuda_graph) -> None:
        self.step, self.size, self.capture = step, size, capture
        self.warm, self.replay = 0, None

    def __call__(self, size: int) -> None:
        """Take one step over the next ``size`` images."""
        if size != self.size:
            self.step(size)
        elif self.warm < WARM_UP:
            self.warm += 1
            self.step(size)
        else:
            if self.replay is None:
                self.replay = self._captured()
            self.replay()

    def _captured(self) -> Callable[[], None]:
        eager = functools.partial(self.step, self.size)
        try:
            return self.capture(eager)
        except RuntimeError as error:  # a loss that waits for the device, such as by .item()
            print(f"the step cannot be captured and stays eager, which is slower: {str(error).splitlines()[0]}", file=sys.stderr)
            return eager
