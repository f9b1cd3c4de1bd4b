"""Write an ONNX model of y = x W + b, byte by byte: the image has no package that makes one.

The field numbers are those of onnx.proto3. A field is its number and wire type in one varint,
then a varint (type 0), or a length and as many bytes (type 2). All numbers here are small,
but for lengths, so only those need more than one byte.
"""

import os
import struct
from pathlib import Path

FLOAT = 1


def varint(value):
    text = b""
    while value > 0x7F:
        text += bytes([value & 0x7F | 0x80])
        value >>= 7
    return text + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def content(field, *values):
    joined = b"".join(value.encode() if isinstance(value, str) else value for value in values)
    return varint(field << 3 | 2) + varint(len(joined)) + joined


def tensor(name, shape, values):
    """Encode a TensorProto: dims, data_type, name, raw_data."""
    dims = b"".join(number(1, size) for size in shape)
    return (
        dims
        + number(2, FLOAT)
        + content(8, name)
        + content(9, struct.pack(f"<{len(values)}f", *values))
    )


def value_info(name, *shape):
    """Encode a ValueInfoProto: name, type: elem_type and shape of dim_value or dim_param."""
    dims = [content(1, number(1, d) if isinstance(d, int) else content(2, d)) for d in shape]
    return content(1, name) + content(2, content(1, number(1, FLOAT), content(2, *dims)))


def node(operator, inputs, output):
    """Encode a NodeProto: input, output, op_type."""
    return b"".join(content(1, name) for name in inputs) + content(2, output) + content(4, operator)


# GraphProto: node, name, initializer, input, output.
graph = (
    content(1, node("MatMul", ["x", "W"], "product"))
    + content(1, node("Add", ["product", "b"], "y"))
    + content(2, "linear")
    + content(5, tensor("W", [2, 1], [2, 3]))
    + content(5, tensor("b", [1], [1]))
    + content(11, value_info("x", "rows", 2))
    + content(12, value_info("y", "rows", 1))
)
# ModelProto: ir_version, graph, opset_import.version.
model = number(1, 7) + content(7, graph) + content(8, number(2, 13))

(Path(os.environ["AZUREML_MODEL_DIR"]) / "model.onnx").write_bytes(model)
