"""Bundles and the SDK itself, measured.

``python -m edge_sdk.benchmarks`` measures the figures that the project promises, each as a
ratio or a difference inside one run, and writes them with the machine they were measured on.
"""
