"""A Whisper model that says the same words whatever it hears, and a voice that is told from noise.

The model is a real one, in the form of CTranslate2, with all its layers: its positions lead the decoder from word to word.
"""

from pathlib import Path
from typing import Any

import numpy as np

RATE = 16_000
SAYS = ("good", " morning", " my", " order", " is", " late")
# In which second of its window it says that it stops.
UNTIL_S = 3.0
WIDE, HEADS, MELS, HEARS, LONGEST = 64, 2, 80, 1500, 448
# What CTranslate2 tells models of many languages by.
MANY_LANGUAGES = ""


def voice(seconds: float, rate: int = RATE, pitch: float = 120.0) -> np.ndarray:
    """Syllables of a hoarse robot: pulses of the throat, formed by a mouth that opens and closes."""
    at = np.arange(round(seconds * rate)) / rate
    phase = np.cumsum(pitch * (1 + 0.15 * np.sin(2 * np.pi * 0.7 * at)) / rate)
    pulses = np.diff(np.floor(phase), prepend=0.0)
    vowels = [(700, 1200, 2600), (300, 2300, 3000), (450, 900, 2500), (500, 1800, 2500)]
    spoken = np.zeros_like(at)
    for number, formants in enumerate(vowels):
        sound = pulses
        for hertz in formants:
            sound = _resonant(sound, hertz, 90.0, rate)
        mine = (np.floor(at * 5).astype(int) % len(vowels)) == number
        spoken += sound / (np.abs(sound).max() or 1) * mine
    return (0.5 * spoken * (0.15 + 0.85 * np.abs(np.sin(np.pi * 5 * at)))).astype(np.float32)


def _resonant(sound: np.ndarray, hertz: float, wide: float, rate: int) -> np.ndarray:
    length = np.arange(round(0.03 * rate)) / rate
    answer = np.exp(-np.pi * wide * length) * np.cos(2 * np.pi * hertz * length)
    return np.convolve(sound, answer)[: len(sound)]


def make(folder: Path, *, says: tuple[str, ...] = SAYS, language: str = "en") -> Path:
    """Write the model into a folder."""
    from ctranslate2.specs import WhisperSpec

    folder.mkdir(parents=True, exist_ok=True)
    tokens, tokenizer = _vocabulary(says)
    tokenizer.save(str(folder / "tokenizer.json"))
    spec = WhisperSpec(1, HEADS, 1, HEADS)
    dice = np.random.default_rng(7)
    embeddings = dice.normal(size=(len(tokens), WIDE)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    place = {token: number for number, token in enumerate(tokens)}
    # What is said at each position; the first one tells the language, two more are of the prompt.
    route = [f"<|{language}|>", "<|transcribe|>", "<|0.00|>", *says, f"<|{UNTIL_S:.2f}|>", "<|endoftext|>"]
    positions = np.zeros((LONGEST, WIDE), np.float32)
    for number in range(LONGEST):
        said = route[number] if number < len(route) else "<|endoftext|>"
        positions[number] = 20 * embeddings[place[_written(said)]]
    _fill(spec, embeddings, positions, dice)
    spec.register_vocabulary(tokens)
    spec.config.lang_ids = [
        place[token] for token in tokens if len(token) in {6, 7} and token.startswith("<|") and token[2:-2].isalpha()
    ]
    spec.config.alignment_heads = [(0, 0)]
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], []
    spec.validate()
    spec.optimize()
    spec.save(str(folder))
    return folder


def _written(token: str) -> str:
    """A token as byte-level BPE writes it: a space is Ġ."""
    return token if token.startswith("<|") else token.replace(" ", "Ġ")


def _vocabulary(says: tuple[str, ...]) -> tuple[list[str], Any]:
    from faster_whisper.tokenizer import _LANGUAGE_CODES
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    tokens = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *dict.fromkeys(_written(word) for word in says)]
    tokens.append(MANY_LANGUAGES)
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in _LANGUAGE_CODES)]
    special += [
        "<|translate|>",
        "<|transcribe|>",
        "<|startoflm|>",
        "<|startofprev|>",
        "<|nospeech|>",
        "<|notimestamps|>",
    ]
    tokens += special + [f"<|{number * 0.02:.2f}|>" for number in range(1501)]
    tokenizer = Tokenizer(models.BPE(vocab={token: n for n, token in enumerate(tokens)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    return tokens, tokenizer


def _fill(spec: Any, embeddings: np.ndarray, positions: np.ndarray, dice: Any) -> None:
    """Give every layer its weights: what the decoder hears is looked at (it gives words their times), and not added."""

    def loose(*shape: int) -> np.ndarray:
        return (0.1 * dice.normal(size=shape)).astype(np.float32)

    def linear(one: Any, out: int, into: int, *, deaf: bool = False) -> None:
        one.weight = np.zeros((out, into), np.float32) if deaf else loose(out, into)
        one.bias = np.zeros(out, np.float32)

    def norm(one: Any) -> None:
        one.gamma, one.beta = np.ones(WIDE, np.float32), np.zeros(WIDE, np.float32)

    for conv, into in ((spec.encoder.conv1, MELS), (spec.encoder.conv2, WIDE)):
        conv.weight, conv.bias = loose(WIDE, into, 3), np.zeros(WIDE, np.float32)
    spec.encoder.position_encodings.encodings = loose(HEARS, WIDE)
    spec.decoder.position_encodings.encodings = positions
    spec.decoder.embeddings.weight = embeddings
    spec.decoder.projection.weight = embeddings * 4
    for stack in (spec.encoder, spec.decoder):
        norm(stack.layer_norm)
        for layer in stack.layer:
            for part in (layer.self_attention, layer.ffn):
                norm(part.layer_norm)
            linear(layer.self_attention.linear[0], 3 * WIDE, WIDE)
            linear(layer.self_attention.linear[1], WIDE, WIDE, deaf=True)
            linear(layer.ffn.linear_0, 4 * WIDE, WIDE)
            linear(layer.ffn.linear_1, WIDE, 4 * WIDE, deaf=True)
    for layer in spec.decoder.layer:
        norm(layer.attention.layer_norm)
        for number, out in enumerate((WIDE, 2 * WIDE)):
            linear(layer.attention.linear[number], out, WIDE)
        linear(layer.attention.linear[2], WIDE, WIDE, deaf=True)
