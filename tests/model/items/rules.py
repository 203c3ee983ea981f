"""The rules of conversions, by the names that the code uses too; each in one sentence."""

from enum import Enum


class Rule(Enum):
    """One rule each; docs/decisions/0007 tells why."""

    CREDIT_BEFORE_DELETE = "Items are deleted only after a credit that names them was accepted."
    CREDIT_KEY_NAMES_THE_ITEMS = "The credit's key names the items and their amounts, the same for whoever sends it."
    CREDIT_KEY_COUNTS_THE_MARKS = (
        "The credit's key also names how many marks name each item so far: items that were corrected can be converted "
        "again."
    )
    CREDIT_WITHIN_4_HOURS = "A credit of items is sent only within four hours of its first intent."
    ITEMS_PENDING_BEFORE_EVERY_SEND = "Before the credit is sent, or sent again, its items are looked at."
    ITEMS_AFTER_MOVEMENTS = "The items that marks name are looked at after the balance transactions were read."
    CONVERSION_COMPLETED_FIRST = "A conversion that is unfinished is completed, by whoever sees it, before all else."
    ABANDONED_CONVERSION_IS_FOUND = (
        "`recover` looks at what marks carry, also where the customer shows neither credit nor pending items."
    )
    NO_CASH_WHILE_BOTH_EXIST = "No cash leaves while an item and its credit both exist."
    DELETED_ONLY_WITH_A_RECORD = "The intent to delete an item is committed, with all it is made of, before the DELETE."
    DRAFT_ITEMS_ARE_DELETED = "An item on a draft is deleted like a pending one; only a finalised one is corrected."
    CORRECTED_ONLY_WITHOUT_OPEN_DELETE = "An item that could still be deleted is corrected only when no DELETE is open."
    CORRECTED_ITEM_IS_LEFT = (
        "An item that was corrected to nothing is left: never deleted for that credit, and not credited again when it "
        "goes."
    )
    CORRECTION_KEY_IS_COMPARE_AND_SET = (
        "A correction takes all that one credit carries of one item; its key names both, and how often that was done."
    )
    CORRECTION_NAMES_THE_YOUNGEST = "Where several credits carry an item, the youngest is corrected first."
    HALT_BEGINS_NOTHING = (
        "While a halt stands nothing is sent; a conversion whose credit was accepted stays as it is until it is lifted."
    )
    OLDEST_MARK_WINS = "Of two marks that carry an item, only the older opens a refundable lot for it."
