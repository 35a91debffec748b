import hashlib
import re
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from agent_sessions.errors import CallerError
from agent_sessions.http.caller import owner_of

USER = "arn:aws:iam::111122223333:user/ann"
ISSUER = "https://issuer.example"
POOL = "eu-west-1:4f291106-8703-466b-8f2b-3ecee1ca56ce"
IDENTITY = "eu-west-1:3f291106-8703-466b-8f2b-3ecee1ca56ce"
OTHER_IDENTITY = "eu-west-1:9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"
SHARED_ROLE = "arn:aws:sts::111122223333:assumed-role/pool-users/CognitoIdentityCredentials"
MODES = ["AWS_IAM", "JWT", "NONE"]

# Not a name that AWS or an issuer would accept, so that nothing depends on their rules.
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
# Mostly what owners are made of, so that collisions would be found.
TRICKY = st.one_of(st.text("%#/:25a3F", min_size=1, max_size=5), NAMES)
FIELDS = st.text("ab-", min_size=1, max_size=3)
ARNS = st.builds(
    lambda partition, service, region, account, resource: f"arn:{partition}:{service}:{region}:{account}:{resource}",
    FIELDS,
    st.sampled_from(["iam", "sts"]),
    st.sampled_from(["", "a"]),
    FIELDS,
    st.one_of(
        TRICKY,
        st.builds("{}/{}".format, st.sampled_from(["assumed-role", "user", "federated-user"]), TRICKY),
        st.builds("assumed-role/{}/{}".format, FIELDS, TRICKY),
        st.builds("user/:assumed-role/{}/{}".format, FIELDS, FIELDS),
    ),
)


def verified_by(authorizer: Any) -> dict[str, Any]:
    return {"requestContext": {"authorizer": authorizer}}


def signed_by(arn: Any, cognito_identity: Any = None) -> dict[str, Any]:
    # Powertools' tests/events/apiGatewayProxyV2IamEvent.json has this shape.
    return verified_by(
        {
            "iam": {
                "accessKey": "ASIAIOSFODNN7EXAMPLE",
                "accountId": "111122223333",
                "callerId": "AROAIOSFODNN7EXAMPLE:CognitoIdentityCredentials",
                "cognitoIdentity": cognito_identity,
                "principalOrgId": None,
                "userArn": arn,
                "userId": "AROAIOSFODNN7EXAMPLE:CognitoIdentityCredentials",
            }
        }
    )


def from_pool(pool: Any, identity: Any) -> dict[str, Any]:
    identities = {"amr": ["authenticated"], "identityId": identity, "identityPoolId": pool}
    return signed_by(SHARED_ROLE, identities)


def with_claims(**claims: Any) -> dict[str, Any]:
    return verified_by({"jwt": {"claims": claims, "scopes": None}})


def jwt_owner(issuer: str, subject: str) -> str:
    return owner_of(with_claims(iss=issuer, sub=subject), api_auth="JWT")


def iam_owner(arn: str) -> str:
    return owner_of(signed_by(arn), api_auth="AWS_IAM")


def cognito_owner(pool: str, identity: str) -> str:
    return owner_of(from_pool(pool, identity), api_auth="AWS_IAM")


# -- AWS_IAM


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
        (
            "arn:aws-us-gov:sts::111122223333:assumed-role/worker/i-0abc",
            "iam:arn:aws-us-gov:sts::111122223333:assumed-role/worker",
        ),
        ("arn:aws-us-gov:iam::111122223333:user/ann", "iam:arn:aws-us-gov:iam::111122223333:user/ann"),
        ("arn:aws:iam::111122223333:user/assumed-role/ann/x", "iam:arn:aws:iam::111122223333:user/assumed-role/ann/x"),
        (
            "arn:aws:iam::111122223333:user/:assumed-role/victim/eve",
            "iam:arn:aws:iam::111122223333:user/:assumed-role/victim/eve",
        ),
        ("arn:aws:sts::111122223333:assumed-roles/a/b", "iam:arn:aws:sts::111122223333:assumed-roles/a/b"),
        ("arn:aws:iam::111122223333:assumed-role/a/b", "iam:arn:aws:iam::111122223333:assumed-role/a/b"),
    ],
    ids=lambda text: text.partition(":")[2] if text.startswith("arn") else "",
)
def test_owner_of_signed_request_is_user_or_role(arn: str, owner: str) -> None:
    assert iam_owner(arn) == owner


def test_sessions_of_one_role_share_an_owner() -> None:
    role = "arn:aws:sts::{}:assumed-role/{}/{}"
    arns = {
        role.format(account, name, session)
        for account in ("111122223333", "444455556666")
        for name in ("worker", "worker-2")
        for session in ("one", "two", "three")
    }

    assert len({iam_owner(arn) for arn in arns}) == 4


def test_users_with_a_path_like_a_role_are_two_owners() -> None:
    path = "arn:aws:iam::111122223333:user/:assumed-role/victim"

    assert iam_owner(f"{path}/eve") != iam_owner(f"{path}/mallory")


