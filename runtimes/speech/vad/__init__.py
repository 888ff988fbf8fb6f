"""Voice detectors."""
