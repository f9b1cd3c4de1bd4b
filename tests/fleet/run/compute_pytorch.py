"""Pass rows forward through a small network, as it is, traced, and backward."""

# Runs in the image, whose libraries the type checker does not have.
# mypy: ignore-errors

import numpy
import pandas
import torch


class Line(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(2, 1)
        with torch.no_grad():
            self.inner.weight.copy_(torch.tensor([[2.0, 3.0]]))
            self.inner.bias.fill_(1.0)

    def forward(self, rows):
        return torch.relu(self.inner(rows))


line, rows = Line(), torch.tensor([[1.0, 2.0], [3.0, 4.0], [-9.0, 0.0]], requires_grad=True)
answer = line(rows)
assert answer[:, 0].tolist() == [9, 19, 0]
answer.sum().backward()
assert rows.grad.tolist() == [[2, 3], [2, 3], [0, 0]]
assert torch.equal(torch.jit.trace(line, rows)(rows), answer)
image = torch.nn.functional.conv2d(torch.ones(1, 1, 5, 5), torch.ones(1, 1, 3, 3))
assert torch.equal(image, torch.full((1, 1, 3, 3), 9.0))
assert torch.from_numpy(numpy.arange(4)).sum().item() == 6
print("torch", torch.__version__, "numpy", numpy.__version__, "pandas", pandas.__version__)
assert torch.cuda.device_count() == 0
