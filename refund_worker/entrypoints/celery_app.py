"""The Celery application, for tools that look for one: `celery -A refund_worker.entrypoints.celery_app worker`.

`refund-worker worker` starts the same with all its options; both check the configuration first. Whoever starts it by
Celery's own command sets REMAP_SIGTERM=SIGQUIT and passes --without-gossip --without-mingle --without-heartbeat.
"""

import os

from refund_worker.entrypoints.exits import one_line_and_exit
from refund_worker.entrypoints.worker import make_app
from refund_worker.settings import load_settings

with one_line_and_exit():
    app = make_app(load_settings(os.environ))
