"""Documents that point into the repository point at something."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.service.serving import running

from matcher.app import App, parse_config

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    """A map with dead ends sends the newcomer who needs it most astray."""
    targets = [target for target in LINK.findall(document.read_text()) if "://" not in target]
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_into_pages_lead_to_their_headings(document: Path) -> None:
    """Runbooks and fields are linked to by heading; one that was renamed takes the reader to the page's top."""
    for target, fragment in re.findall(r"\]\(([^)#\s]*\.md)?#([^)\s]+)\)", document.read_text()):
        page = document.parent / target if target else document
        headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
        known = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert fragment in known, f"{page.name} has no heading #{fragment}"


def test_every_decision_is_listed() -> None:
    """The list of decisions is how a reader finds the reason for something."""
    listed = (ROOT / "docs" / "decisions" / "README.md").read_text()
    pages = [path.name for path in (ROOT / "docs" / "decisions").glob("0*.md")]
    assert pages
    assert [page for page in pages if f"({page})" not in listed] == []


def test_every_kernel_page_has_its_header() -> None:
    """An algorithm keeps one stem: its page, its header and its sources are found from one another."""
    headers = {path.stem for path in (ROOT / "cpp" / "include" / "matcher").glob("*.h")}
    assert {path.stem for path in (ROOT / "docs" / "kernels").glob("*.md")} - {"README"} <= headers


def test_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The first code that anybody tries is the README's: it runs as it stands there, but for the server's port."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(blocks) >= 2
    with running(App(parse_config('[server]\nlisten = ["127.0.0.1:0"]'))) as server:
        for block in blocks:
            exec(compile(block.replace("127.0.0.1:50051", server.address), "README.md", "exec"), {})
    assert "order-1" in capsys.readouterr().out
