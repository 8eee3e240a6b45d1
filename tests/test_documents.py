"""What the README promises is what the code does."""

import re
from pathlib import Path

from hall.cli import parser
from hall.core.settings import VARIABLES

ROOT = Path(__file__).parent.parent


def test_every_setting_is_in_the_readme_with_its_default_and_meaning():
    rows = re.findall(r"^\| `(HALL_\w+)` \| ?`?([^|`]*)`? ?\| ([^|]+) \|$", (ROOT / "README.md").read_text(), re.M)
    assert {name: (default.strip(), text.strip()) for name, default, text in rows} == VARIABLES


def test_every_command_is_in_both_readmes():
    commands = next(a for a in parser()._actions if a.dest == "command").choices
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text()
        missing = [command for command in commands if not re.search(rf"\b{command}\b", text)]
        assert not missing, f"{name}: {missing}"


def test_links_between_documents_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
