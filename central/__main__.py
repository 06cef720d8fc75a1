"""`python -m central` is the command `kiemtra`."""

import sys

from central.cli import main

if __name__ == "__main__":
    sys.exit(main())
