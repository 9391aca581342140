"""`python -m config.launcher ARGUMENTS` is `./run ARGUMENTS`, inside the environment that set-up made."""

import sys

from .commands import main

sys.exit(main(sys.argv[1:]))
