"""The opset of graphs that are made here."""

# TensorRT 10.3 reads up to opset 20; 18 is the exporters' own, so nothing is converted down.
OPSET = 18
