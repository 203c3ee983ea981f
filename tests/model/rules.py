"""The rules of the money protocol, by the names that the code uses too.

The value of a rule is the rule in one sentence. A configuration of the model may switch a rule off to show
what it is for: the explorer then looks for a trace that loses money or leaves a customer short.
"""

from enum import Enum


class Rule(Enum):
    """One rule each; docs/decisions/0002 tells why the order of the steps is what it is."""

    ONE_LIVE_CASE = "A ledger holds at most one live case per customer and currency (a unique index)."
    INTENT_BEFORE_SEND = "Each send of a reserve or a refund stands in the ledger before it goes out."
    RESERVE_FIRST = "The credit is debited before the first refund is sent."
    SEND_WITHIN_20_HOURS = "A reserve or refund is sent only within 20 hours of the reserve's first intent."
    CLAIM_YOUNGER_THAN_LEASE = "A send, and each decision about a case, needs the newest claim on it."
    SAME_KEY_AFTER_UNKNOWN = "A send without a clear answer is repeated with its key and parameters unchanged."
    NEW_ATTEMPT_AFTER_DEFINITE_NO = "A step that was refused for good is tried again only under a new key."
    STORED_500_NEEDS_TWO_ABSENT_LOOKUPS = (
        "A replayed 500 gets a new key only after two look-ups, 30 seconds apart, found nothing."
    )
    DEFINITE_ONLY_WITHOUT_EARLIER_OPEN_SEND = (
        "A refusal is definite only if every other send of the same attempt has been answered, or if it is replayed."
    )
    ENDING_BALANCE_TELLS_OF_MOVES = (
        "A reserve whose ending balance is not the expected one refunds only what its lots covered just before it."
    )
    REFUND_ONLY_WHAT_IS_RESERVED = "The refunds of a case never exceed the part of its reserve that lots covered."
    CLOSING_IS_FINAL = "The decision to give back stands in the ledger first; no refund is sent after it."
    CLOSE_BY_MARK_AFTER_24_HOURS = (
        "A case with an open send waits until 24 hours have passed; then what bears its mark is the truth."
    )
    GIVE_BACK_AT_MOST_THE_MARKS_REST = (
        "A give-back is at most reserve - give-backs - re-credits - refunds that have not failed, as Stripe shows them."
    )
    GIVE_BACK_KEY_IS_COMPARE_AND_SET = (
        "The key of a give-back names the debit and the sum given back so far, the same for whoever sends it."
    )
    GIVE_BACK_ATTEMPT_ONLY_WHEN_KEY_IS_SPENT = (
        "A give-back gets a new attempt only after Stripe replayed its refusal: then the old key is spent for everyone."
    )
    MISMATCHED_KEY_IS_SPENT = (
        "A give-back whose key was used for another amount gets a new attempt after two look-ups, 30 "
        "seconds apart, found the sum given back unchanged."
    )
    ORPHAN_RESERVATION_IS_GIVEN_BACK = (
        "A mark's rest older than 24 hours that is live in no ledger of ours is given back, never refunded."
    )
    FAILED_REFUND_IS_RECREDITED = "What a failed refund leaves of a closed case's mark is put back on the credit."
    TAKEN_OVER_READS_THE_MARK = (
        "Before it sends a refund, whoever takes a case over adopts the refunds that bear its mark; where something "
        "was given back, or less is left than an open refund asks for, the case only closes."
    )
    HALT_BEGINS_NOTHING = (
        "While a halt stands no reserve is sent, and no refund of a case of which none was sent; what is reserved goes "
        "back, what has no answer is only looked for."
    )
    CHANGED_CHARGE_STOPS_THE_CASE = (
        "A refund refused because less is left on the charge than planned ends the refunds of its case."
    )
