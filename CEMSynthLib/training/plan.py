"""Plan: all settings of one training as data, and the named presets."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace

from CEMSynthLib.generator.card import Architecture


@dataclass(frozen=True)
class Plan:
    """How a generator is trained.

    Parameters
    ----------
    name
        Name of the model.
    objective
        ``cyclegan``, ``pix2pix`` or ``regression`` (paired terms only).
    architecture
        The generator.
    working_spacing_mm
        Pixel spacing it works at.
    epochs
        Passes over the training images; ``minutes``, where given, ends the training earlier and rules the learning
        rate.
    batch_size, learning_rate
        Images per step, over all processes; Adam's step size, kept for the first half and then lowered linearly to zero
        (Zhu et al. 2017).
    patch_px
        Side of the square patches to learn from; ``None``: whole images.
    paired_weight, structure_weight, contrast_weight
        Of the L1 between output and recombined image in the breast; of 1 - SSIM; of the lesion term (see
        `CEMSynthLib.training.paired`). 0 leaves a term out.
    contrast_under
        How many times more a lesion's contrast that is too small counts than one that is too large.
    adversarial_weight, cycle_weight, identity_weight
        Cycle 10 and identity 5 are those of Zhu et al. 2017 (identity is half of cycle there).
    paired_warmup
        First part of the training (0 to 1) with the paired losses alone: a step then costs about a third.
    inverse_filters
        Base filters of the generator that goes back from recombined to low energy.
    discriminator_filters, discriminator_layers
        Of the discriminators; three strided layers see 70 x 70 pixels.
    pool_size
        Earlier synthetic images shown to a discriminator again.
    ema_decay
        Of the running mean of the generator's weights; 0: none is kept.
    augment
        Whether images are turned over, scaled and given another gamma (see `batches`).
    precision
        ``auto`` (bfloat16 where the processor computes it fast, else float32), or see `runtime.start`.
    validation_fraction, validate_every
        Part of the patients held out; epochs between validations.
    seed
        Of split, weights, order and augmentation.
    """

    name: str
    objective: str
    architecture: Architecture
    working_spacing_mm: float = 0.8
    epochs: int = 50
    minutes: float | None = None
    batch_size: int = 4
    learning_rate: float = 5e-4
    patch_px: int | None = None
    paired_weight: float = 100.0
    structure_weight: float = 0.0
    contrast_weight: float = 0.0
    contrast_under: float = 1.0
    adversarial_weight: float = 1.0
    cycle_weight: float = 10.0
    identity_weight: float = 5.0
    paired_warmup: float = 0.4
    inverse_filters: int = 8
    discriminator_filters: int = 32
    discriminator_layers: int = 3
    pool_size: int = 50
    ema_decay: float = 0.998
    augment: bool = True
    precision: str = "auto"
    validation_fraction: float = 0.1
    validate_every: int = 2
    seed: int = 0

    def warming_up(self, part_done: float) -> bool:
        """Whether the paired losses alone are learned at ``part_done`` (0 to 1) of the training."""
        return self.objective != "regression" and self.paired_weight > 0 and part_done < self.paired_warmup

    def with_limits(self, epochs: int | None, minutes: float | None, seed: int) -> "Plan":
        """The same plan with another length (None keeps the preset's) and seed."""
        return replace(self, epochs=self.epochs if epochs is None else epochs, minutes=minutes, seed=seed)

    def fingerprint(self, *more: str) -> str:
        """SHA-256 of all settings, and of what else must not change while a training goes on."""
        return hashlib.sha256(json.dumps([asdict(self), *more], sort_keys=True).encode()).hexdigest()


PRESETS = {
    # Sized for 2 processor cores, on about 560 images. A step with all losses costs about three times a step of the
    # warm-up, which is why the warm-up takes most of the epochs.
    # The lesion term was chosen on simulator 0.3 at 1.6 mm (144 patients to learn from, 16 to judge by, ResNet 16 x 6,
    # L1 100, SSIM 15, no judges; contrast retained in enhancing lesions seen on LE; false contrast in lesions seen on
    # LE that do not enhance, as part of the window; masked MAE, which is 0.0571 for the training-mean image):
    #   epoch 8: contrast 2, under 5     39%  0.019  0.0440
    #            contrast 4, under 8     66%  0.018  0.0437
    #   epoch 4: contrast 4, under 8     46%  0.017  0.0499 (running mean of the weights)
    #            contrast 12, under 5    75%  0.021  0.0530 (running mean)
    #            contrast 8, under 10   100%  0.025  0.0546 (running mean)
    # A small weight whose lost contrast counts many times does better than a large one with a small factor: the weight
    # says how unlikely a lesion may be to be painted at all, the factor how bright it is then.
    "demo": Plan(
        name="demo",
        objective="cyclegan",
        architecture=Architecture("resnet", base_filters=16, depth=6),
        epochs=10,
        structure_weight=15.0,
        contrast_weight=6.0,
        contrast_under=8.0,
        paired_warmup=0.8,
    ),
    # Goes on from another model's weights, in its network (--start): lost lesion contrast counts twice as much as in
    # the preset demo, no judges. The demo weights are those of the preset ceiling, refined. Tried on simulator 0.3 at
    # 0.8 mm with 146 training patients; MAE and contrast kept (enhancing lesions seen on LE) in 14 validation patients,
    # in 24 and in 40 unseen ones (at 0.4 mm):
    #   ceiling alone          0.0378  29% |
    #   under 16, 6 epochs     0.0393  82% | 0.0397  70% | 0.0438  84%
    #   under 22, 8 epochs     0.0405  89% | 0.0407  69% | 0.0446  86%
    #   demo, then under 16    0.0446  84% |
    "refine": Plan(
        name="demo",
        objective="regression",
        architecture=Architecture("resnet", base_filters=16, depth=6),
        epochs=6,
        learning_rate=3e-4,
        structure_weight=15.0,
        contrast_weight=6.0,
        contrast_under=16.0,
        validate_every=1,
    ),
    # The settings of the reference CycleGAN (those of the study are not known), whole images: for a GPU.
    "study": Plan(
        name="study",
        objective="cyclegan",
        architecture=Architecture("resnet", base_filters=64, depth=9),
        working_spacing_mm=0.4,
        epochs=200,
        batch_size=1,
        learning_rate=2e-4,
        paired_weight=0.0,
        paired_warmup=0.0,
        inverse_filters=64,
        discriminator_filters=64,
        ema_decay=0.0,
        validate_every=5,
    ),
    # To try a data set out: coarse, paired losses only.
    "fast": Plan(
        name="fast",
        objective="regression",
        architecture=Architecture("resnet", base_filters=8, depth=4),
        working_spacing_mm=1.6,
        epochs=6,
        batch_size=4,
        learning_rate=1e-3,
        structure_weight=15.0,
        contrast_weight=6.0,
        contrast_under=8.0,
        ema_decay=0.99,
    ),
    "pix2pix": Plan(
        name="pix2pix",
        objective="pix2pix",
        architecture=Architecture("unet_pix2pix", base_filters=32, depth=5),
        epochs=15,
        learning_rate=2e-4,
        paired_warmup=0.0,
        discriminator_filters=64,
    ),
    # Plain paired regression, which every report shows beside a model. On simulator 0.3 (584 images) the validation MAE
    # still fell in the eighth epoch.
    "ceiling": Plan(
        name="ceiling",
        objective="regression",
        architecture=Architecture("unet", base_filters=16, depth=4),
        epochs=16,
        learning_rate=1e-3,
    ),
}
