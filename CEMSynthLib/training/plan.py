"""Plan: all settings of one training as data, and the named presets."""

from dataclasses import dataclass, replace

from CEMSynthLib.generator.card import Architecture


@dataclass(frozen=True)
class Plan:
    """How a generator is trained.

    Parameters
    ----------
    name
        Name of the model.
    objective
        ``cyclegan`` or ``regression`` (paired L1 only, the reference ceiling).
    architecture
        The generator.
    working_spacing_mm
        Pixel spacing it works at.
    epochs
        Passes over the training images; ``minutes``, where given, ends the training earlier and rules the learning
        rate.
    batch_size, learning_rate
        Images per step; Adam's step size, kept for the first half and then lowered linearly to zero (Zhu et al. 2017).
    paired_weight, adversarial_weight, cycle_weight, identity_weight
        Weights of the losses; cycle 10 and identity 5 are those of Zhu et al. 2017 (identity is half of cycle there).
    structure_weight
        Of 1 - SSIM between output and recombined image; 0 leaves it out.
    paired_warmup
        First part of the training (0 to 1) with the paired losses alone: a step then costs about a third.
    inverse_filters
        Base filters of the generator that goes back from recombined to low energy.
    discriminator_filters, discriminator_layers
        Of both discriminators; three strided layers see 70 x 70 pixels.
    pool_size
        Earlier synthetic images shown to a discriminator again.
    ema_decay
        Of the running mean of the generator's weights.
    precision
        ``auto`` (bfloat16 where the processor computes it fast, else float32), ``bfloat16`` or ``float32``.
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
    paired_weight: float = 100.0
    adversarial_weight: float = 1.0
    cycle_weight: float = 10.0
    identity_weight: float = 5.0
    structure_weight: float = 0.0
    paired_warmup: float = 0.4
    inverse_filters: int = 8
    discriminator_filters: int = 32
    discriminator_layers: int = 3
    pool_size: int = 50
    ema_decay: float = 0.998
    precision: str = "auto"
    validation_fraction: float = 0.1
    validate_every: int = 2
    seed: int = 0

    def warming_up(self, part_done: float) -> bool:
        """Whether the paired loss alone is learned at ``part_done`` (0 to 1) of the training."""
        return self.objective == "cyclegan" and self.paired_weight > 0 and part_done < self.paired_warmup

    def with_limits(self, epochs: int | None, minutes: float | None, seed: int) -> "Plan":
        """The same plan with another length (None keeps the preset's) and seed."""
        return replace(self, epochs=self.epochs if epochs is None else epochs, minutes=minutes, seed=seed)


PRESETS = {
    # Sized for 2 processor cores: 24 minutes on 560 images where it was tried. A step with all losses costs about three
    # times a step of the warm-up, which is why the warm-up takes more than half of the epochs.
    "demo": Plan(
        name="demo",
        objective="cyclegan",
        architecture=Architecture("resnet", base_filters=16, depth=6),
        epochs=11,
        structure_weight=15.0,
        paired_warmup=0.72,
    ),
    "ceiling": Plan(
        name="ceiling",
        objective="regression",
        architecture=Architecture("unet", base_filters=16, depth=4),
        epochs=8,
        learning_rate=1e-3,
    ),
}
