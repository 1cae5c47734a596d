"""Decoders: which package reads a compressed transfer syntax, and what to install where it is missing."""

from pydicom.uid import (
    JPEG2000,
    UID,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from CEMSynthLib.study.pydicom_api import (
    HTJ2K,
    HTJ2K_LOSSLESS,
    HTJ2K_LOSSLESS_RPCL,
    JPEG_LOSSLESS,
    MODERN,
    available_plugins,
)

_OPENJPEG = "pylibjpeg pylibjpeg-openjpeg"
#: Transfer Syntax UID -> what ``pip install`` needs (permissive licenses only; pylibjpeg-libjpeg is GPL).
PACKAGES = {
    JPEGBaseline8Bit: "pillow",
    JPEGExtended12Bit: "pillow",  # 8 bits only, see `advice`
    JPEG_LOSSLESS: "python-gdcm",
    JPEGLosslessSV1: "python-gdcm",
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000Lossless: _OPENJPEG,
    JPEG2000: _OPENJPEG,
    HTJ2K_LOSSLESS: _OPENJPEG,
    HTJ2K_LOSSLESS_RPCL: _OPENJPEG,
    HTJ2K: _OPENJPEG,
    RLELossless: "pydicom",
}
# pydicom's plugins in the order of trust. GDCM is asked for JPEG lossless only, for which there is nothing else: a
# damaged frame makes it end its process (see `CEMSynthLib.study.decoder_process`).
_PLUGINS = {
    JPEGBaseline8Bit: ("pillow",),
    JPEGExtended12Bit: ("pillow", "pylibjpeg"),
    JPEG_LOSSLESS: ("gdcm", "pylibjpeg"),
    JPEGLosslessSV1: ("gdcm", "pylibjpeg"),
    JPEGLSLossless: ("pyjpegls",),
    JPEGLSNearLossless: ("pyjpegls",),
    JPEG2000Lossless: ("pylibjpeg", "pillow"),
    JPEG2000: ("pylibjpeg", "pillow"),
    HTJ2K_LOSSLESS: ("pylibjpeg",),
    HTJ2K_LOSSLESS_RPCL: ("pylibjpeg",),
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
    installed = available_plugins(syntax)
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
    if not MODERN and syntax != RLELossless:
        return f"Its compression ({syntax.name}) needs pydicom 3, which Slicer 5.12 has; export it uncompressed."
    packages = PACKAGES.get(syntax)
    if packages is None:
        return f"Nothing that is known decodes its compression ({syntax.name}); export it uncompressed."
    if plugin_of(syntax, bits_stored):
        return ""
    if syntax == JPEGExtended12Bit and bits_stored > 8:
        return f"No permissively licensed package decodes {bits_stored} bits of {syntax.name}; export it uncompressed."
    return f"Its compression ({syntax.name}) needs: pip install {packages}"
