"""Signatures: AWS's own test vectors, and equality with botocore's signer."""

import json
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions.dynamodb.direct_signing import authorization, signing_key
from tests.support.length import examples
from tools import ROOT

VECTORS: dict[str, Any] = json.loads((ROOT / "tests/data/sigv4_vectors.json").read_text())

KEYS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=16, max_size=20)
SECRETS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", min_size=40, max_size=40)
TOKENS = st.one_of(st.just(""), st.text("ABCDEFabcdef0123456789+/=", min_size=1, max_size=900))
REGIONS = st.sampled_from(["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1", "ap-southeast-7"])
HOSTS = st.sampled_from(["dynamodb.us-east-1.amazonaws.com", "dynamodb.cn-north-1.amazonaws.com.cn", "127.0.0.1:8000"])
OPERATIONS = st.sampled_from(["GetItem", "PutItem", "UpdateItem", "Query", "BatchGetItem"])
# From 2015 to 2050, with the first and last second of days among them.
SECONDS = st.one_of(
    st.integers(1_420_070_400, 2_524_608_000),
    st.builds(lambda day, edge: 86_400 * day + edge, st.integers(16_436, 29_219), st.sampled_from([-1, 0, 1])),
)
BODIES = st.one_of(
    st.binary(max_size=300), st.dictionaries(st.text(), st.text()).map(lambda each: json.dumps(each).encode())
)


@pytest.mark.parametrize("name", VECTORS["requests"])
def test_signature_equals_the_published_one(name: str) -> None:
    request = VECTORS["requests"][name]

    signed = authorization(
        VECTORS["access_key"],
        VECTORS["secret_key"],
        VECTORS["region"],
        request["headers"],
        request["body"].encode(),
        VECTORS["service"],
    )

    assert signed == (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={request['signed_headers']}, Signature={request['signature']}"
    )


@given(KEYS, SECRETS, TOKENS, REGIONS, HOSTS, OPERATIONS, SECONDS, BODIES)
@examples(200, 10_000)
def test_signature_equals_that_of_botocore(
    access_key: str, secret_key: str, token: str, region: str, host: str, operation: str, seconds: int, body: bytes
) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": f"DynamoDB_20120810.{operation}",
        **({"x-amz-security-token": token} if token else {}),
    }
    # botocore takes host and date from elsewhere.
    request = AWSRequest("POST", f"https://{host}/", headers, body)
    headers |= {"host": host, "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ")}
    with patch.object(botocore.auth, "get_current_datetime", lambda: now.replace(tzinfo=None)):
        botocore.auth.SigV4Auth(Credentials(access_key, secret_key, token), "dynamodb", region).add_auth(request)

    assert authorization(access_key, secret_key, region, headers, body) == request.headers["Authorization"]


def test_a_key_signs_one_day_in_one_region() -> None:
    keys = {signing_key("secret", day, region, "dynamodb") for day in ("20261127", "20261128") for region in ("a", "b")}

    assert len(keys) == 4
