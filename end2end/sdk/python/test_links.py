"""Signed addresses of files: they work without a key, for as long as they say."""

import urllib.error
import urllib.parse
import urllib.request
import uuid

import pytest


def fetch(url, data=None, headers=None):
    with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers or {}), timeout=10) as answer:
        return answer.read()


def refused(url, data=None):
    with pytest.raises(urllib.error.HTTPError) as refusal:
        fetch(url, data)
    return refusal.value.code


async def test_a_file_is_downloaded_by_its_address(sandbox):
    await sandbox.fs.upload_file(b"0123456789", "a b.txt")
    url = await sandbox.download_url("a b.txt", 60)
    assert fetch(url) == b"0123456789"
    assert fetch(url, headers={"Range": "bytes=2-4"}) == b"234"
    assert fetch(await sandbox.download_url("a b.txt")) == b"0123456789", "without an end"
    assert refused(url.replace("a%20b.txt", "c.txt").replace("a+b.txt", "c.txt")) == 401
    assert refused(await sandbox.download_url("a b.txt", 60) + "x") == 401


async def test_a_file_is_uploaded_to_its_address(sandbox):
    url = await sandbox.upload_url("new/file.txt", 60)
    boundary = uuid.uuid4().hex
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nposted\r\n--{boundary}--\r\n'
    ).encode()
    fetch(url, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
    assert await sandbox.fs.download_file("new/file.txt") == b"posted"
    assert refused(url.replace("/files/upload-v2", "/files/download")) == 401, "good for its own use only"


async def test_a_new_key_ends_old_addresses(sandbox):
    await sandbox.fs.upload_file(b"x", "f")
    url = await sandbox.download_url("f", 60)
    assert fetch(url) == b"x"
    await sandbox.rotate_signing_key()
    assert refused(url) == 401
    assert fetch(await sandbox.download_url("f", 60)) == b"x"
    assert urllib.parse.urlsplit(url).path.endswith("/files/download")
