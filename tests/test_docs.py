"""The documents say what is: links, anchors, commands, codes, variables and examples are compared with the program."""

import re
import shlex
import string
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer

from refund_worker.adapters.policy_file import load_policy
from refund_worker.domain.reasons import Reason
from refund_worker.entrypoints.cli import app
from refund_worker.entrypoints.exits import Exit
from refund_worker.sandbox import Sandbox, SandboxServer
from refund_worker.sandbox.population import SCENARIOS
from refund_worker.settings import Settings
from tests.e2e.places import Place

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
FOR_USERS = [
    README,
    *(ROOT / "docs" / f"{name}.md" for name in ("going-live", "operations", "finance", "reason-codes")),
]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")

# Of the workshop, not of the product: paths, people and papers that no reader of the documents has.
FOREIGN_WORDS = re.compile(
    r"/work/|/tmp/|\.library|design\.md|style\.md|facts\.md|\bagents?\b|\bsubagents?\b|\bLLM\b|\bTODO\b", re.IGNORECASE
)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def _section(page: Path, heading: str) -> str:
    """The text under a heading, on to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    _, _, after = page.read_text().partition(f"\n{heading}\n")
    assert after, f"{_name(page)} has no {heading}"
    return re.split(rf"^#{{1,{level}}} ", after, maxsplit=1, flags=re.MULTILINE)[0]


def _first_cells(section: str) -> list[str]:
    """The first cell of each row of the tables in it, without their heads."""
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [_cells(row)[0] for row in rows[2:]]


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    text = FENCE.sub("", page.read_text())
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    kept = set(string.ascii_lowercase + string.digits + "-_ ")
    return {"".join(c for c in heading.lower() if c in kept).replace(" ", "-") for heading in headings}


def _links(page: Path) -> Iterator[tuple[str, str]]:
    yield from LINK.findall(FENCE.sub("", page.read_text()))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    """Files exist, and the headings that anchors name."""
    for _, target in _links(page):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{_name(page)} links {target}"
        assert not anchor or anchor in _anchors(there), f"{_name(page)} links {target}"


def test_each_invariant_names_a_test_that_exists() -> None:
    """Ten invariants, each with a link from the test's name to its file."""
    invariants = re.split(r"^\d+\. ", _section(README, "## Invariants, each with its test"), flags=re.MULTILINE)[1:]
    assert len(invariants) == 10
    for invariant in invariants:
        tests = [(text.strip("`"), target) for text, target in LINK.findall(invariant) if text.startswith("`test_")]
        assert tests, invariant
        for test, target in tests:
            assert re.search(rf"^def {test}\(", (ROOT / target).read_text(), re.MULTILINE), f"{target} has no {test}"


def test_reason_codes_are_those_of_the_program() -> None:
    """Each once, no other."""
    codes = re.findall(r"^### `(\w+)`$", (ROOT / "docs" / "reason-codes.md").read_text(), re.MULTILINE)
    assert Counter(codes) == Counter(str(reason) for reason in Reason)


def test_variables_are_those_that_are_read() -> None:
    """The table of the README has every variable, no other."""
    read = {str(field.alias) for field in Settings.model_fields.values()}
    assert Counter(_first_cells(_section(README, "### Environment"))) == Counter(f"`{name}`" for name in read)


def test_exit_codes_are_those_of_the_program() -> None:
    """In the README, and among others in operations."""
    codes = [str(int(code)) for code in Exit]
    assert _first_cells(_section(README, "### Exit codes")) == codes
    assert _first_cells(_section(ROOT / "docs" / "operations.md", "## Exit codes"))[: len(codes)] == codes


