"""What tasks may cost, from listed prices, bodies and schemas; no I/O.

`estimate` prices one request and `Estimator` the lines of a batch. An estimate may say too much,
never silently too little: what cannot be priced is named.
"""

from modellix_cli.models.pricing.estimator import Estimator, estimate
from modellix_cli.models.pricing.totals import Total, UnpricedModel, total
from modellix_cli.models.pricing.values import Estimate, as_dict, describe

__all__ = [
    "Estimate",
    "Estimator",
    "Total",
    "UnpricedModel",
    "as_dict",
    "describe",
    "estimate",
    "total",
]
