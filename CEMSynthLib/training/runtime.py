"""Runtime: Lightning Fabric for one process, or for as many as ``torchrun`` started, on any nodes."""

import logging
import os
import warnings
from datetime import timedelta
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision.double import DoublePrecision
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.strategies.single_device import SingleDeviceStrategy
from lightning_fabric.strategies.strategy import Strategy

from CEMSynthLib.training.errors import TrainingSetupError

PRECISIONS = ("auto", "float32", "bfloat16", "float16", "float64")
# The others wait while one process reads the studies or validates; PyTorch's own limit is half an hour. torchrun ends
# all when one dies.
_PATIENCE = timedelta(days=2)
_FABRIC = {"float32": "32-true", "bfloat16": "bf16-mixed", "float16": "16-mixed"}


def start(device: torch.device, precision: str) -> Fabric:
    """Start Fabric; under ``torchrun`` join the other processes (gloo on CPU, nccl on CUDA).

    Parameters
    ----------
    device
        Kind of processor; each process takes the one of its local rank.
    precision
        ``float32``, ``bfloat16`` or ``float16`` (forward passes; weights and losses stay float32), ``float64`` (to
        compare runs: a few steps turn float32's rounding, which depends on how images are divided, into other
        networks), or ``auto``: bfloat16 where the processor computes it fast, else float32.

    Raises
    ------
    TrainingSetupError
        float16 on a CPU, or several processes on Apple's GPU.
    """
    name = resolve_precision(device, precision)
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    strategy: Strategy
    if processes > 1:
        if device.type not in ("cpu", "cuda"):
            raise TrainingSetupError(f"Several processes cannot share the device '{device.type}'; use one.")
        strategy = DDPStrategy(process_group_backend="gloo" if device.type == "cpu" else "nccl", timeout=_PATIENCE)
    else:
        strategy = SingleDeviceStrategy(device=device)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"lightning_fabric\..*", category=UserWarning)
    fabric = Fabric(
        accelerator=device.type,
        strategy=strategy,
        devices=here if processes > 1 else 1,
        num_nodes=processes // here if processes > 1 else 1,
        precision=_FABRIC.get(name),  # type: ignore[arg-type]
        plugins=[_Float64()] if name == "float64" else None,
    )
    if processes > 1:
        fabric.launch()
    return fabric


def end(fabric: Fabric) -> None:
    """Wait until every process is here, and leave together: the others take one that leaves early for one that died."""
    if fabric.world_size > 1:
        fabric.barrier()
        torch.distributed.destroy_process_group()


class _Float64(DoublePrecision):
    """Double precision whose outputs stay double, so that the losses are double too."""

    def convert_output(self, data: Any) -> Any:
        """Leave it."""
        return data


def resolve_precision(device: torch.device, choice: str) -> str:
    """The number format of the forward passes: ``auto`` told apart.

    Raises
    ------
    TrainingSetupError
        Not known, or float16 on a CPU, where it is slow and its range too small.
    """
    if choice not in PRECISIONS:
        raise TrainingSetupError(f"The precision '{choice}' is not known; give one of {', '.join(PRECISIONS)}.")
    if choice == "auto":
        return "bfloat16" if _fast_bfloat16(device) else "float32"
    if choice == "float16" and device.type == "cpu":
        raise TrainingSetupError("Precision float16 needs a GPU; use float32 or bfloat16 on the CPU.")
    return choice


def _fast_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        # Matrix units only: there a step took 0.11 s against 0.25 s in float32; emulated bfloat16 is slower than
        # float32. Older PyTorch has no way to ask, then float32 it is.
        capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
        return bool(capabilities.get("amx_bf16", False))
    return False
