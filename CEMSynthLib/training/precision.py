"""Precision: bfloat16 where the processor computes it fast, else float32."""

from contextlib import AbstractContextManager, nullcontext

import torch


class Precision:
    """The number format of the forward passes; weights and losses stay float32.

    Parameters
    ----------
    device
        Where the networks are.
    choice
        ``auto``, ``bfloat16`` or ``float32``.
    """

    def __init__(self, device: torch.device, choice: str = "auto") -> None:
        self._device = device.type
        self.bfloat16 = choice == "bfloat16" or (choice == "auto" and _fast_bfloat16(device))

    @property
    def name(self) -> str:
        """For the model card."""
        return "bfloat16 autocast" if self.bfloat16 else "float32"

    def autocast(self) -> AbstractContextManager[object]:
        """The context for a forward pass."""
        return torch.autocast(self._device, dtype=torch.bfloat16) if self.bfloat16 else nullcontext()


def _fast_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        # Matrix units only: there a step took 0.11 s against 0.25 s in float32; emulated bfloat16 is slower than
        # float32. Older PyTorch has no way to ask, then float32 it is.
        capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
        return bool(capabilities.get("amx_bf16", False))
    return False
