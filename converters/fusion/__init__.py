"""The reference fusion architectures and their training and fine-tuning loop.

Nothing is imported here: :mod:`.metrics` and :mod:`.config` stay usable without torch.
"""
