"""Makes the collection's pure parts importable, by the names that Ansible gives them."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3] / "playbooks" / "collections"))
