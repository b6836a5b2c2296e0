"""The program ``chargerd``, also as ``python -m chargerd``.

The version that the system installed starts here, and so does every version in a slot:
``main`` is what they all have in common, and keeps its name.
"""

import gc
import sys

from chargerd.runtime.installers import slot_boot


def main() -> None:
    """Run the version that is chosen."""
    slot_boot.enter(sys.argv[1:])
    # A start makes thousands of things that stay; to look for garbage among them takes
    # a sixth of it. The daemon looks again once it serves.
    gc.disable()
    from chargerd import app  # noqa: PLC0415  # another version's may be the right one

    app.main()


if __name__ == "__main__":
    main()
