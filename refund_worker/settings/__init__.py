"""The environment: what the platform tells the program, checked once, before anything else happens.

`environment` has the variables, `checks` and `cluster_checks` what each must look like.
"""

from refund_worker.settings.environment import Rates, Settings, SettingsError, load_settings

__all__ = ["Rates", "Settings", "SettingsError", "load_settings"]
