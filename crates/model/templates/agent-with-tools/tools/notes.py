"""A search in the notes that lie beside the agent."""

import json
import time
from pathlib import Path

NOTES = Path(__file__).parent.parent / "data" / "notes.json"


def search(word: str) -> float:
    """The price in the first note that names the word."""
    time.sleep(0.3)  # as if it came over a network
    for note in json.loads(NOTES.read_text()):
        if word in note["about"]:
            return note["price"]
    raise LookupError(f"no note is about {word}")