def test_make_targets_exist() -> None:
    """Every `make something` that a page asks for."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        text = page.read_text()
        named = re.findall(r"`make ([a-z-]+)", text) + re.findall(r"^    make ([a-z-]+)", text, re.MULTILINE)
        assert set(named) <= targets, f"{_name(page)}: {set(named) - targets}"


def _command(words: list[str]) -> tuple[click.Command | None, list[str]]:
    """The command that the words name, and the words behind it."""
    found: object = typer.main.get_command(app)
    while hasattr(found, "commands"):
        if not words or words[0] not in found.commands:
            return None, words
        found, words = found.commands[words[0]], words[1:]
    return found, words  # type: ignore[return-value]  # typer's commands are click's in all but name


def _options(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts if option.startswith("--")} - {"--help"}


def test_commands_of_the_readme_are_all_commands_with_all_options() -> None:
    """What the table says of a command is what the command takes."""
    said = {}
    for cell in _first_cells(_section(README, "### Commands")):
        words = cell.strip("`").split()
        command, rest = _command(words)
        assert command is not None, cell
        said[" ".join(words[: len(words) - len(rest)])] = set(re.findall(r"--[a-z-]+", " ".join(rest)))
    assert said == dict(_all_commands(typer.main.get_command(app)))


def _all_commands(found: object, *words: str) -> Iterator[tuple[str, set[str]]]:
    if hasattr(found, "commands"):
        for word, inner in found.commands.items():
            yield from _all_commands(inner, *words, word)
    else:
        yield " ".join(words), _options(found)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_command_lines_can_be_typed(page: Path) -> None:
    """Every `refund-worker ...` on a page is a command with options that it has."""
    text = page.read_text()
    lines = re.findall(r"`(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?refund-worker ([^`\n]+)`", text)
    lines += re.findall(
        r"^(?:    |\$ |ExecStart=)(?:[A-Z_]+=\S+ )*(?:\S*/)?refund-worker ([^\n#>]+)", text, re.MULTILINE
    )
    for line in lines:
        command, rest = _command(shlex.split(line))
        assert command is not None, f"{_name(page)}: {line}"
        unknown = {word for word in rest if word.startswith("--")} - _options(command)
        assert not unknown, f"{_name(page)}: {line}"


def test_policies_on_the_pages_are_policies(tmp_path: Path) -> None:
    """What a reader copies is accepted."""
    found = [content for page in PAGES for kind, content in FENCE.findall(page.read_text()) if kind == "toml"]
    assert found
    for content in found:
        path = tmp_path / "policy.toml"
        path.write_text(content)
        assert load_policy(path).credit_since is not None


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_tables_are_whole(page: Path) -> None:
    """Every row has as many cells as its head."""
    rows: list[list[str]] = []
    for line in [*FENCE.sub("", page.read_text()).splitlines(), ""]:
        if line.lstrip().startswith("|"):
            rows.append(_cells(line))
        elif rows:
            assert {len(row) for row in rows} == {len(rows[0])}, f"{_name(page)}: {rows[0]}"
            assert set("".join(rows[1])) <= set("-: "), f"{_name(page)}: {rows[0]}"
            rows = []


@pytest.mark.parametrize("page", FOR_USERS, ids=_name)
def test_lines_can_be_read_in_a_terminal(page: Path) -> None:
    """None is longer than the code's own."""
    assert not [line for line in page.read_text().splitlines() if len(line) > 120]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_pages_speak_of_the_product_only(page: Path) -> None:
    """Not of the workshop it was made in."""
    assert not FOREIGN_WORDS.findall(page.read_text())


def _permissions() -> list[str]:
    table = _section(ROOT / "docs" / "going-live.md", "## The key")
    return re.findall(r"`rak_(\w+)`", "\n".join(line for line in table.splitlines() if line.startswith("|")))


def _use(directory: Path, permissions: list[str], *commands: str) -> list[tuple[int, str]]:
    """Use a restricted key with these permissions on one customer's credit; exit codes and lines for people."""
    sandbox = Sandbox(seed=1, keys={"rk_test_given": {"permissions": permissions}})
    next(one for one in SCENARIOS if one.expected.outcome == "refunded").build(sandbox)
    with SandboxServer(sandbox, port=0) as server:
        rates = {"STRIPE_RATE_GLOBAL": "1000", "STRIPE_RATE_ENDPOINT": "1000"}
        environ = {"STRIPE_API_KEY": "rk_test_given", "STRIPE_API_BASE": server.base_url, **rates}
        place = Place(directory=directory, sandbox=sandbox, environ=environ)
        ended = [place.use(*command.split()) for command in commands]
    return [(one.code, one.err) for one in ended]


def test_the_key_of_the_page_is_enough(tmp_path: Path) -> None:
    """Reads for a plan, three writes more for everything."""
    permissions = _permissions()
    reads = [one for one in permissions if one.endswith("_read")]
    assert len(permissions) == len(reads) + 3
    (tmp_path / "reads").mkdir()
    assert [code for code, _ in _use(tmp_path / "reads", reads, "plan", "plan --all-time")] == [0, 0]
    commands = ("plan", "run --json", "resume", "recover", "recover --full")
    assert [code for code, _ in _use(tmp_path, permissions, *commands)] == [0] * len(commands)


@pytest.mark.parametrize(
    ("missing", "command"),
    [
        ("customer_read", "plan"),
        ("invoice_read", "plan"),
        ("charge_read", "plan"),
        ("event_read", "recover"),
        ("customer_write", "run --json"),
        ("charge_write", "run --json"),
    ],
)
def test_no_permission_of_the_page_is_idle(tmp_path: Path, missing: str, command: str) -> None:
    """Without it the command ends with 2 and names it."""
    kind = missing.rpartition("_")[0]
    rest = [
        one for one in _permissions() if one != missing and not (missing.endswith("_read") and one.startswith(kind))
    ]
    ((code, said),) = _use(tmp_path, rest, command)
    assert code == Exit.WRONG_USE
    assert f"rak_{missing}" in said
