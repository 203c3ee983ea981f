"""The customers of the demo and the tests: scenarios with their expected outcomes, and ordinary customers.

Reading order: `scenario` (what one is), `life` (how stories happen), `changes` (the plain ones), then the odd ones:
which charges take the credit (`payments`, `unusable`), where it came from (`origins`, `amounts`, `currencies`,
`pending`, `unpaid`) and what a person must look at (`holds`); `populations` puts them together.
"""

from refund_worker.sandbox.population.catalogue import SCENARIOS
from refund_worker.sandbox.population.life import EARLIER_RUN, LIVED_S
from refund_worker.sandbox.population.populations import bench, cluster, demo
from refund_worker.sandbox.population.scenario import Expected, Scenario

__all__ = ["EARLIER_RUN", "LIVED_S", "SCENARIOS", "Expected", "Scenario", "bench", "cluster", "demo"]