@given(ARNS, ARNS)
@example("arn:aws:sts::1:assumed-role/a/one", "arn:aws:sts::1:assumed-role/a/two")
@example("arn:aws:sts::1:assumed-role/a/one", "arn:aws:sts::1:assumed-role/b/one")
@example("arn:aws:iam::1:user/:assumed-role/a/b", "arn:aws:iam::1:user/:assumed-role/a/c")
def test_two_arns_share_an_owner_only_if_they_are_sessions_of_one_role(one: str, other: str) -> None:
    def role(arn: str) -> tuple[str, ...]:
        fields = tuple(arn.split(":", 5))
        if fields[2] == "sts" and fields[5].startswith("assumed-role/"):
            assume(fields[5].split("/")[1] != "")
            return (*fields[:5], *fields[5].split("/")[:2])
        return fields

    assert (iam_owner(one) == iam_owner(other)) == (role(one) == role(other))


@pytest.mark.parametrize(
    "arn",
    [
        None,
        "",
        7,
        ["arn:aws:iam::111122223333:user/ann"],
        "ann",
        "arn:aws:iam::111122223333",
        "arn:aws:iam::111122223333:",
        "urn:aws:iam::111122223333:user/ann",
        "arn:aws:sts::111122223333:assumed-role/",
        "arn:aws:sts::111122223333:assumed-role//session",
        "arn:aws:iam::111122223333:user/\ud800",
    ],
    ids=ascii,
)
def test_bad_arn_raises_caller_error(arn: Any) -> None:
    for api_auth in MODES:
        with pytest.raises(CallerError):
            owner_of(signed_by(arn), api_auth=api_auth)


# -- Cognito identity pools


def test_owner_of_cognito_identity_is_pool_and_identity() -> None:
    assert cognito_owner(POOL, IDENTITY) == f"cognito:{POOL}/{IDENTITY}"


def test_identities_that_share_a_role_are_two_owners() -> None:
    assert cognito_owner(POOL, IDENTITY) != cognito_owner(POOL, OTHER_IDENTITY)


@pytest.mark.parametrize("identity", [None, {}], ids=repr)
def test_role_without_cognito_identity_owns_its_agents(identity: Any) -> None:
    event = signed_by(SHARED_ROLE, identity)

    assert owner_of(event, api_auth="AWS_IAM") == "iam:arn:aws:sts::111122223333:assumed-role/pool-users"


@pytest.mark.parametrize(
    "identity",
    [
        {"amr": None, "identityId": None, "identityPoolId": None},
        {"identityId": IDENTITY},
        {"identityPoolId": POOL},
        {"identityId": IDENTITY, "identityPoolId": None},
        {"identityId": "", "identityPoolId": POOL},
        {"identityId": IDENTITY, "identityPoolId": ""},
        {"identityId": 7, "identityPoolId": POOL},
        {"identityId": "\ud800", "identityPoolId": POOL},
        IDENTITY,
        [IDENTITY],
    ],
    ids=ascii,
)
def test_incomplete_cognito_identity_is_never_the_shared_role(identity: Any) -> None:
    with pytest.raises(CallerError):
        owner_of(signed_by(SHARED_ROLE, identity), api_auth="AWS_IAM")


@given(TRICKY, TRICKY, TRICKY, TRICKY)
@example("a/b", "c", "a", "b/c")
@example("a%2Fb", "c", "a/b", "c")
def test_two_cognito_identities_never_share_an_owner(pool: str, identity: str, pool_2: str, identity_2: str) -> None:
    same = (pool, identity) == (pool_2, identity_2)

    assert (cognito_owner(pool, identity) == cognito_owner(pool_2, identity_2)) == same


# -- JWT


def test_owner_of_jwt_is_issuer_and_subject() -> None:
    claims = {"iss": "https://issuer.example/a#b%", "aud": "agents", "sub": "auth0|5f7#c8%ec7"}

    owner = owner_of(with_claims(**claims), api_auth="JWT")

    assert owner == "jwt:https://issuer.example/a%23b%25#auth0|5f7#c8%ec7"


def test_subject_of_two_issuers_is_two_owners() -> None:
    assert jwt_owner("https://old.example", "1") == "jwt:https://old.example#1"
    assert jwt_owner("https://new.example", "1") == "jwt:https://new.example#1"


@pytest.mark.parametrize("subject", [f"iam:{USER}", "public", "arn:aws:sts::111122223333:assumed-role/worker/one"])
def test_subject_that_looks_like_another_owner_keeps_its_issuer(subject: str) -> None:
    assert jwt_owner(ISSUER, subject) == f"jwt:{ISSUER}#{subject}"


