"""TensorRT: compiling a bundle's kit on the device, keeping the engines, running them.

The same build code runs on ``tensorrt`` (a Jetson) and ``tensorrt_rtx`` (a build host without a
GPU); :mod:`~edge_sdk.runtimes.tensorrt.fake` stands in for the binding in tests.
"""
