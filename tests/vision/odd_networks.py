"""Networks with known answers, and networks with the traps that maps fall into."""

from __future__ import annotations

from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cellscope.models.classifier import Classifier, wrap


class Tiny(nn.Module):
    """captum's `BasicModel_ConvNet_One_Conv`: its tests state what every rule gives."""

    def __init__(self, *, inplace: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 3, 1)
        self.relu1 = nn.ReLU(inplace=inplace)
        self.fc1 = nn.Linear(8, 4)
        self.conv1.weight = nn.Parameter(torch.ones(2, 1, 3, 3))
        self.conv1.bias = nn.Parameter(torch.tensor([-50.0, -75.0]))
        self.fc1.weight = nn.Parameter(torch.cat([torch.ones(4, 5), -1 * torch.ones(4, 3)], dim=1))
        self.fc1.bias = nn.Parameter(torch.zeros(4))
        self.relu2 = nn.ReLU(inplace=inplace)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu2(self.fc1(self.relu1(self.conv1(x)).view(-1, 8)))


class Rule(torch.autograd.Function):
    """ReLU with the backward of a rule, written by hand: `guided`, `deconvnet` or `gradient`."""

    @staticmethod
    def forward(ctx, x: Tensor, rule: str) -> Tensor:
        ctx.save_for_backward(x)
        ctx.rule = rule
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, g: Tensor):
        (x,) = ctx.saved_tensors
        on = (x > 0).to(g)
        return {"gradient": g * on, "guided": g.clamp(min=0) * on, "deconvnet": g.clamp(min=0)}[ctx.rule], None


class Residual(nn.Module):
    """One in-place ReLU module for all places, a shortcut added in place, batch norm and max-pooling."""

    def __init__(self, rule: str = "") -> None:
        super().__init__()
        self.rule = rule
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.one = nn.Conv2d(6, 6, 3, padding=1)
        self.two = nn.Conv2d(6, 6, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(2)
        self.top = nn.Linear(6 * 16, 5)

    def on(self, x: Tensor) -> Tensor:
        return Rule.apply(x, self.rule) if self.rule else self.relu(x)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.on(self.norm(self.first(x))))
        o = self.two(self.on(self.one(x)))
        o += x
        return self.top(self.on(o).flatten(1))


class PreActivated(nn.Module):
    """A block whose ReLU comes first, with a shortcut from before it; `rule` has its gradient written by hand."""

    def __init__(self, rule: str = "", *, inplace: bool) -> None:
        super().__init__()
        self.rule, self.relu = rule, nn.ReLU(inplace=inplace)
        self.first, self.block = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3, padding=1)
        self.top = nn.Linear(6 * 36, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        on = Rule.apply(x, self.rule) if self.rule else self.relu(x)
        if self.rule and self.relu.inplace:
            x = on  # as the ReLU leaves it
        return self.top((x + self.block(on)).flatten(1))


class Functional(nn.Module):
    """A ReLU that is a function call, which no hook reaches."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.top = nn.Conv2d(1, 4, 3), nn.Linear(4 * 36, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.top(torch.nn.functional.relu(self.conv(x)).flatten(1))


def seeded(make, seed: int = 0) -> nn.Module:
    """A module made with torch's generator at `seed`, and put back after it."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make().eval()


def linear(shape: tuple[int, ...], classes: int = 3) -> Classifier:
    """w x + b over a picture or a row."""
    size = int(torch.tensor(shape).prod())
    return wrap(seeded(lambda: nn.Sequential(nn.Flatten(), nn.Linear(size, classes))), shape)


def noise(*shape: int, seed: int = 0) -> Tensor:
    """The same numbers in 0..1 for the same seed."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@contextmanager
def untouched(module: nn.Module):
    """Fails if weights, gradients, flags, modes or hooks of a module are others afterwards."""
    before = _state(module)
    yield
    after = _state(module)
    assert before[1:] == after[1:]
    assert all(torch.equal(a, b) for a, b in zip(before[0], after[0], strict=True))


def _state(module: nn.Module):
    tensors = [t.detach().clone() for t in module.state_dict().values()]
    flags = [(p.requires_grad, p.grad is None) for p in module.parameters()]
    hooks = [(len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks)) for m in module.modules()]
    modes = [(m.training, getattr(m, "inplace", None), sorted(vars(m))) for m in module.modules()]
    return tensors, flags, hooks, modes
