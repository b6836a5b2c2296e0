"""``python -m chargerd``."""

from chargerd.app import main

main()
