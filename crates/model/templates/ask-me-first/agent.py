"""Stops to ask before it acts. Answer in the row below the log."""

ACTIONS = [
    ("clean the garage", 2),
    ("order new tyres", 4),
    ("repaint the car", 9),
]


def confirm(question: str) -> bool:
    """Asks until the answer is yes or no."""
    while True:
        answer = input(f"{question} [y/n] ").strip().lower()
        if answer in ("y", "yes"):
            return True
        if answer in ("n", "no", ""):
            return False
        print("Please answer y or n.")


done = []
for action, hours in ACTIONS:
    if confirm(f"May I {action}? It takes {hours} hours."):
        print(f"Doing it: {action}")
        done.append(hours)
    else:
        print(f"Leaving it: {action}")

print(f"\nFinished {len(done)} of {len(ACTIONS)} actions in {sum(done)} hours.")
