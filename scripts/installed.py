"""What every script needs: autoproc, as it is installed for the Python that runs the script. Imported first."""

from __future__ import annotations

import sys

try:
    import autoproc.kernels._predict  # noqa: F401  (compiled: a bare folder of sources has none)
except ImportError as error:
    sys.exit(
        f"{sys.argv[0]}: autoproc is not installed for {sys.executable} ({error}): run this script with the Python of "
        f"the environment that has it, for example\n    ap/bin/python {' '.join(sys.argv)}"
    )
