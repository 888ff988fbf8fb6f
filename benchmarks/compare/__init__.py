"""Two profiles, or two bundles in one run: a verdict for each metric, outside a noise band.

:func:`compare_profiles` holds a new profile against a base; :func:`compare_bundles` runs both
bundles in turns. :mod:`.budgets` says what is allowed.
"""

from .budgets import Budgets, read_budgets
from .bundles import BundlesOptions, compare_bundles
from .comparison import Comparison, MetricVerdict
from .profiles import compare_profiles

__all__ = [
    "Budgets",
    "BundlesOptions",
    "Comparison",
    "MetricVerdict",
    "compare_bundles",
    "compare_profiles",
    "read_budgets",
]
