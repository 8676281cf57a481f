"""Reads orders such as "2 tyres"."""


def parse(order: str) -> tuple[int, str]:
    """The amount and the thing."""
    amount, thing = order.split(maxsplit=1)
    return int(amount), thing
