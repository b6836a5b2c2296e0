"""Certificates, keys and signatures: the only room that knows ``cryptography``.

``values`` and ``periods`` are modules like any other. The rest is loaded when something
of it is first used: the library behind it is a sixth of the memory of a station that
has no certificate. The loop is to be the first, for Python does not let threads race.
"""

import sys
from importlib.util import LazyLoader, find_spec, module_from_spec

for _name in ("chains", "naming", "own_keys", "reading", "signatures"):
    _spec = find_spec(f"{__name__}.{_name}")
    assert _spec is not None
    assert _spec.loader is not None
    _spec.loader = LazyLoader(_spec.loader)
    globals()[_name] = sys.modules[_spec.name] = module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_spec.name])
