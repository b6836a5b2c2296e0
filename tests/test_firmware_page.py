"""Who follows docs/firmware.md to the letter signs what the station believes."""

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from chargerd.ocpp16.pki.chains import check_firmware_signer, check_root
from chargerd.ocpp16.pki.reading import read
from chargerd.ocpp16.pki.signatures import Verifier

PAGE = Path(__file__).parents[1] / "docs" / "firmware.md"


def test_a_wheel_that_is_signed_as_the_page_says_is_believed(tmp_path: Path) -> None:
    content = bytes(range(256)) * 100
    (tmp_path / "chargerd.whl").write_bytes(content)
    (block,) = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    subprocess.run(["sh", "-ec", block], cwd=tmp_path, capture_output=True, check=True)
    now = datetime.now(UTC)
    root = read((tmp_path / "root.pem").read_text())
    signer = read((tmp_path / "signer.pem").read_text())
    check_root(root, now)
    check_firmware_signer(signer, [root], now)
    verifier = Verifier(signer)
    verifier.update(content)
    verifier.verify((tmp_path / "chargerd.whl.sig").read_text())
