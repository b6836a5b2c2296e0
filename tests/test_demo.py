"""The demo, as whoever has just cloned the project sees it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def demo(*options: str) -> subprocess.CompletedProcess[str]:
    """Play what ``scripts/demo --session`` plays once all is set up."""
    return subprocess.run(
        (sys.executable, ROOT / "scripts/demo_session.py", *options),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_demo_charges_a_car_over_tls_with_certificates_at_both_ends() -> None:
    played = demo("--profile", "3")

    assert (played.returncode, played.stderr) == (0, "")
    assert "security profile 3: TLS, and the station has a certificate" in played.stdout
    assert "The bill" in played.stdout


def test_a_profile_that_is_none_is_refused_in_words() -> None:
    script = subprocess.run(
        (ROOT / "scripts/demo", "--session", "--profile", "4"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert script.returncode == 2
    assert '--profile "4" is not known; write scripts/demo' in script.stderr
