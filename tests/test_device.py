from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.utils.deterministic

from hardpair import device
from hardpair.device_in_words import device_name, visible_gpu, why_cpu
from hardpair.files import own_folder
from hardpair.jobs import gpu


def test_a_job_without_a_gpu_computes_on_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device.choose_device(0).type == "cpu"
    assert device.choose_device(1).type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.choose_device(1).type == "cpu"


def test_the_reason_why_a_job_computes_on_the_cpu_is_logged(monkeypatch):
    assert why_cpu(0) == "it was given no GPU"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert why_cpu(1).startswith("Apple's GPU cannot add in float64")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(gpu, "present", lambda: False)
    assert why_cpu(1) == "there is no GPU here"
    monkeypatch.setattr(gpu, "present", lambda: True)
    monkeypatch.setattr(torch.cuda, "init", old_driver)
    assert why_cpu(1) == "torch cannot use this machine's GPU: The NVIDIA driver on your system is too old (found version 11040)."
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    assert why_cpu(1) == "torch cannot use this machine's GPU: it sees no device"
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)
    assert why_cpu(1) == "this build of torch cannot use a GPU"


def old_driver():
    raise RuntimeError("The NVIDIA driver on your system is too old (found version 11040).\nPlease update your GPU driver")


def test_a_job_that_cannot_use_its_gpu_says_why_and_leaves_it_to_others(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(own_folder, "TEMPORARY", tmp_path)
    monkeypatch.setattr(gpu, "_held", [])
    monkeypatch.setattr(gpu, "present", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "init", old_driver)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    for _ in range(2):  # the second would wait
        assert gpu.take_gpu(1) == "7"
        assert device.start_device(1, 1, False).type == "cpu"
    assert capsys.readouterr().err.count("computing on the CPU: torch cannot use this machine's GPU: The NVIDIA driver") == 2


@pytest.mark.parametrize("deterministic", [False, True])
def test_a_gpu_computes_to_the_same_bits_where_that_is_asked_for_without_filling_memory(deterministic, monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "use_deterministic_algorithms", asked.append)
    monkeypatch.setattr(torch.backends, "cuda", SimpleNamespace(matmul=SimpleNamespace()))
    monkeypatch.setattr(torch.backends, "cudnn", cudnn := SimpleNamespace(benchmark=False))
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", True)
    device.configure(torch.device("cuda"), 1, deterministic)
    assert asked == [deterministic]
    assert not torch.utils.deterministic.fill_uninitialized_memory
    assert {cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32} == {False}
    assert not cudnn.benchmark, "cuda_graph turns it on for the captured size"


def test_the_record_names_the_gpu_that_was_used(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-5fd4f087")
    assert visible_gpu(torch.device("cuda")) == "MIG-5fd4f087"
    assert visible_gpu(torch.device("cpu")) is None
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert visible_gpu(torch.device("cuda")) == "0"


def test_the_record_names_the_cpu(monkeypatch):
    monkeypatch.setattr(Path, "read_text", lambda self, *_: "model name : some CPU\nflags : fma\n")
    assert device_name(torch.device("cpu")) == "some CPU"
