"""Decoders: which package reads a compressed transfer syntax, and what to install where it is missing."""

from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

_OPENJPEG = "pylibjpeg pylibjpeg-openjpeg"
#: Transfer Syntax UID -> what ``pip install`` needs (permissive licenses only; pylibjpeg-libjpeg is GPL).
PACKAGES = {
    JPEGBaseline8Bit: "pillow",
    JPEGExtended12Bit: "pillow",  # 8 bits only, see `advice`
    JPEGLossless: "python-gdcm",
    JPEGLosslessSV1: "python-gdcm",
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000Lossless: _OPENJPEG,
    JPEG2000: _OPENJPEG,
    HTJ2KLossless: _OPENJPEG,
    HTJ2KLosslessRPCL: _OPENJPEG,
    HTJ2K: _OPENJPEG,
    RLELossless: "pydicom",
}
# pydicom's plugins in the order of trust. GDCM is asked for JPEG lossless only, for which there is nothing else: a
# damaged frame makes it end its process (see `CEMSynthLib.study.decoder_process`).
_PLUGINS = {
    JPEGBaseline8Bit: ("pillow",),
    JPEGExtended12Bit: ("pillow", "pylibjpeg"),
    JPEGLossless: ("gdcm", "pylibjpeg"),
    JPEGLosslessSV1: ("gdcm", "pylibjpeg"),
    JPEGLSLossless: ("pyjpegls",),
    JPEGLSNearLossless: ("pyjpegls",),
    JPEG2000Lossless: ("pylibjpeg", "pillow"),
    JPEG2000: ("pylibjpeg", "pillow"),
    HTJ2KLossless: ("pylibjpeg",),
    HTJ2KLosslessRPCL: ("pylibjpeg",),
    HTJ2K: ("pylibjpeg",),
    RLELossless: ("pydicom",),
}


def plugin_of(syntax: UID, bits_stored: int) -> str:
    """The pydicom plugin that decodes a compressed transfer syntax; empty where none is installed or none is needed.

    Parameters
    ----------
    syntax
        Of the standard, see `is_standard`.
    bits_stored
        Bits Stored (0028,0101): Pillow decodes JPEG Extended with 8 bits only.
    """
    if syntax not in _PLUGINS:
        return ""
    installed = get_decoder(syntax).available_plugins
    wanted = _PLUGINS[syntax]
    if syntax == JPEGExtended12Bit and bits_stored > 8:
        wanted = wanted[1:]
    return next((plugin for plugin in wanted if plugin in installed), "")


def is_standard(syntax: UID) -> bool:
    """True for a transfer syntax of the standard."""
    return bool(syntax.is_valid and not syntax.is_private and syntax.is_transfer_syntax)


def advice(syntax: UID, bits_stored: int) -> str:
    """What to do about pixel data of this transfer syntax that cannot be decoded; empty where that is not the cause.

    Parameters
    ----------
    syntax
        Of the standard, see `is_standard`.
    bits_stored
        Bits Stored (0028,0101): JPEG Extended with 12 bits is decoded neither by GDCM nor by Pillow.

    Returns
    -------
    str
        A sentence that names the package, where no decoder for ``syntax`` is installed or exists.
    """
    if not syntax.is_compressed:
        return ""
    packages = PACKAGES.get(syntax)
    if packages is None:
        return f"Nothing that is known decodes its compression ({syntax.name}); export it uncompressed."
    if plugin_of(syntax, bits_stored):
        return ""
    if syntax == JPEGExtended12Bit and bits_stored > 8:
        return f"No permissively licensed package decodes {bits_stored} bits of {syntax.name}; export it uncompressed."
    return f"Its compression ({syntax.name}) needs: pip install {packages}"
