"""policy.toml is read strictly: what is wrong is named with its line and key, and what is shown reads back the same."""

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refund_worker.adapters.policy_file import PolicyError, load_policy, show_policy
from refund_worker.adapters.policy_file.amounts import minor_of
from refund_worker.adapters.policy_file.reading import SIZE_MAX_BYTES
from refund_worker.domain.credit import Cause, Origin
from refund_worker.domain.currencies import amount_text, step_minor
from refund_worker.domain.payment_methods import PAYMENT_METHODS
from refund_worker.domain.policy import Policy

EXAMPLE = Path(__file__).parents[2] / "docs" / "policy.toml.example"

WHOLE = """
origins = ["proration", "credit_note"]   # the order does not matter
refund_after = ["cancellation"]
credit_since = 2026-10-01
quiet_hours = 48
stripe_tax = "refund"
while_active = "leave"
pending_items_of_active = "convert"
bank_debits = "refund"
customer_refunds_max = 2
failures_max = 3

[limits.case]
usd = "1000.00"
jpy = "50000"
kwd = "100.120"
isk = "9000.00"

[limits.run]
cases = 200
eur = "0.01"

[minimum]
usd = "1.00"
gbp = "0.00"

[refund_window_days]
klarna = 90
card = 0

[unusual]
multiple = 3
customers = 40
jpy = "2000000"
gbp = "0.00"

[exclude]
customers = ["cus_A", "cus_B",
  "acme-legacy_1"]
metadata = { vip = "*", "a key" = "ü \\"quoted\\"" }
"""


def write(tmp_path: Path, text: str) -> Path:
    """The file that a user would have written."""
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    """The one line with which a file is refused."""
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_every_key_arrives(tmp_path: Path) -> None:
    """Amounts in minor units, exactly; a day begins at midnight in the company's zone."""
    assert load_policy(write(tmp_path, WHOLE), tz=ZoneInfo("Europe/Berlin")) == Policy(
        origins=frozenset({Origin.PRORATION, Origin.CREDIT_NOTE}),
        refund_after=frozenset({Cause.CANCELLATION}),
        credit_since=int(datetime(2026, 9, 30, 22, tzinfo=UTC).timestamp()),
        quiet_hours=48,
        stripe_tax="refund",
        while_active="leave",
        pending_items_of_active="convert",
        bank_debits="refund",
        customer_refunds_max=2,
        refund_window_days={"klarna": 90, "card": 0},
        unusual_multiple=3,
        unusual_floor_customers=40,
        unusual_floor_minor={"jpy": 2_000_000, "gbp": 0},
        failures_max=3,
        case_limit_minor={"usd": 100_000, "jpy": 50_000, "kwd": 100_120, "isk": 900_000},
        run_cases_max=200,
        run_limit_minor={"eur": 1},
        minimum_minor={"usd": 100, "gbp": 0},
        excluded_customers=frozenset({"cus_A", "cus_B", "acme-legacy_1"}),
        excluded_metadata={"vip": "*", "a key": 'ü "quoted"'},
    )


def test_no_file_and_an_empty_file_are_the_default_policy(tmp_path: Path) -> None:
    """What a file leaves out is as it was; also with Windows' line ends and byte order mark."""
    assert load_policy(None) == Policy()
    assert load_policy(write(tmp_path, "")) == Policy()
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf# ours\r\nquiet_hours = 5\r\n\r\n[limits.run]\r\ncases = 7\r\n")
    assert load_policy(path) == Policy(quiet_hours=5, run_cases_max=7)


def test_the_example_is_the_default_policy_but_for_what_it_shows() -> None:
    """Whoever copies the example changes nothing they did not read."""
    assert load_policy(EXAMPLE) == Policy(
        credit_since=int(datetime(2026, 10, 1, tzinfo=UTC).timestamp()),
        case_limit_minor={"usd": Policy().case_limit("usd")},
        run_limit_minor={"usd": Policy().run_limit("usd")},
        minimum_minor={"usd": 0},
        excluded_metadata={"refund_worker": "never"},
    )


def test_a_moment_is_the_same_in_every_zone(tmp_path: Path) -> None:
    """With an offset of its own, `credit_since` does not depend on COMPANY_TZ."""
    path = write(tmp_path, "credit_since = 2026-10-01T02:00:00+02:00")
    assert load_policy(path, tz=ZoneInfo("Asia/Tokyo")).credit_since == load_policy(path).credit_since == 1790812800


