"""Ends with a traceback, to see how failures look."""

from parser import parse

ORDERS = ["2 tyres", "1 wing", "many bolts"]

for order in ORDERS:
    amount, thing = parse(order)
    print(f"{amount} x {thing}")
