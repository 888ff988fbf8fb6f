"""Log-mel of a recording in 80 ms chunks, by one library; asked through standard input.

Usage: frontend.py LIBRARY SAMPLES.npy. Answers every line with microseconds of CPU a frame.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np

RATE, CHUNK, BANDS, HOP, WINDOW = 16000, 1280, 80, 160, 16000


def ours(chunks: list[Any]) -> int:
    """The SDK's stream."""
    from edge_sdk.frontends.audio import AudioFeaturesConfig, LogMel

    stream = LogMel(AudioFeaturesConfig(bands=BANDS)).stream()
    return sum(len(stream.push(chunk)) for chunk in chunks)


def ours_batch(chunks: list[Any]) -> int:
    """The SDK on the whole recording."""
    from edge_sdk.frontends.audio import AudioFeaturesConfig, LogMel

    return len(LogMel(AudioFeaturesConfig(bands=BANDS)).batch(np.concatenate(chunks)))


def kaldi(chunks: list[Any]) -> int:
    """kaldi-native-fbank's online features."""
    import kaldi_native_fbank

    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = BANDS
    stream = kaldi_native_fbank.OnlineFbank(options)
    frames = 0
    for chunk in chunks:
        # A list: the binding takes an array item by item, which would cost it a third more.
        stream.accept_waveform(RATE, chunk.tolist())
        while frames < stream.num_frames_ready:
            stream.get_frame(frames)
            frames += 1
    return frames


def librosa_batch(chunks: list[Any]) -> int:
    """librosa on the whole recording."""
    return len(_librosa(np.concatenate(chunks)))


def librosa(chunks: list[Any]) -> int:
    """librosa has no stream: the last second anew with every chunk, its new frames used."""
    window = np.zeros(WINDOW, np.float32)
    frames = 0
    for chunk in chunks:
        window = np.concatenate([window[CHUNK:], chunk])
        frames += len(_librosa(window)[-(CHUNK // HOP) :])
    return frames


def _librosa(samples: Any) -> Any:
    import librosa as library

    mel = library.feature.melspectrogram(
        y=samples, sr=RATE, n_fft=512, win_length=400, hop_length=HOP, n_mels=BANDS, center=False
    )
    return np.log(np.maximum(mel, 1e-10)).T


LIBRARIES: dict[str, Callable[[list[Any]], int]] = {
    "ours": ours,
    "kaldi": kaldi,
    "librosa": librosa,
    "ours-batch": ours_batch,
    "librosa-batch": librosa_batch,
}


def main() -> None:
    run = LIBRARIES[sys.argv[1]]
    samples = np.load(sys.argv[2])
    chunks = [samples[at : at + CHUNK] for at in range(0, len(samples), CHUNK)]
    run(chunks)  # warm
    print(json.dumps("ready"), flush=True)
    for _ in sys.stdin:
        started = process_time()
        frames = run(chunks)
        print(json.dumps({"frame": 1e6 * (process_time() - started) / frames}), flush=True)


if __name__ == "__main__":
    main()
