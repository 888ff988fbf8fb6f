"""int8 forms of ONNX graphs: how (the plan), with what loss (sensitivity), and what stays float."""
