"""What each torch operator does to labels: one module a kind of operator, one table of all.

An operator that is in none of the tables freezes what goes into it.
"""

from __future__ import annotations

from ..trace import Rule
from . import elementwise, layers, movement, products, recurrent, reductions

__all__ = ["RULES"]

RULES: dict[str, Rule] = {
    **movement.RULES,
    **elementwise.RULES,
    **reductions.RULES,
    **layers.RULES,
    **recurrent.RULES,
    **products.RULES,
}
