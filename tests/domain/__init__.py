"""The domain's decisions, each in a table of facts and expected words."""
