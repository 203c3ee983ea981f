"""The rules of the money protocol by name, with their numbers.

`tests/model` explores each: switch one off and it finds a trace that loses money or leaves a customer short, but for
ONE_LIVE_CASE, which saves calls and a customer from being debited twice for a time. An ending balance that is the
expected one is trusted by the claim that opened the case (decision 0002: what that leaves open, and its price).

| rule | says |
|---|---|
| ONE_LIVE_CASE | at most one live case per account, mode, customer and currency: a unique index |
| INTENT_BEFORE_SEND | a write's intent is committed before it is sent |
| RESERVE_FIRST | the credit is debited before a refund is sent |
| SEND_WITHIN_20_HOURS | no reserve or refund is sent or resent later than that after the reserve's first intent |
| CLAIM_YOUNGER_THAN_LEASE | a send needs a claim that is the newest and whose lease has not ended |
| SAME_KEY_AFTER_UNKNOWN | an unknown outcome is resent with the same key and parameters |
| NEW_ATTEMPT_AFTER_DEFINITE_NO | a new key exists only after a definite refusal |
| STORED_500_NEEDS_TWO_ABSENT_LOOKUPS | or after a replayed stored 500 and two absent look-ups 30 seconds apart |
| DEFINITE_ONLY_WITHOUT_EARLIER_OPEN_SEND | a refusal is definite only if no earlier send of the attempt is open |
| ENDING_BALANCE_TELLS_OF_MOVES | another `ending_balance` than expected: refund only what the named lots covered |
| REFUND_ONLY_WHAT_IS_RESERVED | refunds never sum to more than what is reserved and covered |
| CHANGED_CHARGE_STOPS_THE_CASE | less left on a charge than its before-image says: give back, plan anew |
| CLOSE_BY_MARK_AFTER_24_HOURS | what is still unknown then is adopted or given up by its mark |
| GIVE_BACK_AT_MOST_THE_MARKS_REST | every give-back and re-credit reads the mark's rest first |
| GIVE_BACK_KEY_IS_COMPARE_AND_SET | its key names the debit and the sum given back so far |
| GIVE_BACK_ATTEMPT_ONLY_WHEN_KEY_IS_SPENT | only a replayed refusal or a spent key raises the attempt in it |
| MISMATCHED_KEY_IS_SPENT | other parameters, and two looks 30 seconds apart with the sum unchanged: next attempt |
| CLOSING_IS_FINAL | the decision to give back is committed before the rest is read; no refund is sent after it |
| ORPHAN_RESERVATION_IS_GIVEN_BACK | a rest without a live case is never finished, always given back |
| FAILED_REFUND_IS_RECREDITED | a refund that failed later returns to the credit, once |
| TAKEN_OVER_READS_THE_MARK | before it refunds, whoever takes a case over adopts what Stripe shows; given back: close |
| HALT_BEGINS_NOTHING | during a halt no reserve is sent, and no refund of a case of which none was sent |
| CREDIT_BEFORE_DELETE | pending items are deleted only after the credit for them was accepted |
| CREDIT_KEY_NAMES_THE_ITEMS | its key is made of the items, their amounts and how often they were named before |
| CREDIT_WITHIN_4_HOURS | no credit for items is sent or resent later than that after its first intent |
| DELETED_ONLY_WITH_A_RECORD | a deletion's intent holds what the item can be made again from |
| CONVERSION_COMPLETED_FIRST | items that are not as the marks carry them are settled before anything else, by anybody |
| NO_CASH_WHILE_BOTH_EXIST | nothing is reserved while an item and its credit both exist |
| CORRECTION_KEY_IS_COMPARE_AND_SET | it names the item, what is carried of it, and how many movements named it |
"""

HOUR_S = 3600

# Four hours for a pause between the check and the send, then every send has landed before the keys' first pruning.
SEND_WITHIN_S = 20 * HOUR_S
# A case that was interrupted longer is given back and planned anew: its guards were judged too long ago.
PLAN_FRESH_S = 15 * 60
# Its key may be younger than our intent - another deployment's - so it stays well below the keys' first pruning.
CREDIT_ITEMS_WITHIN_S = 4 * HOUR_S
# docs.stripe.com/api/idempotent_requests: keys may be pruned once they are at least 24 hours old.
CLOSE_BY_MARK_AFTER_S = 24 * HOUR_S
# A write that a stored 500 hides is listed within seconds; two looks this far apart outlast a lagging replica.
LOOKUPS_APART_S = 30
# Longer than the slowest call with its retries (30 s read timeout, four tries), shorter than anybody's patience.
LEASE_S = 300
# Resends of one attempt within one claim, with growing pauses; what is left over waits for `resume`.
SENDS_PER_CLAIM_MAX = 6
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
