"""Reads the figures of a running server as Prometheus does, with its own parser.

    python figures.py http://127.0.0.1:3000
"""

import sys
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

KINDS = {"counter", "gauge", "histogram"}


def get(url: str) -> str:
    try:
        with urllib.request.urlopen(url) as answer:
            kind = answer.headers["content-type"]
            assert "text/plain; version=0.0.4" in kind or "/metrics" not in url, kind
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def families(url: str) -> dict:
    found = {}
    for family in text_string_to_metric_families(get(f"{url}/metrics")):
        assert family.name not in found, f"{family.name} is told twice"
        assert family.type in KINDS, f"{family.name} is of the type {family.type}"
        assert family.documentation, f"{family.name} says nothing of itself"
        found[family.name] = family
    return found


def check_histogram(family) -> None:
    series: dict = {}
    for sample in family.samples:
        labels = {name: value for name, value in sample.labels.items() if name != "le"}
        entry = series.setdefault(tuple(sorted(labels.items())), {"buckets": []})
        if sample.name.endswith("_bucket"):
            entry["buckets"].append((float(sample.labels["le"]), sample.value))
        else:
            entry[sample.name.removeprefix(family.name)] = sample.value
    assert series, f"{family.name} has no series"
    for labels, entry in series.items():
        bounds = [bound for bound, _ in entry["buckets"]]
        counts = [count for _, count in entry["buckets"]]
        assert bounds == sorted(bounds) and bounds[-1] == float("inf"), (labels, bounds)
        assert counts == sorted(counts) and counts[-1] == entry["_count"], (labels, counts)
        assert entry["_sum"] >= 0, labels


def main(url: str) -> None:
    get(f"{url}/healthz")
    before = families(url)
    for name in [
        "pitlane_runs",
        "pitlane_runs_started",
        "pitlane_log_stored_bytes",
        "pitlane_queue_places",
        "pitlane_streams",
        "pitlane_sandboxes",
        "pitlane_servers",
        "pitlane_database_up",
        "pitlane_provider_up",
        "pitlane_http_requests",
        "pitlane_http_request_seconds",
        "process_start_time_seconds",
    ]:
        assert name in before, f"{name} is missing: {sorted(before)}"
    check_histogram(before["pitlane_http_request_seconds"])
    # Whatever clients ask for, there is no series more for it.
    def series(of: dict) -> int:
        return len(of["pitlane_http_requests"].samples)

    get(f"{url}/nowhere/first")
    get(f"{url}/api/runs/first")
    once = series(families(url))
    for number in range(100):
        get(f"{url}/nowhere/{number}")
        get(f"{url}/api/runs/{number}?x={number}")
    after = families(url)
    assert series(after) <= once + 1, (once, series(after))
    total = sum(sample.value for sample in after["pitlane_http_requests"].samples)
    assert total >= 200, total
    print(f"{len(after)} figures, {sum(len(f.samples) for f in after.values())} series")


if __name__ == "__main__":
    main(sys.argv[1])
