"""Edge SDK against its peers: the same model, the same data, one run, one machine.

``make peers`` writes the section "Peers" of ``benchmarks/RESULTS.md``. Each peer has an
environment of its own, made from ``requirements/NAME.txt``; its part of the work is a script in
``workers/``, which imports nothing of the SDK.
"""
