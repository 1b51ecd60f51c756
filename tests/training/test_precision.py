from pathlib import Path

import pytest
import torch

from hardpair.training.precision import autocast, choose_precision


@pytest.mark.parametrize(
    ("maker", "flags", "expected"),
    [
        ("AuthenticAMD", "fma avx512_bf16", "bf16"),
        ("AuthenticAMD", "avx512_fp16 avx512_bf16", "bf16"),
        ("GenuineIntel", "amx_tile amx_bf16 avx512_bf16 avx512_fp16", "bf16"),
        ("GenuineIntel", "fma avx512_bf16", "bf16"),  # Cooper Lake
        ("GenuineIntel", "avx512_fp16 avx512_bf16", "fp32"),
        ("GenuineIntel", "fma avx512f", "fp32"),
        ("AuthenticAMD", "fma avx2", "fp32"),
    ],
)
def test_auto_takes_bf16_on_a_cpu_that_computes_it_faster(monkeypatch, maker, flags, expected):
    text = f"processor\t: 0\nvendor_id\t: {maker}\nmodel name\t: some CPU\nflags\t\t: {flags}\n\n"
    monkeypatch.setattr(Path, "read_text", lambda self, *_: text)
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
