"""`python -m CEMSynthLib`, the same as the command `cemsynth`."""

import sys

from CEMSynthLib.cli import main

sys.exit(main())
