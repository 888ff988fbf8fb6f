"""A detector of one phrase for the component ``open``: a small network on openWakeWord's features.

``python -m examples.show_and_ask.wake "okay nabu" --out okay_nabu.tflite`` trains one on voices of
synthesisers in noise and on people who say something else; ``stop`` is said into answers, and heard
through the echo canceller.
"""
