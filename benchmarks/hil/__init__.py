"""Bundles proven on boards: a pytest plugin and a suite over the boards of a labgrid environment.

``pytest --pyargs edge_sdk.benchmarks.hil --lg-env boards.yaml --edge-bundle b.edge``
"""
