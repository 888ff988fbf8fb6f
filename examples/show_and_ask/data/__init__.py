"""The data of the demo task: fetched, synthesised, mixed, rendered, split, and written.

``python -m examples.show_and_ask.data`` leaves two sample sets, ``calibration`` (drawn from the
training distribution) and ``held-out`` (the test set), below ``build/demo/data``.
:class:`~.training.TrainingSource` draws training examples on the fly.
"""
