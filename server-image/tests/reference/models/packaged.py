"""Models that packages of PyPI contain: silero-vad finds speech, magika types of files, rapidocr reads texts in images."""

import importlib.metadata
from pathlib import Path

import numpy
from PIL import Image, ImageDraw, ImageFont

from .case import Case, same_calls


def cases():
    for path in files("silero-vad"):
        yield Case(f"silero-vad {path.name}", path.read_bytes(), speech)
    for path in files("magika"):
        yield Case("magika", path.read_bytes(), same_calls(*contents()))
    heights = {"det": 96, "cls": 48, "rec": 48}
    for path in files("rapidocr-onnxruntime"):
        height = next(height for kind, height in heights.items() if f"_{kind}_" in path.name)
        calls = [{"x": image(text, height)} for text in ("Understudy 1.0", "approved by Bob")]
        yield Case(f"rapidocr {path.name}", path.read_bytes(), same_calls(*calls))


def files(package):
    """The models in a package. It is not imported: it would need others."""
    found = [file for file in importlib.metadata.files(package) if file.name.endswith(".onnx")]
    return sorted(Path(file.locate()) for file in found)


def speech(session):
    """Frames of a voice between silences, each with the state that the model returned for the frame before."""
    rate = 16_000
    time = numpy.arange(rate) / rate
    pitch = 140 + 20 * numpy.sin(2 * numpy.pi * 3 * time)
    phase = 2 * numpy.pi * numpy.cumsum(pitch) / rate
    voice = sum(numpy.sin(harmonic * phase) / harmonic for harmonic in range(1, 20))
    noise = numpy.random.default_rng(0).normal(0, 0.01, rate)
    sound = (0.2 * voice * ((time > 0.3) & (time < 0.7)) + noise).astype(numpy.float32)
    # 512 samples, after the last 64 of the frame before.
    frames = [sound[start - 64 : start + 512] for start in range(64, rate - 512, 512)]
    names = [port.name for port in session.get_inputs()]
    if "h" in names:
        state = {name: numpy.zeros((1, 1, 128), numpy.float32) for name in ("h", "c")}
        return [{"input": numpy.stack(some), **state} for some in (frames, frames[:1])]
    calls = []
    state = numpy.zeros((2, 1, 128), numpy.float32)
    for frame in frames:
        call = {"input": frame.reshape(1, -1), "state": state, "sr": numpy.array(rate)}
        calls.append({name: call[name] for name in names})
        state = session.run(["stateN"], calls[-1])[0]
    return calls


def contents():
    """The first and the last 1,024 bytes of some files, as magika takes them. 256 stands for a byte that is not there."""
    here = Path(__file__)
    for path in (here, here.parents[1] / "requirements.txt", here.parents[2] / "models/scalar.onnx"):
        content = numpy.frombuffer(path.read_bytes(), numpy.uint8).astype(numpy.int32)
        tokens = numpy.full(2048, 256, numpy.int32)
        first, last = content[:1024], content[-1024:]
        tokens[: len(first)] = first
        tokens[2048 - len(last) :] = last
        yield {"bytes": tokens.reshape(1, -1)}


def image(text, height):
    """A line of text as the models of rapidocr take it: colours from -1 to 1, then rows, then columns."""
    made = Image.new("RGB", (320, height), "white")
    ImageDraw.Draw(made).text((10, height // 4), text, "black", ImageFont.load_default(height // 2))
    colours = numpy.asarray(made, numpy.float32) / 127.5 - 1
    return colours.transpose(2, 0, 1)[None].copy()