# File (a slash ends a line) | line | what the refusal says after it
WRONG = """
    quiet_hour = 3                                   | 1 | quiet_hour: no such key; did you mean quiet_hours?
    # ours//zzz = 1                                  | 3 | zzz: no such key: use origins, refund_after,
    [limit.case]/usd = "1.00"                        | 1 | limit: no such key; did you mean limits?
    [limits.cases]/usd = "1.00"                      | 1 | [limits] cases: no such key; did you mean case?
    [exclude]/customer = []                          | 2 | [exclude] customer: no such key; did you mean customers?
    "a/nb" = 1                                       | 1 | 'a\\nb': no such key: use origins,
    quiet_hours = "3"                                | 1 | quiet_hours: must be a whole number
    quiet_hours = true                               | 1 | quiet_hours: must be a whole number
    quiet_hours = 1.5                                | 1 | quiet_hours: must be a whole number
    quiet_hours = -1                                 | 1 | quiet_hours: must be at least 0
    quiet_hours = 721                                | 1 | quiet_hours: must be at most 720
    failures_max = 0                                 | 1 | failures_max: must be at least 1
    [limits.run]/cases = 0                           | 2 | [limits.run] cases: must be at least 1
    limits.run.cases = 99999999999999999999          | 1 | [limits.run] cases: must be at most 1000000
    [limits.run]/cases = true                        | 2 | [limits.run] cases: must be a whole number
    origins = ["proration", "unknown"]               | 1 | origins: must not name 'unknown':
    origins = [/ "proration",/ "cash",/]             | 1 | origins: 'cash' is no origin: use proration,
    origins = [3]                                    | 1 | origins: 3 is no origin: use proration,
    origins = []                                     | 1 | origins: must name at least one
    origins = "proration"                            | 1 | origins: must be a list in brackets
    refund_after = ["upgrade"]                       | 1 | refund_after: 'upgrade' is no change that makes credit:
    stripe_tax = "keep"                              | 1 | stripe_tax: must be 'hold' or 'refund'
    stripe_tax = true                                | 1 | stripe_tax: must be 'hold' or 'refund'
    while_active = "hold"                            | 1 | while_active: must be 'refund' or 'leave'
    pending_items_of_active = true                   | 1 | pending_items_of_active: must be 'leave' or 'convert'
    bank_debit = "hold"                              | 1 | bank_debit: no such key; did you mean bank_debits?
    bank_debits = "leave"                            | 1 | bank_debits: must be 'hold' or 'refund'
    customer_refunds_max = 0                         | 1 | customer_refunds_max: must be at least 1
    customer_refunds_max = 1001                      | 1 | customer_refunds_max: must be at most 1000
    refund_window_days = 180                         | 1 | refund_window_days: must be a table
    [refund_window_days]/klarna = "90"               | 2 | [refund_window_days] klarna: must be a whole number
    [refund_window_days]/klarna = -1                 | 2 | [refund_window_days] klarna: must be at least 0
    [refund_window_days]/card = 30/klarna = 3651     | 3 | [refund_window_days] klarna: must be at most 3650
    [refund_window_days]/klarma = 90                 | 2 | [refund_window_days] klarma: is no payment method; did you
    [refund_window_days]/cheque = 90                 | 2 | [refund_window_days] cheque: is no payment method; use a
    [unusual]/multiple = 1                           | 2 | [unusual] multiple: must be at least 2
    [unusual]/customers = 0                          | 2 | [unusual] customers: must be at least 1
    [unusual]/customers = "40"                       | 2 | [unusual] customers: must be a whole number
    [unusual]/multiples = 5                          | 2 | [unusual] multiples: is no currency that Stripe knows
    [unusual]/usd = 100                              | 2 | [unusual] usd: must be an amount in quotes, such as
    [unusual]/usd = "100"                            | 2 | [unusual] usd: must be an amount with 2 decimals
    credit_since = "2026-10-01"                      | 1 | credit_since: must be a date without quotes
    credit_since = 2026-10-01T00:00:00               | 1 | credit_since: must be a date without quotes
    credit_since = 2026-10-01T00:00:00.5Z            | 1 | credit_since: must be a date without quotes
    credit_since = 12:00:00                          | 1 | credit_since: must be a date without quotes
    credit_since = 20261001                          | 1 | credit_since: must be a date without quotes
    credit_since = 2006-10-01                        | 1 | credit_since: must be a date from 2011 to 2099
    [limits.case]///gbp = 500                        | 4 | [limits.case] gbp: must be an amount in quotes, such
    [limits.case]/gbp = 500.00                       | 2 | [limits.case] gbp: must be an amount in quotes
    [limits.case]/gbp = true                         | 2 | [limits.case] gbp: must be an amount in quotes
    limits = { case = { usd = "1.00", gbp = "500" }} | 1 | [limits.case] gbp: must be an amount with 2 decimals
    [limits.case]/gbp = "500.0"                      | 2 | [limits.case] gbp: must be an amount with 2 decimals
    [limits.case]/gbp = "500.000"                    | 2 | [limits.case] gbp: must be an amount with 2 decimals
    [limits.case]/gbp = "5,000.00"                   | 2 | [limits.case] gbp: must be an amount with 2 decimals
    [limits.case]/gbp = "£500.00"                    | 2 | [limits.case] gbp: must be an amount with 2 decimals
    [limits.case]/gbp = "1e3"                        | 2 | [limits.case] gbp: must be an amount with 2 decimals
    [limits.case]/gbp = "٥٠٠.٠٠"                     | 2 | [limits.case] gbp: must be an amount with 2 decimals
    [limits.case]/gbp = " 500.00"                    | 2 | [limits.case] gbp: must be an amount with 2 decimals
    [limits.case]/gbp = ""                           | 2 | [limits.case] gbp: must be an amount with 2 decimals
    [limits.case]/gbp = "-5.00"                      | 2 | [limits.case] gbp: must not be negative
    [limits.case]/gbp = "0.00"                       | 2 | [limits.case] gbp: must be more than zero
    [limits.run]/gbp = "0.00"                        | 2 | [limits.run] gbp: must be more than zero
    [limits.case]/gbp = "10000000000.00"             | 2 | [limits.case] gbp: is too large: at most 12 digits
    [limits.case]/jpy = "500.00"                     | 2 | [limits.case] jpy: must be an amount with no decimals
    [limits.case]/isk = "1.50"                       | 2 | [limits.case] isk: must be a multiple of 1.00
    [minimum]/kwd = "1.005"                          | 2 | [minimum] kwd: must be a multiple of 0.010
    [limits.case]/xxx = "1.00"                       | 2 | [limits.case] xxx: is no currency that Stripe knows
    [limits.case]/USD = "1.00"                       | 2 | [limits.case] USD: must be written in lower case: usd
    [limits.run]/case = 3                            | 2 | [limits.run] case: is no currency that Stripe knows
    limits = 3                                       | 1 | limits: must be a table
    [limits]/case = []                               | 2 | [limits] case: must be a table
    [[exclude]]/customers = []                       | 1 | exclude: must be a table
    [exclude]/customers = "cus_1"                    | 2 | [exclude] customers: must be a list in brackets
    [exclude]/customers = ["cus_1", "cus_ 2"]        | 2 | [exclude] customers: 'cus_ 2' is no customer id
    [exclude]/customers = ["", "cus_2"]              | 2 | [exclude] customers: '' is no customer id
    [exclude]/customers = [7]                        | 2 | [exclude] customers: 7 is no customer id
    [exclude]/metadata = { vip = true }              | 2 | [exclude.metadata] vip: must be text in quotes
    [exclude.metadata]/"" = "x"                      | 1 | [exclude] metadata: '' cannot be in Stripe's metadata
    [exclude.metadata]/a = "\\u0007"                 | 1 | [exclude] metadata: 'a' cannot be in Stripe's metadata
"""


