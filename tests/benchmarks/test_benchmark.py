"""The speed benchmark compares like with like; its numbers are for docs/speed.md, not for a test."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmark_scripts import load
from hardpair.training import model

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
torch.set_num_threads(1)


@pytest.fixture(scope="module")
def speed():
    return load("training")


@pytest.fixture(scope="module")
def ways():
    return load("ways")


@pytest.fixture(scope="module")
def plain():
    return load("plain")


def test_an_image_costs_what_its_layers_multiply(speed):
    forward = [32 * 32 * 64 * 27, 16 * 16 * 128 * 576, 8 * 8 * 256 * 1152, 4096 * 1024, 1024 * 10]
    assert speed.operations() == 2 * (3 * sum(forward) - forward[0])  # the gradient of the images is not computed


def test_the_plain_network_is_ours_written_plainly(plain):
    ours, theirs = model.build(10, 32, 0.5, seed=3).eval(), plain.network().eval()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    images = torch.randn(4, 3, 32, 32)
    torch.testing.assert_close(theirs(images), ours(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_the_plain_networks_are_ours_too(plain, ways, monkeypatch, name):
    monkeypatch.setattr(ways, "COUNT", 128)
    ours, theirs = ways.our_training(torch.device("cpu"), "fp32", network=name).network.eval(), plain.network(name).eval()
    theirs.load_state_dict({key.removeprefix("network."): value for key, value in ours.state_dict().items()})
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(theirs(images), ours(images), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("way", ["loader", "tensors", "ours"])
def test_every_way_takes_its_steps(ways, plain, monkeypatch, way):
    monkeypatch.setattr(ways, "COUNT", 256)
    device, (pixels, labels) = torch.device("cpu"), ways.made_images()
    advance = {
        "loader": lambda: plain.loader_way(pixels, labels, device, workers=1),
        "tensors": lambda: plain.tensor_way(pixels, labels, device),
        "ours": lambda: ways.our_way(device, "fp32", "ours"),
    }[way]()
    before = torch.get_rng_state()
    advance(3)  # one more than an epoch of the loader has
    assert not torch.equal(before, torch.get_rng_state())


def test_tables_name_what_was_measured(speed):
    row = {"way": "ours", "images_per_second": 1250.4, "lowest": 1200, "highest": 1300, "ms_per_step": 102.4, "of_loader": 3.25}
    row |= {"of_tensors": 2.5, "tflops": 0.32, "share_of_multiplication": 0.78, "peak_memory_mb": 806.2}
    table = speed.training_table([row, {"way": "matrix multiplication, fp32", "tflops": 0.41}]).splitlines()
    assert table[2] == "| ours | 1,250 | 1,200-1,300 | 102 | 3.25 | 2.50 | 0.32 | 78% | 806 |"
    assert {line.count("|") for line in table} == {10}
    assert speed.rest_table([{"what": "a refresh", "seconds": 25.83, "lowest": 25, "highest": 28}]).endswith("| a refresh | 25.8 | 25-28 |")
    assert speed.ratio([2.0, 9.0, 6.0], [1.0, 3.0, 6.0]) == 2.0


def test_pictures_are_prepared_from_a_folder_a_zip_and_a_tar():
    command = [sys.executable, BENCHMARKS / "pictures.py", "--count", "100", "--size", "8"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.partition(" in ")[0] for line in lines] == [f"{kind}: 100 pictures" for kind in ("folder", "zip", "tar")]


@pytest.mark.parametrize("epochs", ["5", "12", "0"])
def test_gradients_are_taken_after_a_refresh(monkeypatch, capsys, epochs):
    monkeypatch.setattr(sys, "argv", ["gradients.py", "--data", "d", "--split", "s", "--epochs", epochs])
    with pytest.raises(SystemExit):
        load("gradients").main()
    expected = f"gradients.py: error: --epochs is {epochs}: give a multiple of 5 above 5"
    assert capsys.readouterr().err.splitlines()[-1] == expected
