"""What a sandbox uses."""

import datetime

from daytona import DaytonaError


async def test_the_latest(sandbox):
    await sandbox.process.exec("head -c 5000000 /dev/zero > five-megabytes")
    now = await sandbox.get_metrics_latest()
    assert now.cpu_count == 1 and now.cpu_used_pct >= 0
    assert now.mem_total == 1 << 30 and 0 < now.mem_used < now.mem_total
    assert 5_000_000 <= now.disk_used < now.disk_total
    assert abs((datetime.datetime.now(datetime.timezone.utc) - now.timestamp).total_seconds()) < 60


async def test_the_past(sandbox):
    since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
    try:
        samples = await sandbox.get_metrics(since)
    except DaytonaError as refused:
        assert refused.status_code in (404, 501) and "metrics" in str(refused)
        return
    assert all(sample.timestamp >= since for sample in samples)