def _rows(table: str) -> list[tuple[str, str, str]]:
    rows = [line.split("|", maxsplit=2) for line in table.strip().splitlines()]
    return [
        (text.strip().replace("/n", "\\n").replace("/", "\n"), line.strip(), said.strip()) for text, line, said in rows
    ]


@pytest.mark.parametrize(("text", "line", "said"), _rows(WRONG))
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, line: str, said: str) -> None:
    """The file, the line, the key, and what must stand there."""
    path = write(tmp_path, text)
    assert refusal(path).startswith(f"{path} line {line}: {said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quiet_hours = ", r" line 1( column 15)?: is not TOML: \w.*"),
        ("[limits.case]\nusd = 5oo\n", r" line 2 column \d+: is not TOML: \w.*"),
        ("quiet_hours = 1\nquiet_hours = 2\n\n", r" line 2( column \d+)?: is not TOML: \w.*"),
        ("# fine\n[limits\n", r" line 2 column \d+: is not TOML: \w.*"),
        ('origins = ["proration"\n', r" line 1( column \d+)?: is not TOML: \w.*"),
        ("credit_since = 2026-02-30\n", r" line 1 column \d+: is not TOML: \w.*"),
        ("quiet_hours = " + "9" * 5000, ": has a number with thousands of digits"),
        ("x = " + "[" * 5000, ": has lists or tables nested too deep"),
    ],
)
def test_broken_toml_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    """Where the parser stopped (its words and columns differ between Python versions), in one line."""
    path = write(tmp_path, text)
    assert re.fullmatch(re.escape(str(path)) + said, refusal(path))


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """Missing, a directory, a device, not text, far too large."""
    assert refusal(tmp_path / "none.toml").endswith("none.toml does not exist: create it, or correct REFUND_POLICY")
    assert refusal(tmp_path).endswith("is not a file: correct REFUND_POLICY")
    assert refusal(Path("/dev/zero")).endswith("is not a file: correct REFUND_POLICY")
    assert "cannot be read (File name too long)" in refusal(tmp_path / ("x" * 300))
    (tmp_path / "latin.toml").write_bytes(b"# caf\n\n# caf\xe9\n")
    assert refusal(tmp_path / "latin.toml").endswith("latin.toml line 3: is not UTF-8 text: save the file as UTF-8")
    assert "is larger than" in refusal(write(tmp_path, "#" * (SIZE_MAX_BYTES + 1)))


