"""What a crash leaves: every stack in the journal, and no core file."""

import faulthandler
import resource
from contextlib import suppress


def prepare() -> None:
    """Be ready to crash, from now on.

    A core file would hold keys and passwords. Who wants one for all that raises the
    limit again, with prlimit.
    """
    faulthandler.enable(all_threads=True)
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    # The unit may forbid the call; it has set the limit itself (LimitCORE=).
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))
