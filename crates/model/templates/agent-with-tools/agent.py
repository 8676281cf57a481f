"""Plans, calls two tools, and answers. Every step is said as it happens."""

import json
import time
from dataclasses import dataclass

from tools.calculator import calculate
from tools.notes import search

QUESTION = "How much do three race tyres and one wing cost together?"
TOOLS = {"search": search, "calculate": calculate}


@dataclass
class Step:
    """One thing the agent decided to do."""

    tool: str
    argument: str
    reason: str


def plan(question: str, found: dict[str, float]) -> Step | None:
    """Decides the next step from what is known so far.

    A real agent asks a model here; this one follows rules, so that it runs
    without a key and without a network.
    """
    for item in ("tyre", "wing"):
        if item in question and item not in found:
            return Step("search", item, f"I need the price of a {item}")
    if "total" not in found:
        return Step("calculate", f"3 * {found['tyre']} + {found['wing']}", "I can add it up now")
    return None


def main() -> None:
    print(f"\x1b[1mQuestion\x1b[0m  {QUESTION}")
    found: dict[str, float] = {}
    number = 0
    while step := plan(QUESTION, found):
        number += 1
        print(f"\n\x1b[33mStep {number}\x1b[0m    {step.reason}")
        print(f"\x1b[36mTool\x1b[0m      {step.tool}({json.dumps(step.argument)})")
        started = time.perf_counter()
        result = TOOLS[step.tool](step.argument)
        took = (time.perf_counter() - started) * 1000
        print(f"\x1b[32mResult\x1b[0m    {result} \x1b[2m({took:.0f} ms)\x1b[0m")
        found["total" if step.tool == "calculate" else step.argument] = result
    print(f"\n\x1b[1mAnswer\x1b[0m    Together they cost ${found['total']:,.2f}.")


if __name__ == "__main__":
    main()
