"""The sound of a recording: into a form that plays and seeks in every browser, and what can be measured in it.

What a browser records (WebM with Opus) has neither a duration nor an index: its packets are copied into a file that has
both. What has holes, or another form, is decoded and encoded anew, with silence in the holes. The left channel is
the customer, the right one the operator.

How speech is told from silence: a frame of 20 ms is speech if its RMS is over -45 dBFS; pauses under 0.3 s between such
frames belong to the speech. Talk of a side is the sum of its speech, overlap the time in which both speak, silence that in
which nobody does: customer + operator − overlap + silence = duration. The talk share of a side is its part of the
speech of both.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.error import FFmpegError

Samples = np.ndarray[Any, np.dtype[Any]]
RECORDED = "audio/webm"
PLAYED = "audio/webm"
RATE = 48_000
BITRATE = 48_000
FRAME_S = 0.02
FRAME = int(RATE * FRAME_S)
SPEECH_RMS = 10 ** (-45 / 20)
BRIDGE_FRAMES = 15
# Silences so long can be skipped.
LONG_SILENCE_S = 2.0
# Points of a waveform: 50 a second in a short recording, never more than so many.
POINTS = 2000
# A hole shorter than this is jitter.
HOLE_S = 0.25


class Unplayable(Exception):
    """There is no sound in it that can be read."""


@dataclass
class Heard:
    """What was measured in a recording: seconds; `sides` are waveforms of 0–100."""

    duration_s: float = 0.0
    customer_s: float | None = None
    operator_s: float | None = None
    silence_s: float | None = None
    overlap_s: float | None = None
    sides: list[list[int]] = field(default_factory=list)
    silences: list[list[float]] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)


def convert(source: IO[bytes], target: str) -> Heard:
    """Write the sound of a file to a path as WebM with Opus, with duration and index. Raises Unplayable."""
    heard = measure(source)
    source.seek(0)
    try:
        with av.open(source) as opened:
            stream = opened.streams.audio[0]
            as_it_is = "matroska" in opened.format.name and stream.codec_context.name == "opus" and not heard.gaps
            (_copy if as_it_is else _encode)(opened, stream, target)
    except FFmpegError as error:
        raise Unplayable(str(error)) from None
    return heard


def _writer(target: str) -> Any:
    # The index stands before the sound: a player needs no look at the end of the file.
    return av.open(target, "w", format="webm", options={"cues_to_front": "1"})


def _copy(opened: Any, stream: AudioStream, target: str) -> None:
    with _writer(target) as writer:
        out = writer.add_stream_from_template(stream)
        first = None
        for packet in opened.demux(stream):
            if packet.dts is None:
                continue
            first = packet.pts if first is None else first
            packet.pts -= first
            packet.dts = packet.pts
            packet.stream = out
            writer.mux(packet)


def _encode(opened: Any, stream: AudioStream, target: str) -> None:
    channels = min(stream.codec_context.channels, 2)
    layout = "stereo" if channels == 2 else "mono"
    with _writer(target) as writer:
        out = writer.add_stream("libopus", rate=RATE, layout=layout)
        out.bit_rate = BITRATE
        at = 0
        for block in _blocks(opened, stream):
            frame = AudioFrame.from_ndarray(
                np.ascontiguousarray(block[:channels].T.reshape(1, -1)), format="flt", layout=layout
            )
            frame.sample_rate, frame.pts = RATE, at
            at += block.shape[1]
            writer.mux(out.encode(frame))
        writer.mux(out.encode(None))


def length_s(source: IO[bytes]) -> float:
    """Return how many seconds of sound a file has, without decoding it. Raises Unplayable without any.

    What its packets last counts as well as what their times say: one of both may be made up.
    """
    end, lasts = 0.0, 0.0
    try:
        with av.open(source, mode="r") as opened:
            if not opened.streams.audio:
                raise Unplayable("no audio")
            for packet in opened.demux(opened.streams.audio[0]):
                if packet.time_base is None or not packet.size:
                    continue
                length = float((packet.duration or 0) * packet.time_base)
                lasts += length
                if packet.pts is not None:
                    end = max(end, float(packet.pts * packet.time_base) + length)
    except FFmpegError as error:
        raise Unplayable(str(error)) from None
    if not max(end, lasts):
        raise Unplayable("no sound")
    return max(end, lasts)


# --- Decoding ----------------------------------------------------------------------------------


def _decoded(opened: Any, stream: AudioStream) -> Iterator[tuple[float, Samples]]:
    """Yield (second, samples by channel) of what can be decoded; what is damaged in between is left out."""
    resampler = av.AudioResampler(format="fltp", rate=RATE)
    packets = opened.demux(stream)
    while True:
        try:
            frames = next(packets).decode()
        except StopIteration:
            return
        except FFmpegError:
            continue
        for frame in frames:
            at = float(frame.pts * frame.time_base) if frame.pts is not None else -1.0
            as_it_is = frame.format.name == "fltp" and frame.sample_rate == RATE
            for one in [frame] if as_it_is else resampler.resample(frame):
                yield at, one.to_ndarray()
                at = -1.0


def _blocks(opened: Any, stream: AudioStream, holes: list[float] | None = None) -> Iterator[Samples]:
    """Yield the samples in blocks of a second or so, with silence where nothing was recorded; `holes` gets where that begins.

    A hole is a leap from one frame to the next: that the clock of the sound goes a little otherwise than ours is none.
    """
    waiting: list[Samples] = []
    done = held = 0
    first = due = None
    for at, samples in _decoded(opened, stream):
        if at >= 0:
            first = at if first is None else first
            if due is not None and at - due > HOLE_S:
                missing = max(round((at - first) * RATE) - done, 0)
                if holes is not None:
                    holes.append(round(done / RATE, 3))
                while missing:
                    size = min(missing, RATE)
                    waiting.append(np.zeros((samples.shape[0], size), np.float32))
                    missing, done, held = missing - size, done + size, held + size
                    if held >= RATE:
                        yield np.concatenate(waiting, axis=1)
                        waiting, held = [], 0
            due = at
        waiting.append(samples)
        length = samples.shape[1]
        done, held = done + length, held + length
        due = None if due is None else due + length / RATE
        if held >= RATE:
            yield np.concatenate(waiting, axis=1)
            waiting, held = [], 0
    if waiting:
        yield np.concatenate(waiting, axis=1)


# --- Measuring ---------------------------------------------------------------------------------


def measure(source: IO[bytes]) -> Heard:
    """Listen to a whole file. Raises Unplayable."""
    heard = Heard()
    levels: list[Samples] = []
    peaks: list[Samples] = []
    rest: Samples | None = None
    samples = 0
    try:
        source.seek(0)
        with av.open(source) as opened:
            if not opened.streams.audio:
                raise Unplayable("no audio")
            for block in _blocks(opened, opened.streams.audio[0], heard.gaps):
                samples += block.shape[1]
                joined = block if rest is None else np.concatenate([rest, block], axis=1)
                whole = joined.shape[1] // FRAME
                if whole:
                    frames = joined[:2, : whole * FRAME].reshape(min(joined.shape[0], 2), whole, FRAME)
                    levels.append(np.sqrt(np.mean(np.square(frames), axis=2)))
                    peaks.append(np.max(np.abs(frames), axis=2))
                rest = joined[:, whole * FRAME :]
    except FFmpegError as error:
        raise Unplayable(str(error)) from None
    if not levels:
        raise Unplayable("no sound")
    heard.duration_s = round(samples / RATE, 3)
    heard.sides = waveform(np.concatenate(peaks, axis=1))
    _tell(heard, np.asarray(np.concatenate(levels, axis=1) > SPEECH_RMS))
    return heard


def waveform(peaks: Samples) -> list[list[int]]:
    """Return each side's peaks of 0–100 at no more than POINTS places of equal length."""
    count = peaks.shape[1]
    points = min(count, POINTS)
    starts = np.arange(points) * count // points
    loudest = np.maximum.reduceat(peaks, starts, axis=1)
    return np.rint(np.clip(loudest, 0, 1) * 100).astype(int).tolist()


def _tell(heard: Heard, loud: Samples) -> None:
    """Tell speech, silence and overlap from which frames of each side are loud."""
    speech = np.stack([bridged(side) for side in loud])
    nobody = np.asarray(~speech.any(axis=0))
    heard.silences = [
        [round(start * FRAME_S, 2), round(end * FRAME_S, 2)]
        for start, end in runs(nobody)
        if (end - start) * FRAME_S >= LONG_SILENCE_S
    ]
    if len(speech) == 2:
        heard.customer_s, heard.operator_s = (round(float(side.sum()) * FRAME_S, 2) for side in speech)
        heard.silence_s = round(float(nobody.sum()) * FRAME_S, 2)
        heard.overlap_s = round(float(speech.all(axis=0).sum()) * FRAME_S, 2)


def bridged(loud: Samples) -> Samples:
    """Return the frames of speech: those that are loud, and short pauses between them."""
    speech = loud.copy()
    for start, end in runs(~loud):
        if start > 0 and end < len(loud) and end - start < BRIDGE_FRAMES:
            speech[start:end] = True
    return speech


def runs(true: Samples) -> list[tuple[int, int]]:
    """Return [start, end) of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], true, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]
