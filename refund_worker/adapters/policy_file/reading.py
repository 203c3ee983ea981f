"""Reads policy.toml: strictly, for a wrong key or amount here is money that leaves, or does not."""

import difflib
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from refund_worker.adapters.policy_file.amounts import minor_of
from refund_worker.adapters.policy_file.lines import KeyPath, line_of
from refund_worker.adapters.policy_file.shape import Exclude, Limits, PolicyFile, RunLimits, Unusual
from refund_worker.domain.payment_methods import PAYMENT_METHODS
from refund_worker.domain.policy import Policy

SIZE_MAX_BYTES: Final = 1_000_000  # 30,000 excluded customers; a larger file is some other file
_STOPPED: Final = re.compile(r"(.*) \(at line (\d+), column (\d+)\)")
_TABLES: Final[Mapping[KeyPath, type[BaseModel]]] = {
    (): PolicyFile,
    ("limits",): Limits,
    ("limits", "run"): RunLimits,
    ("unusual",): Unusual,
    ("exclude",): Exclude,
}
_WORDS: Final = {
    "int_type": "must be a whole number",
    "string_type": "must be text in quotes",
    "list_type": "must be a list in brackets",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "too_short": "must name at least one",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
}


class PolicyError(Exception):
    """The policy cannot be used: one line that names the file, the line, the key and what it must be."""


class _WrongKey(Exception):
    def __init__(self, path: KeyPath, message: str) -> None:
        super().__init__(message)
        self.path = path


def load_policy(path: Path | None, *, tz: tzinfo = UTC) -> Policy:
    """Read the policy in a file; the default policy where there is none.

    Args:
        path: Of policy.toml; None = the defaults.
        tz: The company's, in which a `credit_since` day begins.

    Raises:
        PolicyError: If the file cannot be read, or anything in it is not understood.
    """
    if path is None:
        return Policy()
    text = _text_of(path)
    try:
        return _policy_of(tomllib.loads(text), tz=tz)
    except _WrongKey as wrong:
        line = line_of(wrong.path, text=text)
        where = f"{path} line {line}" if line else str(path)
        raise PolicyError(f"{where}: {_name_of(wrong.path)}: {wrong}") from None
    except RecursionError:
        raise PolicyError(f"{path}: has lists or tables nested too deep") from None
    except ValueError as broken:  # TOMLDecodeError, or a number with thousands of digits
        raise PolicyError(_syntax(path, text, str(broken))) from None


def _text_of(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise PolicyError(f"the policy {path} is not a file: correct REFUND_POLICY")
        with path.open("rb") as file:
            content = file.read(SIZE_MAX_BYTES + 1)
    except FileNotFoundError:
        raise PolicyError(f"the policy {path} does not exist: create it, or correct REFUND_POLICY") from None
    except OSError as error:
        raise PolicyError(f"the policy {path} cannot be read ({error.strerror}): correct REFUND_POLICY") from None
    if len(content) > SIZE_MAX_BYTES:
        raise PolicyError(f"the policy {path} is larger than {SIZE_MAX_BYTES} bytes: correct REFUND_POLICY")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PolicyError(f"{path} line {line}: is not UTF-8 text: save the file as UTF-8") from None


def _policy_of(raw: Mapping[str, Any], *, tz: tzinfo) -> Policy:
    try:
        file = PolicyFile.model_validate(raw, context={"tz": tz})
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        raise _WrongKey(first["loc"], _message(first)) from None
    return Policy(
        origins=frozenset(file.origins),
        refund_after=frozenset(file.refund_after),
        credit_since=file.credit_since,
        quiet_hours=file.quiet_hours,
        stripe_tax=file.stripe_tax,
        failures_max=file.failures_max,
        case_limit_minor=_amounts(file.limits.case, at=("limits", "case"), least=1),
        run_cases_max=file.limits.run.cases,
        run_limit_minor=_amounts(file.limits.run.model_extra or {}, at=("limits", "run"), least=1),
        minimum_minor=_amounts(file.minimum, at=("minimum",), least=0),
        excluded_customers=frozenset(file.exclude.customers),
        excluded_metadata=file.exclude.metadata,
        while_active=file.while_active,
        pending_items_of_active=file.pending_items_of_active,
        bank_debits=file.bank_debits,
        refund_window_days=_windows(file.refund_window_days),
        customer_refunds_max=file.customer_refunds_max,
        unusual_multiple=file.unusual.multiple,
        unusual_floor_customers=file.unusual.customers,
        unusual_floor_minor=_amounts(file.unusual.model_extra or {}, at=("unusual",), least=0),
    )


def _amounts(table: Mapping[str, object], *, at: tuple[str, ...], least: int) -> dict[str, int]:
    amounts = {}
    for currency, value in table.items():
        try:
            amounts[currency] = minor_of(value, currency=currency)
        except ValueError as wrong:
            raise _WrongKey((*at, currency), str(wrong)) from None
        if amounts[currency] < least:
            raise _WrongKey((*at, currency), "must be more than zero: to refund nothing, do not run")
    return amounts


def _windows(table: dict[str, int]) -> dict[str, int]:
    for method in table:
        if method not in PAYMENT_METHODS:
            close = difflib.get_close_matches(method, PAYMENT_METHODS, n=1)
            meant = f"did you mean {close[0]}?" if close else "use a type such as sepa_debit or us_bank_account"
            raise _WrongKey(("refund_window_days", method), f"is no payment method; {meant}")
    return table


def _message(error: ErrorDetails) -> str:
    kind, told = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(told["error"])
    if kind == "extra_forbidden":
        return f"no such key{_meant(error['loc'])}"
    return _WORDS[kind].format(**told) if kind in _WORDS else error["msg"]


def _meant(path: KeyPath) -> str:
    table = _TABLES.get(path[:-1])
    known = list(table.model_fields) if table is not None else []
    close = difflib.get_close_matches(str(path[-1]), known, n=1)
    return f"; did you mean {close[0]}?" if close else f": use {', '.join(known)}"


def _name_of(path: KeyPath) -> str:
    *tables, key = [
        part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else repr(part) for part in path if isinstance(part, str)
    ]
    return f"[{'.'.join(tables)}] {key}" if tables else key


def _syntax(path: Path, text: str, said: str) -> str:
    found = _STOPPED.fullmatch(said)
    if found is not None:
        return f"{path} line {found[2]} column {found[3]}: is not TOML: {' '.join(found[1].split())}"
    if "digits" in said:
        return f"{path}: has a number with thousands of digits"
    last = text.rstrip().count("\n") + 1
    return f"{path} line {last}: is not TOML: {said.removesuffix(' (at end of document)')}"