@given(TRICKY, TRICKY, TRICKY, TRICKY)
@example("a#b", "c", "a", "b#c")
@example("a%23b", "c", "a#b", "c")
@example("a", "#b", "a#", "b")
def test_two_issuers_and_subjects_never_share_an_owner(issuer: str, sub: str, issuer_2: str, sub_2: str) -> None:
    same = (issuer, sub) == (issuer_2, sub_2)

    assert (jwt_owner(issuer, sub) == jwt_owner(issuer_2, sub_2)) == same


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"sub": "ann"},
        {"iss": ISSUER},
        {"iss": ISSUER, "sub": ""},
        {"iss": "", "sub": "ann"},
        {"iss": ISSUER, "sub": None},
        {"iss": None, "sub": "ann"},
        {"iss": ISSUER, "sub": 7},
        {"iss": ISSUER, "sub": ["ann"]},
        {"iss": {"url": ISSUER}, "sub": "ann"},
        {"iss": ISSUER, "sub": "\ud800"},
        {"iss": "\udfff", "sub": "ann"},
        {"iss": ISSUER, "client_id": "ann"},
    ],
    ids=ascii,
)
def test_missing_or_bad_claims_raise_caller_error(claims: dict[str, Any]) -> None:
    for api_auth in MODES:
        with pytest.raises(CallerError):
            owner_of(with_claims(**claims), api_auth=api_auth)


# -- long owners


@pytest.mark.parametrize("length", [511, 512, 513, 1025, 5000])
def test_owner_over_512_bytes_is_its_hash(length: int) -> None:
    iam = f"iam:arn:aws:iam::111122223333:user/{'x' * 5000}"[:length]
    jwt = f"jwt:{ISSUER}#{'x' * 5000}"[:length]
    cognito = f"cognito:{POOL}/{'x' * 5000}"[:length]

    for owner, actual in (
        (iam, iam_owner(iam.removeprefix("iam:"))),
        (jwt, jwt_owner(ISSUER, jwt.partition("#")[2])),
        (cognito, cognito_owner(POOL, cognito.partition("/")[2])),
    ):
        kind, digest = owner.partition(":")[0], hashlib.sha256(owner.encode()).hexdigest()
        assert actual == (owner if length <= 512 else f"{kind}:sha256:{digest}")


def test_length_of_an_owner_counts_bytes() -> None:
    prefix = len(f"jwt:{ISSUER}#")
    fits = "\u00e9" * ((512 - prefix) // 2)

    assert jwt_owner(ISSUER, fits) == f"jwt:{ISSUER}#{fits}"
    assert jwt_owner(ISSUER, fits + "\u00e9").startswith("jwt:sha256:")


@given(NAMES, NAMES)
def test_two_long_subjects_never_share_an_owner(one: str, other: str) -> None:
    assert (jwt_owner(ISSUER, "x" * 600 + one) == jwt_owner(ISSUER, "x" * 600 + other)) == (one == other)


@given(TRICKY, st.text("0123456789abcdef", min_size=64, max_size=64))
@example("sha256", "0" * 64)
def test_no_short_owner_looks_like_a_hash(name: str, digest: str) -> None:
    hashed = f"sha256:{digest}"
    owners = [
        owner
        for owner_of_two in (jwt_owner, cognito_owner)
        for owner in (owner_of_two(hashed, name), owner_of_two(name, hashed))
    ]

    assert not [owner for owner in owners if re.fullmatch("[a-z]+:sha256:[0-9a-f]{64}", owner)]


# -- kinds


@given(ARNS, TRICKY, TRICKY)
def test_owners_of_two_kinds_are_never_equal(arn: str, one: str, other: str) -> None:
    fields = arn.split(":", 5)
    assume(not (fields[2] == "sts" and fields[5].startswith("assumed-role//")) and fields[5] != "assumed-role/")
    owners = {iam_owner(arn), cognito_owner(one, other), jwt_owner(one, other), "public"}

    assert len(owners) == 4


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
        verified_by({"iam": [USER]}),
        verified_by({"jwt": None}),
        verified_by({"jwt": {}}),
        verified_by({"jwt": {"claims": None}}),
        verified_by({"jwt": {"claims": "iss=a"}}),
        verified_by({"lambda": {"owner": "ann"}}),
        verified_by(USER),
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
@pytest.mark.parametrize(
    "event",
    [signed_by(USER), with_claims(iss=ISSUER, sub="ann"), from_pool(POOL, IDENTITY)],
    ids=["iam", "jwt", "cognito"],
)
def test_verified_caller_is_never_public(event: dict[str, Any], api_auth: str) -> None:
    owners = (f"iam:{USER}", f"jwt:{ISSUER}#ann", f"cognito:{POOL}/{IDENTITY}")

    assert owner_of(event, api_auth=api_auth) in owners


@pytest.mark.parametrize("api_auth", ["AWS_IAM", "JWT"])
def test_owner_in_request_is_ignored(api_auth: str) -> None:
    claimed = {"iam": {"userArn": USER}, "jwt": {"claims": {"iss": ISSUER, "sub": "ann"}}, "owner": USER}
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