def test_a_long_list_is_read_and_its_fault_found(tmp_path: Path) -> None:
    """Ten thousand excluded customers, one a line, with a wrong key below them."""
    names = "".join(f'  "cus_{number}",\n' for number in range(10_000))
    text = f"[exclude]\ncustomers = [\n{names}]\n"
    assert len(load_policy(write(tmp_path, text)).excluded_customers) == 10_000
    assert " line 10004: [exclude] metadatas: no such key" in refusal(write(tmp_path, text + "metadatas = {}\n"))


def test_text_over_many_lines_does_not_move_the_line(tmp_path: Path) -> None:
    """Brackets, quotes and headers inside of text are text; the line is the file's."""
    listed = 'origins = [\n  "proration", # ]\n]\n[exclude]\ncustomers = ["""\\\n[limits.case]\\\n\\\n"""]\n'
    text = listed + "[limits.case]\nusd = 1\n"
    assert " line 10: [limits.case] usd: must be an amount" in refusal(write(tmp_path, text))


CURRENCIES = st.sampled_from(["usd", "eur", "gbp", "jpy", "krw", "kwd", "bhd", "isk", "ugx", "huf", "twd"])
PRINTABLE = st.text(st.characters(blacklist_categories=["C", "Z"], whitelist_characters=" "), min_size=1, max_size=40)


def amounts(*, least: int) -> st.SearchStrategy[dict[str, int]]:
    """Per currency a valid amount in minor units."""
    multiples = st.dictionaries(CURRENCIES, st.integers(least, 10**9))
    return multiples.map(lambda table: {one: count * step_minor(one) for one, count in table.items()})


POLICIES = st.builds(
    Policy,
    origins=st.frozensets(st.sampled_from([one for one in Origin if one is not Origin.UNKNOWN]), min_size=1),
    refund_after=st.frozensets(st.sampled_from(list(Cause)), min_size=1),
    case_limit_minor=amounts(least=1),
    run_cases_max=st.integers(1, 1_000_000),
    run_limit_minor=amounts(least=1),
    minimum_minor=amounts(least=0),
    credit_since=st.none() | st.integers(1_300_000_000, 4_000_000_000),
    quiet_hours=st.integers(0, 720),
    stripe_tax=st.sampled_from(["hold", "refund"]),
    excluded_customers=st.frozensets(st.from_regex(r"cus_[A-Za-z0-9]{1,14}", fullmatch=True), max_size=5),
    excluded_metadata=st.dictionaries(PRINTABLE, PRINTABLE, max_size=5),
    failures_max=st.integers(1, 1_000),
    while_active=st.sampled_from(["refund", "leave"]),
    pending_items_of_active=st.sampled_from(["leave", "convert"]),
    bank_debits=st.sampled_from(["hold", "refund"]),
    refund_window_days=st.dictionaries(st.sampled_from(sorted(PAYMENT_METHODS)), st.integers(0, 3650), max_size=4),
    customer_refunds_max=st.integers(1, 1_000),
    unusual_multiple=st.integers(2, 1_000),
    unusual_floor_customers=st.none() | st.integers(1, 1_000_000),
    unusual_floor_minor=amounts(least=0),
)


@given(policy=POLICIES, zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"]))
def test_what_is_shown_reads_back_the_same(policy: Policy, zone: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """load(show(policy)) == policy, whatever zone either is in; the digest is shown and stays."""
    text = show_policy(policy, tz=ZoneInfo(zone))
    read = load_policy(write(tmp_path_factory.mktemp("policy"), text))
    assert read == policy
    assert text.startswith(f"# digest {read.digest()}\n")


def test_defaults_are_marked_and_changes_are_not() -> None:
    """A person sees at once what the company has changed."""
    shown = show_policy(Policy(quiet_hours=5, excluded_customers=frozenset({"cus_1"})))
    assert "quiet_hours = 5\n" in shown
    assert 'customers = ["cus_1"]\n' in shown
    assert 'stripe_tax = "hold"  # default\n' in shown
    assert "credit_since is not set" in shown
    assert tomllib.loads(shown)["limits"]["run"] == {"cases": 10_000}


@given(currency=CURRENCIES, count=st.integers(0, 10**9))
def test_amounts_are_exact(currency: str, count: int) -> None:
    """No amount is rounded on its way to text and back."""
    minor = count * step_minor(currency)
    assert minor_of(amount_text(minor, currency=currency), currency=currency) == minor
