from pathlib import Path

import pytest
import torch

from hardpair.training.precision import autocast, choose_precision


@pytest.mark.parametrize(("flags", "expected"), [("fma avx512_bf16", "bf16"), ("amx_tile amx_bf16", "bf16"), ("fma avx512f", "fp32")])
def test_auto_takes_bf16_on_a_cpu_that_has_it_in_hardware(monkeypatch, flags, expected):
    monkeypatch.setattr(Path, "read_text", lambda self, *_: f"model name : some CPU\nflags : {flags}\n")
    assert choose_precision("auto", torch.device("cpu")) == expected


def test_auto_takes_fp32_where_the_flags_of_the_cpu_are_not_known(monkeypatch):
    def unreadable(self, *_):
        raise OSError

    monkeypatch.setattr(Path, "read_text", unreadable)
    assert choose_precision("auto", torch.device("cpu")) == "fp32"


@pytest.mark.parametrize(("native", "expected"), [(False, "fp32"), (True, "bf16")])
def test_auto_takes_bf16_on_a_gpu_that_has_it_in_hardware(monkeypatch, native, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or native)
    assert choose_precision("auto", torch.device("cuda")) == expected


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_named_precision_is_taken_as_it_is_and_used(precision):
    assert choose_precision(precision, torch.device("cpu")) == precision
    with autocast(torch.device("cpu"), precision):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
