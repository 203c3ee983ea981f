"""Stripe's payment methods by the word that a charge uses for them (`payment_method_details.type`)."""

from typing import Final

# docs.stripe.com/api/charges/object#charge_object-payment_method_details, as of 2026-11; a policy may name no other, so
# that a slip is found.
_WORDS: Final = """
    ach_credit_transfer ach_debit acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit
    bancontact billie bizum blik boleto card card_present cashapp crypto customer_balance eps fpx giropay grabpay ideal
    interac_present kakao_pay klarna konbini kr_card link mb_way mobilepay multibanco naver_pay nz_bank_account oxxo p24
    pay_by_bank payco paynow paypal paypay payto pix promptpay revolut_pay samsung_pay satispay scalapay
    sepa_credit_transfer sepa_debit sequra sofort stripe_account sunbit swish twint upi us_bank_account wechat
    wechat_pay wero zip
"""
PAYMENT_METHODS: Final = frozenset(_WORDS.split())
