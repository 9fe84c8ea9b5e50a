"""Sounds that tests make and recognise: tones, files of them, and how loud a tone is in a file."""

import io
import wave
from typing import Any

import av
import numpy as np

RATE = 48_000
# What the customer's and the operator's side sound like, Hz.
CUSTOMER, OPERATOR = 440, 1200


def tone(hertz: float, seconds: float, loud: float = 0.5) -> np.ndarray:
    return (loud * np.sin(2 * np.pi * hertz * np.arange(round(RATE * seconds)) / RATE)).astype(np.float32)


def quiet(seconds: float) -> np.ndarray:
    return np.zeros(round(RATE * seconds), np.float32)


def call_of(seconds: float) -> np.ndarray:
    """Both sides of a call in which both sound all the time."""
    return np.stack([tone(CUSTOMER, seconds), tone(OPERATOR, seconds)])


def wav(sides: np.ndarray) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(len(sides))
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(sides, -1, 1).T * 32767).astype("<i2").tobytes())
    return out.getvalue()


def webm(sides: np.ndarray) -> bytes:
    """What a browser's recorder gives: WebM with Opus that has neither a duration nor an index."""
    out = io.BytesIO()
    with av.open(out, "w", format="webm", options={"live": "1", "cluster_time_limit": "1000"}) as writer:
        stream = writer.add_stream("libopus", rate=RATE, layout="stereo")
        stream.bit_rate = 48_000
        for start in range(0, sides.shape[1], 960):
            block = np.ascontiguousarray(sides[:, start : start + 960].T.reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(block, format="flt", layout="stereo")
            frame.sample_rate, frame.pts = RATE, start
            writer.mux(stream.encode(frame))
        writer.mux(stream.encode(None))
    return out.getvalue()


def cut(content: bytes, pieces: int) -> list[bytes]:
    """A file in pieces, as a recorder hands it out."""
    size = -(-len(content) // pieces)
    return [content[at : at + size] for at in range(0, len(content), size)]


def decoded(content: bytes) -> np.ndarray:
    """The samples of a file, by side."""
    with av.open(io.BytesIO(content)) as opened:
        resampler = av.AudioResampler(format="fltp", rate=RATE)
        return np.concatenate([r.to_ndarray() for f in opened.decode(audio=0) for r in resampler.resample(f)], axis=1)


def duration(content: bytes) -> float:
    """How long a file says it is, s; 0 if it does not say."""
    with av.open(io.BytesIO(content)) as opened:
        return (opened.duration or 0) / 1_000_000


def level(samples: np.ndarray, hertz: float) -> float:
    """How loud a tone is: its amplitude by Fourier's sum at its frequency, the mean of tenths of a second.

    Over a longer time a tone that jumps (a device that dropped some samples) would cancel itself.
    """
    tenths = np.array_split(samples, max(1, round(10 * len(samples) / RATE)))
    sums = [np.dot(tenth, np.exp(-2j * np.pi * hertz * np.arange(len(tenth)) / RATE)) / len(tenth) for tenth in tenths]
    return float(2 * np.mean(np.abs(sums)))


def part(samples: np.ndarray, start: float, end: float) -> Any:
    return samples[:, round(start * RATE) : round(end * RATE)]
