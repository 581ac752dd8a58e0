"""Checksums that hosts promise: the best one counts, a malformed one is none."""

import base64
import hashlib

import pytest

from modellix_cli.downloads.response import promised_checksum

DATA = b"pixels"


def encoded(algorithm: str) -> str:
    return base64.b64encode(hashlib.new(algorithm, DATA).digest()).decode()


@pytest.mark.parametrize(
    ("header", "value", "algorithm"),
    [
        ("content-md5", encoded("md5"), "md5"),
        ("repr-digest", f"sha-256=:{encoded('sha256')}:", "sha256"),
        ("repr-digest", f"md5=:{encoded('md5')}:, sha-512=:{encoded('sha512')}:", "sha512"),
        ("digest", f"SHA-256={encoded('sha256')}", "sha256"),
        ("digest", f"md5={encoded('md5')},crc32c=AAAAAA==", "md5"),
        ("x-goog-hash", f"crc32c=AAAAAA==, md5={encoded('md5')}", "md5"),
        ("x-amz-checksum-sha256", encoded("sha256"), "sha256"),
    ],
)
def test_a_promise_in_any_of_its_headers_is_found(header: str, value: str, algorithm: str) -> None:
    promise = promised_checksum({header: value})
    assert promise is not None
    assert promise.algorithm == algorithm
    assert hashlib.new(algorithm, DATA).digest() == promise.digest


def test_the_strongest_promise_counts() -> None:
    promise = promised_checksum(
        {"content-md5": encoded("md5"), "x-amz-checksum-sha256": encoded("sha256")}
    )
    assert promise is not None
    assert promise.algorithm == "sha256"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("content-md5", ""),
        ("content-md5", "not base64!"),
        ("content-md5", "AAAA"),
        ("content-md5", "ä"),
        ("repr-digest", "sha-256"),
        ("repr-digest", f"sha-256=:{encoded('md5')}:"),
        ("digest", f"crc32c={encoded('md5')}"),
        ("x-amz-checksum-sha256", f"{encoded('sha256')}-3"),
        ("x-oss-meta-md5", encoded("md5")),
        ("etag", encoded("md5")),
    ],
)
def test_what_is_no_promise_about_the_whole_file_does_not_count(header: str, value: str) -> None:
    assert promised_checksum({header: value}) is None
