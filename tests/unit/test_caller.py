from typing import Any

import pytest

from agent_sessions.errors import CallerError
from agent_sessions.http.caller import owner_of

USER = "arn:aws:iam::111122223333:user/ann"
MODES = ["AWS_IAM", "JWT", "NONE"]


def verified_by(authorizer: Any) -> dict[str, Any]:
    return {"requestContext": {"authorizer": authorizer}}


def signed_by(arn: str) -> dict[str, Any]:
    return verified_by(
        {"iam": {"userArn": arn, "accountId": "111122223333", "callerId": "AIDA", "principalOrgId": None}}
    )


def with_claims(**claims: Any) -> dict[str, Any]:
    return verified_by({"jwt": {"claims": claims, "scopes": None}})


@pytest.mark.parametrize(
    ("arn", "owner"),
    [
        (USER, "iam:arn:aws:iam::111122223333:user/ann"),
        ("arn:aws:iam::111122223333:user/team/a/ann", "iam:arn:aws:iam::111122223333:user/team/a/ann"),
        ("arn:aws:iam::111122223333:root", "iam:arn:aws:iam::111122223333:root"),
        ("arn:aws:sts::111122223333:federated-user/ann", "iam:arn:aws:sts::111122223333:federated-user/ann"),
        ("arn:aws:sts::111122223333:assumed-role/worker/i-0abc", "iam:arn:aws:sts::111122223333:assumed-role/worker"),
        ("arn:aws:sts::111122223333:assumed-role/worker/a/b/c", "iam:arn:aws:sts::111122223333:assumed-role/worker"),
        (
            "arn:aws:sts::111122223333:assumed-role/worker/ann@example.com",
            "iam:arn:aws:sts::111122223333:assumed-role/worker",
        ),
        ("arn:aws:sts::111122223333:assumed-role/worker/", "iam:arn:aws:sts::111122223333:assumed-role/worker"),
        ("arn:aws:sts::111122223333:assumed-role/worker", "iam:arn:aws:sts::111122223333:assumed-role/worker"),
        (
            "arn:aws-cn:sts::111122223333:assumed-role/worker/i-0abc",
            "iam:arn:aws-cn:sts::111122223333:assumed-role/worker",
        ),
        ("arn:aws-us-gov:iam::111122223333:user/ann", "iam:arn:aws-us-gov:iam::111122223333:user/ann"),
        ("arn:aws:iam::111122223333:user/assumed-role/ann/x", "iam:arn:aws:iam::111122223333:user/assumed-role/ann/x"),
    ],
    ids=lambda text: text.partition(":")[2] if text.startswith("arn") else "",
)
def test_owner_of_signed_request_is_user_or_role(arn: str, owner: str) -> None:
    assert owner_of(signed_by(arn), api_auth="AWS_IAM") == owner


def test_sessions_of_one_role_share_an_owner() -> None:
    role = "arn:aws:sts::{}:assumed-role/{}/{}"
    arns = {
        role.format(account, name, session)
        for account in ("111122223333", "444455556666")
        for name in ("worker", "worker-2")
        for session in ("one", "two", "three")
    }

    assert len({owner_of(signed_by(arn), api_auth="AWS_IAM") for arn in arns}) == 4


def test_owner_of_jwt_is_its_subject() -> None:
    claims = {"iss": "https://issuer.example", "aud": "agents", "sub": "auth0|5f7c8ec7"}

    assert owner_of(with_claims(**claims), api_auth="JWT") == "jwt:auth0|5f7c8ec7"


def test_subject_that_looks_like_another_owner_keeps_jwt_prefix() -> None:
    assert owner_of(with_claims(sub=f"iam:{USER}"), api_auth="JWT") == f"jwt:iam:{USER}"
    assert owner_of(with_claims(sub="public"), api_auth="JWT") == "jwt:public"
    assert owner_of(with_claims(sub="arn:aws:sts::111122223333:assumed-role/worker/one"), api_auth="JWT").endswith(
        "/one"
    )


@pytest.mark.parametrize(
    "event",
    [{}, {"requestContext": {}}, verified_by(None), verified_by({})],
    ids=["no context", "no authorizer", "null", "empty"],
)
def test_owner_without_authorizer_is_public_if_auth_is_none(event: dict[str, Any]) -> None:
    assert owner_of(event, api_auth="NONE") == "public"


@pytest.mark.parametrize("api_auth", ["AWS_IAM", "JWT", "", "none"])
@pytest.mark.parametrize(
    "event",
    [
        {},
        {"requestContext": {}},
        verified_by(None),
        verified_by({}),
        verified_by({"iam": None}),
        verified_by({"iam": {}}),
        verified_by({"iam": {"userArn": None}}),
        verified_by({"iam": {"userArn": ""}}),
        verified_by({"jwt": None}),
        verified_by({"jwt": {}}),
        verified_by({"jwt": {"claims": None}}),
        verified_by({"lambda": {"owner": "ann"}}),
        with_claims(),
        with_claims(sub=""),
        with_claims(sub=None),
        with_claims(client_id="ann"),
    ],
    ids=ascii,
)
def test_missing_caller_raises_caller_error(event: dict[str, Any], api_auth: str) -> None:
    with pytest.raises(CallerError, match="ApiAuth"):
        owner_of(event, api_auth=api_auth)


@pytest.mark.parametrize(
    "authorizer", [{"iam": {}}, {"jwt": {"claims": {}}}, {"lambda": {"owner": "ann"}}], ids=["iam", "jwt", "lambda"]
)
def test_authorizer_without_caller_raises_even_if_auth_is_none(authorizer: dict[str, Any]) -> None:
    with pytest.raises(CallerError):
        owner_of(verified_by(authorizer), api_auth="NONE")


@pytest.mark.parametrize("api_auth", MODES)
@pytest.mark.parametrize("event", [signed_by(USER), with_claims(sub="ann")], ids=["iam", "jwt"])
def test_verified_caller_is_never_public(event: dict[str, Any], api_auth: str) -> None:
    assert owner_of(event, api_auth=api_auth) in (f"iam:{USER}", "jwt:ann")


@pytest.mark.parametrize("api_auth", ["AWS_IAM", "JWT"])
def test_owner_in_request_is_ignored(api_auth: str) -> None:
    claimed = {"iam": {"userArn": USER}, "jwt": {"claims": {"sub": "ann"}}, "owner": USER}
    event = {
        "headers": {"owner": USER, "x-owner": USER, "authorization": "Bearer ann"},
        "queryStringParameters": {"owner": USER},
        "body": '{"owner": "ann"}',
        "authorizer": claimed,
        "requestContext": {"http": {"userAgent": USER}, "iam": claimed["iam"], "jwt": claimed["jwt"]},
    }

    with pytest.raises(CallerError):
        owner_of(event, api_auth=api_auth)
    assert owner_of(event, api_auth="NONE") == "public"
