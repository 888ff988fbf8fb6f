"""What TensorRT 10.3, the one of JetPack 6, reads.

The list is that of the published ONNX parser of TensorRT 10.1, the last before 10.3 whose source
is open at a tag: operators were added since, none was taken away. Left out are operators whose
output shapes depend on the data (NonZero, NonMaxSuppression): the runtime here knows the shapes
before it runs.
"""

from __future__ import annotations

#: The newest opset of the default domain.
OPSET = 20

_LIST = """
    Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast
    CastLike Ceil Celu Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos Cosh CumSum
    DepthToSpace DequantizeLinear Div Dropout Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor
    GRU Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool
    Greater GreaterOrEqual GridSample GroupNormalization HardSigmoid HardSwish Hardmax Identity If
    InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log
    LogSoftmax Loop LpNormalization LpPool MatMul Max MaxPool Mean MeanVarianceNormalization Min
    Mish Mod Mul Neg Not OneHot Or PRelu Pad Pow QuantizeLinear RNN RandomNormal RandomNormalLike
    RandomUniform RandomUniformLike Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp
    ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize
    ReverseSequence RoiAlign Round Scan ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin
    Sinh Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh
    ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Upsample Where Xor
"""
OPERATORS = frozenset(_LIST.split())

#: What to do about operators that people meet, by operator.
REMEDIES = {
    "DFT": "compute the spectrum in the front-end, where the SDK's log-mel does it",
    "STFT": "compute the spectrum in the front-end, where the SDK's log-mel does it",
    "MelWeightMatrix": "compute the spectrum in the front-end, where the SDK's log-mel does it",
    "NonZero": "use a mask of fixed size and torch.where",
    "NonMaxSuppression": "run it after the model, on the scores it puts out",
    "Unique": "compute it outside of the model",
    "Compress": "use a mask of fixed size and torch.where",
    "DeformConv": "replace it with an ordinary convolution",
    "DynamicQuantizeLinear": "quantise with calibration data, not at run time",
    "QLinearConv": "write the graph in QDQ form, or give the fp32 graph and let the SDK quantise",
    "QLinearMatMul": "write the graph in QDQ form, or give the fp32 graph and let the SDK quantise",
    "ConvInteger": "write the graph in QDQ form, or give the fp32 graph and let the SDK quantise",
    "MatMulInteger": "write the graph in QDQ form, or give the fp32 graph and let the SDK quantise",
    "Attention": "export at opset 18, where attention is MatMul and Softmax",
    "RMSNormalization": "export at opset 18, where it is plain arithmetic",
    "Col2Im": "use a transposed convolution",
    "BitShift": "replace it with a multiplication or a division",
}
