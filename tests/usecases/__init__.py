"""The use cases before the sandbox: the real gateway and the real ledger, judged from the sandbox's books."""
