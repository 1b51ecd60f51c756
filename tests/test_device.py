from pathlib import Path

import torch

from hardpair import device


def test_a_job_without_a_gpu_computes_on_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device.choose_device(0).type == "cpu"
    assert device.choose_device(1).type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.choose_device(1).type == "cpu"


def test_the_reason_why_a_job_computes_on_the_cpu_is_logged(monkeypatch):
    assert device.why_cpu(0) == "it was given no GPU"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert device.why_cpu(1).startswith("Apple's GPU cannot add in float64")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert device.why_cpu(1) == "there is no GPU here"
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)
    assert device.why_cpu(1) == "this build of torch cannot use a GPU"


def test_the_record_names_the_gpu_that_was_used(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-5fd4f087")
    assert device.visible_gpu(torch.device("cuda")) == "MIG-5fd4f087"
    assert device.visible_gpu(torch.device("cpu")) is None
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert device.visible_gpu(torch.device("cuda")) == "0"


def test_the_record_names_the_cpu(monkeypatch):
    monkeypatch.setattr(Path, "read_text", lambda self, *_: "model name : some CPU\nflags : fma\n")
    assert device.device_name(torch.device("cpu")) == "some CPU"
