"""What the microphone hears: a phrase in noise, or through the echo canceller into an answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_sdk.runtimes.assistant.echo import Echo
from edge_sdk.runtimes.assistant.speaker import MemorySpeaker
from edge_sdk.runtimes.capture import VirtualClock
from edge_sdk.runtimes.speech import RATE, Speech, load_component
from edge_sdk.runtimes.speech.protocol import Samples

from ..data.mixing import faster, noise_of
from ..turns.acoustics import convolved, responses
from ..turns.room import USER_LEVEL, levelled

#: Root mean square of a quiet room's floor.
FLOOR = 1.6e-4
# Of the assistant's own voice against the user's, in dB.
_OWN_DB = (-14.0, 4.0)
# How long the device's buffers hold back what is played.
_LATE = (0.03, 0.09)
# When somebody speaks into the answer: by then the canceller knows the room.
_BEGIN = (2.6, 3.4)
# What is kept before and after.
_BEFORE, _AFTER = 2.2, 0.8
_BLOCK = RATE // 100


@dataclass(frozen=True)
class Room:
    """Impulse responses float32 ``[n]`` to the microphone, from its loudspeaker and a user."""

    loudspeaker: Samples
    user: Samples


def rooms(count: int, seed: int) -> list[Room]:
    """Rooms of 7 to 33 square metres by the image-source method, with the loudspeaker 11 cm from
    the microphone."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(count):
        size = np.array([rng.uniform(3, 6.5), rng.uniform(2.5, 5), rng.uniform(2.3, 2.9)])
        absorption = float(rng.uniform(0.18, 0.45))
        microphone = np.array([*rng.uniform(0.8, size[:2] - 0.8), rng.uniform(0.7, 1.2)])
        user = [*rng.uniform(0.4, size[:2] - 0.4), rng.uniform(1.1, 1.7)]
        places = [microphone + np.array([0, 0.1, -0.05]), user]
        found.append(Room(*responses(size, absorption, 14, microphone, places)))
    return found


def into_answer(
    said: Samples | None, answer: Samples, room: Room, rng: np.random.Generator
) -> tuple[Samples, float | None]:
    """What is left of ``said`` float32 ``[n]`` where the assistant says ``answer`` meanwhile.

    Returns what the assistant's echo canceller leaves around it and the time in it at which
    ``said`` ends; without ``said`` a part of the answer, and None.
    """
    speaker = MemorySpeaker(VirtualClock())
    speaker.play(Speech(answer, RATE))
    late = np.zeros(round(RATE * float(rng.uniform(*_LATE))), np.float32)
    played = np.concatenate([late, answer])
    own_level = USER_LEVEL * 10 ** (float(rng.uniform(*_OWN_DB)) / 20)
    heard = levelled(convolved(played, room.loudspeaker), own_level)[: len(played)]
    heard += rng.normal(0, FLOOR, len(heard)).astype(np.float32)
    if rng.random() < 0.3:
        noise = noise_of(str(rng.choice(["pink", "white", "hum"])), len(heard), rng, ())
        heard += levelled(noise, USER_LEVEL * 10 ** (-float(rng.uniform(10, 30)) / 20))
    begin = round(RATE * float(rng.uniform(*_BEGIN)))
    end = begin + RATE
    if said is not None:
        said = faster(said, float(rng.uniform(0.9, 1.1)))
        end = begin + len(said)
        at = convolved(said, room.user) if rng.random() < 0.8 else said
        at = levelled(at, USER_LEVEL * 10 ** (float(rng.uniform(-3, 3)) / 20))
        at = at[: max(0, len(heard) - begin)]
        heard[begin : begin + len(at)] += at
    canceller = load_component("echo canceller", "webrtc")
    echo = Echo(canceller, speaker)
    starts = range(0, len(heard) - _BLOCK + 1, _BLOCK)
    left = [echo.clean(heard[s : s + _BLOCK], s / RATE) for s in starts]
    canceller.close()
    first = max(0, begin - round(_BEFORE * RATE))
    cut = np.concatenate(left)[first : end + round(_AFTER * RATE)]
    return cut, None if said is None else (end - first) / RATE
