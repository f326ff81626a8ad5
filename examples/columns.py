"""A table of columns, as in pandas, through the stages of a job; each stage has a label.

    mprof run examples/columns.py
    mprof peak --func join

Runs by itself as well, and then measures nothing.
"""

import random
from array import array

from memory_profiler import profile

ROWS = 500_000


class Table:
    """Columns of numbers under their names."""

    def __init__(self, **columns):
        self.columns = columns

    def __getitem__(self, name):
        return self.columns[name]

    def assign(self, **columns):
        return Table(**self.columns, **columns)

    def where(self, keep):
        """The rows for which `keep` is true."""
        kept = [row for row, is_kept in enumerate(keep) if is_kept]
        return Table(
            **{
                name: array(column.typecode, (column[row] for row in kept))
                for name, column in self.columns.items()
            }
        )


def load(rows):
    chance = random.Random(1)
    return Table(
        customer=array("l", (chance.randrange(1000) for _ in range(rows))),
        amount=array("d", (chance.random() * 100 for _ in range(rows))),
    )


def main(rows=ROWS):
    with profile.timestamp("load"):
        sales = load(rows)
    with profile.timestamp("join"):
        rates = {customer: 1 + customer % 5 / 10 for customer in range(1000)}
        pairs = [rates[customer] for customer in sales["customer"]]
        sales = sales.assign(rate=array("d", pairs))
        del pairs
    with profile.timestamp("filter"):
        large = sales.where(amount > 50 for amount in sales["amount"])
    with profile.timestamp("sum"):
        totals = {}
        for customer, amount, rate in zip(large["customer"], large["amount"], large["rate"]):
            totals[customer] = totals.get(customer, 0.0) + amount * rate
    print(f"{rows} sales, {len(large['amount'])} large ones, {len(totals)} customers")


if __name__ == "__main__":
    main()
