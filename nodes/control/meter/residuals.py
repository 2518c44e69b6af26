"""Tensors that note what they are added to. Pure torch: any model that adds a control's residuals is measured so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

_ADDS = {"add", "add_", "__add__", "__iadd__", "__radd__"}


@dataclass(frozen=True)
class ResidualPart:
    """What one control has in a residual. outside: the same where its mask is 0, else 0; None without a mask."""

    control: int
    tensor: torch.Tensor
    outside: torch.Tensor | None = None


Note = Callable[[Sequence[ResidualPart], torch.Tensor], None]


class MeteredResidual(torch.Tensor):
    """A residual with the same values. When it is added to something, `note` gets its parts and that something.

    The sum is computed on plain tensors, so it is the same to the last bit. Other operations carry the parts along.
    """

    parts: Sequence[ResidualPart]
    note: Note

    @classmethod
    def around(cls, tensor: torch.Tensor, parts: Sequence[ResidualPart], note: Note) -> MeteredResidual:
        """`tensor` with the parts that it is the sum of."""
        made = torch.Tensor._make_subclass(cls, tensor)
        made.parts, made.note = parts, note
        return made

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """What torch calls in place of an operation on such a tensor."""
        kwargs = kwargs or {}
        with torch._C.DisableTorchFunctionSubclass():
            own = next((each for each in args if isinstance(each, cls)), None)
            others = [each for each in args if isinstance(each, torch.Tensor) and each is not own]
            name = getattr(func, "__name__", "")
            if own is not None and name in _ADDS and others:
                own.note(own.parts, others[0])
                return func(*args, **kwargs)
            out = func(*args, **kwargs)
            if own is None or not isinstance(out, torch.Tensor) or isinstance(out, cls) or name.startswith("__get"):
                return out

            def apply(tensor: torch.Tensor) -> torch.Tensor:
                return func(*(tensor if each is own else each for each in args), **kwargs)

            parts = [
                ResidualPart(part.control, apply(part.tensor), None if part.outside is None else apply(part.outside))
                for part in own.parts
            ]
            return cls.around(out, parts, own.note)


def sum_squares(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """The sum of the squares of `tensor` laid over `like`, float32 or wider, where it is."""
    values = tensor.detach()
    values = values.float() if values.dtype.itemsize < 4 else values
    return values.square().sum() * (like.numel() / max(1, values.numel()))
