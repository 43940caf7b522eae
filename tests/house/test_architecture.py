"""The architecture page shows the package as it stands. ``UPDATE_DOCS=1`` writes what can be derived anew."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

from leadkeeper.access.permissions import Role
from leadkeeper.delivery.schedule import GIVE_UP_AFTER, HOUR, LAST_DELAY, MINUTE, RETRY_DELAYS, SECOND
from tests.house.pages import DOCS, ROOT, section
from tests.house.test_citations import is_there

PAGE = DOCS / "architecture.md"
INDEX = DOCS / "index.md"
README = ROOT / "README.md"
PACKAGE = ROOT / "src/leadkeeper"
UNSAID = "(say what it is)"
PLACES = {"LC_MESSAGES", "assets", "static", "templates", "versions", "__pycache__"}
"""Folders that their parent's line covers."""

CHANGES = [
    "a destination", "an action code", "a setting", "a column in the lead list", "the retry schedule", "a diagnosis",
    "a page", "a role",
]  # fmt: skip
QUESTIONS = [
    "Where is the retry schedule?",
    "Where would I add a destination?",
    "What happens to a lead after the answer 202?",
    "Who may see what?",
]


def services() -> list[str]:
    """Every folder of the package, and the modules at its top, in the order of the page: as the tree is read."""
    folders = [path for path in PACKAGE.rglob("*") if path.is_dir() and not PLACES & set(path.parts)]
    names = [f"{path.relative_to(PACKAGE).as_posix()}/" for path in folders if any(path.glob("*.*"))]
    return sorted(names) + sorted(path.name for path in PACKAGE.glob("*.py") if path.name != "__init__.py")


def tree(text: str) -> dict[str, str]:
    """The folders of the page's tree, by path, with their lines."""
    found: dict[str, str] = {}
    above: list[str] = []
    for indent, name, line in re.findall(r"^( *)(\S+)  +(\S.*)$", text, re.MULTILINE):
        above = [*above[: len(indent) // 2], name]
        found["".join(above)] = line
    return found


def written_tree(lines: dict[str, str]) -> str:
    """The tree as it should be; a room that the page did not have gets a line that somebody must write."""
    shown = [(room, room.rstrip("/").count("/"), room.rstrip("/").rpartition("/")[2]) for room in services()]
    names = [f"{'  ' * depth}{name}{'/' if room.endswith('/') else ''}" for room, depth, name in shown]
    width = max(map(len, names)) + 2
    text = [f"{name:{width}}{lines.get(room, UNSAID)}" for name, (room, _, _) in zip(names, shown, strict=True)]
    return "\n".join(text) + "\n"


def written_imports() -> str:
    """What the contracts of import-linter say, in words."""
    linter: Any = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    floors = next(each for each in linter["contracts"] if each["type"] == "layers")
    lines = [re.sub(r"[()]", "", floor) for floor in floors["layers"]]
    names = "".join(f"- **{contract['name']}** (`{contract['id']}`)\n" for contract in linter["contracts"])
    return "```\n" + "\n".join(lines) + "\n```\n\nThe contracts, by their ids in `pyproject.toml`:\n\n" + names


def generated(name: str, written: str) -> bool:
    """Whether the block ``name`` of the page says ``written``; it does after ``UPDATE_DOCS=1``."""
    text = PAGE.read_text(encoding="utf-8")
    block = re.compile(rf"(<!-- {name}: [^>]*-->\n\n).*?(?=\n<!-- end -->)", re.DOTALL)
    assert block.search(text), f"the page lacks the block {name}"
    if os.environ.get("UPDATE_DOCS"):
        text = block.sub(lambda match: match[1] + written, text)
        PAGE.write_text(text, encoding="utf-8")
    return block.sub(lambda match: match[1] + written, text) == text


def test_the_tree_is_that_of_the_package() -> None:
    text = PAGE.read_text(encoding="utf-8")
    shown = re.search(r"<!-- tree: [^>]*-->\n\n```\n(.*?)```", text, re.DOTALL)
    assert shown
    lines = tree(shown[1])
    assert generated("tree", "```\n" + written_tree(lines) + "```\n"), "run: UPDATE_DOCS=1 make test ARGS=tests/house"
    assert [room for room in services() if lines.get(room, UNSAID) == UNSAID] == []


def test_the_imports_are_those_of_the_contracts() -> None:
    assert generated("imports", written_imports()), "run: UPDATE_DOCS=1 make test ARGS=tests/house"


def test_the_usual_changes_name_files_that_are_there() -> None:
    text = section(PAGE, "## How to change something")
    assert re.findall(r"^### (.+)$", text, re.MULTILINE) == [change.capitalize() for change in CHANGES]
    for change in CHANGES:
        files = re.findall(r"`([\w<>./-]+/[\w<>.-]*)`", section(PAGE, f"### {change.capitalize()}"))
        assert len(files) >= 2, change
        assert [path for path in files if not is_there(path)] == [], change


def links(page: Path, text: str) -> set[str]:
    """The pages, and headings in them, to which a text of the page leads, from the root."""
    found = re.findall(r"\]\(([\w/.-]+\.md)(#[\w-]+)?\)", re.sub(r"\s", "", text))
    return {(page.parent / path).resolve().relative_to(ROOT).as_posix() + heading for path, heading in found}


def retry_schedule() -> str:
    """The delays between attempts, as a person says them."""
    units = (("h", HOUR), ("min", MINUTE), ("s", SECOND))
    spoken = [next(f"{delay // size} {unit}" for unit, size in units if delay % size == 0) for delay in RETRY_DELAYS]
    return f"{', '.join(spoken)}, then every {LAST_DELAY // HOUR} h for {GIVE_UP_AFTER // (24 * HOUR)} days"


def test_the_first_pages_answer_a_strangers_questions() -> None:
    """Whoever opens the repository reads the README, whoever opens the site its first page: both lead the same way."""
    for question in QUESTIONS:
        answers = {page: section(page, f"### {question}") for page in (README, INDEX)}
        for page, answer in answers.items():
            assert len(answer.split()) >= 15, (page.name, question)
            assert links(page, answer), f"{page.name}: {question} leads nowhere"
        assert links(README, answers[README]) <= links(INDEX, answers[INDEX]), question


def test_the_answers_are_those_of_the_code() -> None:
    for page in (README, INDEX):
        schedule, destination, _, who = (" ".join(section(page, f"### {each}").split()) for each in QUESTIONS)
        assert "delivery/schedule.py`" in schedule
        assert retry_schedule() in schedule
        assert "`src/leadkeeper/destinations/`" in destination
        assert "`src/leadkeeper/sandbox/`" in destination
        assert {role.value for role in Role} <= set(re.findall(r"\w+", who.lower())), page.name
    table = (DOCS / "explanation/the-way-of-a-lead.md").read_text(encoding="utf-8")
    assert retry_schedule() in table


def test_a_schedule_is_said_as_people_say_it() -> None:
    assert retry_schedule().startswith("2 s, 10 s, 1 min, ")
    text = "[x](../architecture.md#the-folders) [y](add-a-language.md) [z](https://x.example/g.md)"
    assert links(DOCS / "howto/find-a-lead.md", text) == {
        "docs/architecture.md#the-folders",
        "docs/howto/add-a-language.md",
    }


def test_a_room_without_a_line_is_found() -> None:
    lines = tree("intake/     a lead comes in\n  below/    something\napp.py      all of it\n")
    assert lines == {"intake/": "a lead comes in", "intake/below/": "something", "app.py": "all of it"}
    assert UNSAID in written_tree({})
