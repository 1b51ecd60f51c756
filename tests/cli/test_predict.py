import json
import os
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file

import predict
from hardpair.cli.command import run
from hardpair.files.atomic import file_sha256
from hardpair.training.model import build

SIZE = 16
CLASSES = ["airplane", "cat", "dog", "ship", "maple_tree", "frog"]
MEAN, STD = [0.49, 0.48, 0.45], [0.25, 0.24, 0.26]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run whose last and best model differ."""
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("run")
    for seed, name in enumerate(("last", "best")):
        network = build(len(CLASSES), SIZE, 0.5, seed)
        with torch.no_grad():
            network.output.weight *= 40  # so that the classes' probabilities differ
        save_file({key: value.contiguous() for key, value in network.state_dict().items()}, path / f"{name}.safetensors")
    weights = {name: file_sha256(path / f"{name}.safetensors") for name in ("last", "best")}
    record = {"classes": CLASSES, "size": SIZE, "mean": MEAN, "std": STD, "precision": "fp32", "weights": weights}
    (path / "run.json").write_text(json.dumps(record))
    return path


@pytest.fixture
def predicted_text(monkeypatch, capsys, folder):
    """What the command prints."""

    def predicted(*options: object, run_folder=folder) -> str:
        monkeypatch.setattr(sys, "argv", ["predict.py", "--run", str(run_folder), *map(str, options)])
        run(predict.main)
        return capsys.readouterr().out

    return predicted


@pytest.fixture
def complaint(predicted_text, capsys):
    """The one line in which the command ends."""

    def complained(*options: object, **where) -> str:
        with pytest.raises(SystemExit) as caught:
            predicted_text(*options, **where)
        assert capsys.readouterr().out == ""
        message = str(caught.value.code)
        assert message.startswith("predict.py: ")
        assert "\n" not in message
        return message

    return complained


def pixels(height: int = SIZE, width: int = SIZE, channels: int = 3) -> np.ndarray:
    """A smooth picture with a slope of its own in each channel, uint8 (height, width, channels)."""
    rows, columns = np.mgrid[0:height, 0:width]
    waves = [30 + rows / height * 150 + 20 * np.sin(columns / (2 + channel)) + 15 * channel for channel in range(channels)]
    return np.stack(waves, -1).clip(0, 255).round().astype(np.uint8)


def saved(path, array: np.ndarray, mode: str | None = None, **options):
    picture = Image.fromarray(array)
    (picture.convert(mode) if mode else picture).save(path, **options)
    return path


def by_hand(folder, image: np.ndarray, model: str = "last") -> np.ndarray:
    """Probabilities of an image uint8 (16, 16, 3), in float64 and as the network is written in the paper: ReLU before pooling."""
    from safetensors.numpy import load_file

    w = {key: torch.from_numpy(value).double() for key, value in load_file(folder / f"{model}.safetensors").items()}
    x = torch.from_numpy(((image / 255 - MEAN) / STD).transpose(2, 0, 1))[None]
    for layer in range(3):
        x = F.max_pool2d(F.relu(F.conv2d(x, w[f"convolutions.{layer}.weight"], w[f"convolutions.{layer}.bias"], padding=1)), 2)
    hidden = F.relu(x.flatten(1) @ w["hidden.weight"].T + w["hidden.bias"])
    return F.softmax(hidden @ w["output.weight"].T + w["output.bias"], 1)[0].numpy()


def probabilities(text: str) -> list[dict]:
    """For each picture, probability by class."""
    return [{entry["class"]: entry["probability"] for entry in picture["classes"]} for picture in json.loads(text)]


@pytest.mark.parametrize("model", ["last", "best"])
def test_probabilities_are_those_of_a_plain_computation(predicted_text, folder, tmp_path, model):
    image = pixels()
    (shares,) = probabilities(predicted_text("--model", model, "--json", "--top", 99, saved(tmp_path / "a.png", image)))
    expected = by_hand(folder, image, model)
    np.testing.assert_allclose([shares[name] for name in CLASSES], expected, atol=2e-5)
    assert list(shares) == [CLASSES[index] for index in np.argsort(-expected)]
    assert expected.max() - expected.min() > 0.05, "else anything would pass"


def test_a_folder_stands_for_its_pictures_by_name(predicted_text, folder, tmp_path, capsys):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in ("b.png", "a.PNG", ".hidden.png", "c", "d.png.orig"):
        saved(pictures / name, pixels(), format="PNG")
    (pictures / "notes.txt").write_text("x")
    (pictures / "paper.pdf").write_text("x")
    (pictures / "more").mkdir()
    single = saved(tmp_path / "z.png", pixels())
    shown = [picture["picture"] for picture in json.loads(predicted_text("--json", single, pictures))]
    assert shown == [str(single), *(str(pictures / name) for name in ("a.PNG", "b.png", "c", "d.png.orig"))]
    predict._files(pictures)
    ignored = f"{pictures / 'notes.txt'}, {pictures / 'paper.pdf'}"
    assert capsys.readouterr().err == f"files that are no pictures by their names, ignored: 2 ({ignored})\n"


def test_a_named_pipe_is_not_waited_for(complaint, tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    message = f"predict.py: {tmp_path / 'pipe.png'}: is no regular file: check the path, its permissions and the space left on the disk"
    assert complaint(tmp_path / "pipe.png") == complaint(tmp_path) == message


def test_too_little_memory_is_not_called_a_fault_of_the_picture(complaint, tmp_path, monkeypatch):
    def exhausted(*arguments):
        raise MemoryError

    monkeypatch.setattr("hardpair.data.pictures.picture._pixels", exhausted)
    picture = saved(tmp_path / "a.png", pixels())
    assert complaint(picture).startswith(f"predict.py: {picture} could not be decoded: the machine was out of memory")


def test_a_folder_without_pictures_is_refused(complaint, tmp_path):
    (tmp_path / "empty").mkdir()
    assert complaint(tmp_path / "empty") == f"predict.py: {tmp_path}/empty holds no picture: name a picture or a folder of them"


def test_a_run_that_is_not_there_is_answered_with_those_that_are(complaint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert complaint("a.png", run_folder="/nowhere") == "predict.py: /nowhere holds no run: name the folder of a finished run"
    for seed in range(8):
        run = tmp_path / f"results/mine/runs/dfl/seed{seed}"
        run.mkdir(parents=True)
        (run / "run.json").write_text("{}")
    choice = ", ".join(f"results/mine/runs/dfl/seed{seed}" for seed in range(6))
    for typed in ("results/mine/runs/dfl/seed9", "resutls/mine/runs/dfl/seed0"):
        assert complaint("a.png", run_folder=typed) == f"predict.py: {typed} holds no run: choose from {choice} and 2 more"
    other = tmp_path / "results/another/runs/ce/seed0"
    other.mkdir(parents=True)
    (other / "run.json").write_text("{}")
    assert f"choose from {choice} and 3 more" in complaint("a.png", run_folder="results/mine/runs/dfl/seed9")


def test_each_picture_has_its_own_answer_in_the_order_given(predicted_text, folder, tmp_path):
    images = [pixels(), 255 - pixels(), pixels()[:, ::-1]]
    paths = [saved(tmp_path / f"{name}.png", image) for name, image in zip("zab", images, strict=True)]
    text = predicted_text("--json", "--top", 6, *paths)
    assert [picture["picture"] for picture in json.loads(text)] == list(map(str, paths))
    for shares, image in zip(probabilities(text), images, strict=True):
        np.testing.assert_allclose([shares[name] for name in CLASSES], by_hand(folder, image), atol=2e-5)


def test_class_names_of_a_run_from_elsewhere_hold_no_controls():
    shown = predict.table([{"picture": "\x1b]0;a", "classes": [{"class": "\x1b[2Jcat", "probability": 1.0}]}])
    assert shown.splitlines() == ["\\x1b]0;a", "  \\x1b[2Jcat  100.00%"]


def test_the_table_names_the_pictures_and_their_most_probable_classes(predicted_text, folder, tmp_path):
    image = pixels()
    first, second = saved(tmp_path / "first.png", image), saved(tmp_path / "second.png", image)
    p = by_hand(folder, image)
    best = np.argsort(-p)[:2]
    width = max(len(CLASSES[index]) for index in best)
    lines = [f"  {CLASSES[index]:<{width}}  {p[index]:7.2%}" for index in best]
    assert predicted_text("--top", 2, first, second).splitlines() == [str(first), *lines, "", str(second), *lines]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_precision_is_that_of_the_run(predicted_text, folder, tmp_path, precision):
    record = json.loads((folder / "run.json").read_text()) | {"precision": precision}
    (tmp_path / "run.json").write_text(json.dumps(record))
    (tmp_path / "last.safetensors").symlink_to(folder / "last.safetensors")
    (shares,) = probabilities(predicted_text("--json", "--top", 6, saved(tmp_path / "a.png", pixels()), run_folder=tmp_path))
    away = np.abs([shares[name] for name in CLASSES] - by_hand(folder, pixels())).max()
    assert away < 2e-5 if precision == "fp32" else 2e-5 < away < 0.05


@pytest.mark.parametrize(("height", "width"), [(64, 64), (48, 96), (97, 40), (7, 7), (5, 9)])
def test_a_picture_is_cut_to_its_middle_and_resized_with_antialiasing(tmp_path, height, width):
    image = pixels(height, width)
    side, top, left = min(height, width), (height - min(height, width)) // 2, (width - min(height, width)) // 2
    middle = torch.from_numpy(image[top : top + side, left : left + side].transpose(2, 0, 1)[None].astype(np.float64))
    expected = F.interpolate(middle, (SIZE, SIZE), mode="bicubic", antialias=True)[0].numpy()
    result = predict.read_picture(saved(tmp_path / "a.png", image), SIZE)
    assert result.shape == (3, SIZE, SIZE)
    assert np.abs(result - expected).max() <= 1


def test_a_fine_grid_becomes_grey(tmp_path):
    grid = np.indices((128, 128)).sum(0) % 2 * 255
    result = predict.read_picture(saved(tmp_path / "a.png", grid.astype(np.uint8)), SIZE)
    assert np.abs(result.astype(int) - 127.5).max() <= 8


TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", TURNS)
def test_a_picture_is_rotated_by_its_exif_orientation(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.png", pixels(), exif=exif)
    np.testing.assert_array_equal(predict.read_picture(path, SIZE), TURNS[orientation](pixels()).transpose(2, 0, 1))


def test_every_mode_becomes_colour(tmp_path):
    grey = pixels()[..., 0]
    as_colour = np.stack([grey] * 3)
    same = {
        "L.png": grey,
        "sixteen.png": grey.astype(np.uint16) * 257,
        "thirty-two.tif": grey.astype(np.int32) * 257,
        "float.tif": grey.astype(np.float32),
        "RGB.bmp": np.stack([grey] * 3, -1),
    }
    for name, array in same.items():
        result = predict.read_picture(saved(tmp_path / name, array), SIZE)
        np.testing.assert_allclose(result, as_colour, atol=1, err_msg=name)
    for name, mode in {"P.gif": "P", "CMYK.tif": "CMYK", "YCbCr.tif": "YCbCr", "LA.png": "LA", "L.webp": "RGB", "L.jpg": "L"}.items():
        result = predict.read_picture(saved(tmp_path / name, grey, mode), SIZE).astype(int)
        assert np.abs(result - as_colour).mean() < 6, name
    black_and_white = predict.read_picture(saved(tmp_path / "1.png", grey > 128), SIZE)
    np.testing.assert_array_equal(black_and_white, np.stack([(grey > 128) * 255] * 3))


def test_what_is_transparent_is_white(tmp_path):
    colour, alpha = pixels(), np.tile(np.array([0, 128, 255, 255], dtype=np.uint8), (SIZE, SIZE // 4))
    path = saved(tmp_path / "a.png", np.dstack([colour, alpha]))
    share = alpha[..., None] / 255
    expected = (colour * share + 255 * (1 - share)).transpose(2, 0, 1)
    np.testing.assert_allclose(predict.read_picture(path, SIZE), expected, atol=1)
    palette = Image.fromarray(pixels()[..., 0]).convert("P")
    hidden = np.asarray(palette) == palette.getpixel((0, 0))
    palette.save(tmp_path / "p.png", transparency=palette.getpixel((0, 0)))
    assert (predict.read_picture(tmp_path / "p.png", SIZE)[:, hidden] == 255).all()


def test_what_is_no_picture_is_named(complaint, tmp_path):
    good = saved(tmp_path / "good.png", pixels())
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:-60])
    saved(tmp_path / "whole.jpg", pixels(64, 64))
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:700])
    for name in ("text.png", "empty.png", "cut.png", "cut.jpg"):
        assert f"{name} cannot be read as a picture" in complaint(good, tmp_path / name)
    assert "is missing: name an existing picture" in complaint(good, tmp_path / "gone.png")
    assert "cannot be read as a picture" in complaint(tmp_path)


@pytest.mark.parametrize("limit", [200, 100])
def test_a_picture_of_too_many_pixels_is_refused(complaint, tmp_path, monkeypatch, limit):
    path = saved(tmp_path / "bomb.png", pixels())
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)  # Pillow warns above the limit and raises above twice the limit
    assert f"bomb.png has more than {limit} pixels: make it smaller first" in complaint(path)


def test_a_folder_without_a_run_or_without_the_model_is_named(complaint, folder, tmp_path):
    path = saved(tmp_path / "a.png", pixels())
    assert complaint(path, run_folder=tmp_path).endswith("holds no run: name the folder of a finished run")
    record = json.loads((folder / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps(record | {"weights": {"last": "0"}}))
    assert "use --model last" in complaint("--model", "best", path, run_folder=tmp_path)
    assert "last.safetensors is missing" in complaint(path, run_folder=tmp_path)
    (tmp_path / "last.safetensors").write_bytes(b"no weights")
    assert "last.safetensors is not the model of run.json" in complaint(path, run_folder=tmp_path)
    for content, problem in (
        ("{", "is not valid JSON"),
        ("[1]", "run.json is not what it should be (the value is [1])"),
        ('{"classes": []}', "size is missing"),
    ):
        (tmp_path / "run.json").write_text(content)
        assert problem in complaint(path, run_folder=tmp_path)
