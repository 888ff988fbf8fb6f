"""The sound server that tests listen on: see :mod:`edge_sdk.benchmarks.sound`."""

from edge_sdk.benchmarks.sound import SoundServer, sound_server

__all__ = ["SoundServer", "sound_server"]
