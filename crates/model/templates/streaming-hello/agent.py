"""Prints line by line, so you see the log live."""

import sys
import time

STEPS = ["look around", "make a plan", "do the work", "check the result"]

print("Hello from the sandbox, this is Python", sys.version.split()[0])
for number, step in enumerate(STEPS, start=1):
    print(f"Step {number} of {len(STEPS)}: {step}")
    time.sleep(0.4)
print("A line on standard error looks like this", file=sys.stderr)
print("\x1b[32mDone.\x1b[0m")
