"""`python -m raftkv` is the `raftkv` command."""

import sys

from raftkv.cli.main import main

sys.exit(main())
