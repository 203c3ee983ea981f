"""The system's clock."""

import time


class SystemClock:
    """Time as the operating system tells it, epoch seconds."""

    def now(self) -> int:
        """Now, whole seconds."""
        return int(time.time())

    def sleep(self, seconds: float) -> None:
        """Wait; nothing for zero or less."""
        if seconds > 0:
            time.sleep(seconds)
