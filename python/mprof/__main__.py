"""python -m mprof"""

import sys

from mprof import main

if __name__ == "__main__":
    sys.exit(main())
