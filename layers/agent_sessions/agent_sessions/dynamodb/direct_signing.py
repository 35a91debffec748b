"""Signature Version 4 of requests to DynamoDB, each of which is a ``POST /``.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256


def authorization(
    access_key: str, secret_key: str, region: str, headers: Mapping[str, str], body: bytes, service: str = "dynamodb"
) -> str:
    """Return the ``Authorization`` header that signs a body and these headers.

    Names are in lower case and values trimmed; ``host`` and ``x-amz-date`` are among the headers.
    """
    names, time = sorted(headers), headers["x-amz-date"]
    lines, signed = "".join([f"{name}:{headers[name]}\n" for name in names]), ";".join(names)
    canonical = f"POST\n/\n\n{lines}\n{signed}\n{sha256(body).hexdigest()}"
    scope = f"{time[:8]}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(signing_key(secret_key, time[:8], region, service), text.encode(), "sha256").hex()
    return f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={signed}, Signature={signature}"


@lru_cache(maxsize=2)  # a key signs for a day
def signing_key(secret_key: str, day: str, region: str, service: str) -> bytes:
    """Return the key for the requests of a day, such as ``20261127``."""
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
