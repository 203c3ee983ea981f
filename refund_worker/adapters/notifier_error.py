"""What is wrong with an address for notices; apart from the notifier, which takes a third of a second to load."""


class NotifierError(Exception):
    """An address is none that Apprise knows; the line names its place, not the address."""
