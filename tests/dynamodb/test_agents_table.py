"""Every method of AgentsTable and every condition it sets, on moto and on DynamoDB Local."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from agent_sessions.domain.identity import Identity, agent_id
from agent_sessions.domain.models import Agent
from agent_sessions.dynamodb.tables import Tables
from tests.support.database import Database
from tests.support.samples import AGENT_ID, IDENTITY, NOW, OTHER_OWNER, OWNER

IMPORTED = str(uuid.UUID(int=11))


def sign_in(tables: Tables, identity: Identity = IDENTITY, **changes: Any) -> Agent | None:
    arguments = {"session_id": "first", "now": NOW, **changes}
    return tables.agents.record_sign_in(agent_id(OWNER, identity.key), OWNER, identity, **arguments)


def signed_in(tables: Tables, identity: Identity = IDENTITY, **changes: Any) -> Agent:
    agent = sign_in(tables, identity, **changes)
    assert agent
    return agent


class TestFindAgentIds:
    def test_owner_and_identity_find_the_agent(self, tables: Tables) -> None:
        sign_in(tables)
        assert tables.agents.find_agent_ids(OWNER, IDENTITY.key) == [AGENT_ID]

    @pytest.mark.parametrize(
        ("owner", "key"),
        [(OTHER_OWNER, IDENTITY.key), (OWNER, "claude:project"), (OWNER, "claude:default"), ("x", "x")],
    )
    def test_other_owner_or_identity_finds_none(self, tables: Tables, owner: str, key: str) -> None:
        sign_in(tables)
        assert tables.agents.find_agent_ids(owner, key) == []

    def test_imported_agents_of_one_identity_are_sorted(self, database: Database, tables: Tables) -> None:
        for number in (7, 3, 5):
            database.import_agent(str(uuid.UUID(int=number)), OWNER, "twin:default", at=NOW)
        found = tables.agents.find_agent_ids(OWNER, "twin:default")
        assert found == [str(uuid.UUID(int=number)) for number in (3, 5, 7)]

    def test_longest_identity_fits_the_index(self, tables: Tables) -> None:
        # U+FDFA becomes 33 bytes: the longest key that Identity accepts, just below DynamoDB's limit.
        identity = Identity.of("\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 60, "x" * 66)
        agent = signed_in(tables, identity)
        assert tables.agents.find_agent_ids(OWNER, identity.key) == [agent.agent_id]


class TestRecordSignIn:
    def test_first_sign_in_creates_the_agent(self, tables: Tables) -> None:
        agent = signed_in(tables)
        assert agent == Agent(
            agent_id=AGENT_ID,
            owner=OWNER,
            identity_key="claude:project a",
            agent_name="Claude",
            context="Project A",
            created_at=NOW,
            last_active=NOW,
            sign_ins=1,
            incarnation="first",
        )
        assert tables.agents.get_agent(AGENT_ID) == agent

    def test_second_sign_in_keeps_attributes_of_the_first(self, database: Database, tables: Tables) -> None:
        first = signed_in(tables)
        again = signed_in(tables, Identity.of("CLAUDE", "PROJECT A"), session_id="second", now=NOW + 5)
        assert again == replace(first, last_active=NOW + 5, sign_ins=2)
        assert database.agent_item(AGENT_ID)["sign_ins"] == {"N": "2"}

    def test_exclusive_sign_in_moves_the_fence_to_the_count_before(self, tables: Tables) -> None:
        for number in range(3):
            agent = signed_in(tables, session_id=str(number), exclusive=True)
            assert (agent.ended_through, agent.sign_ins) == (number, number + 1)
        assert signed_in(tables, session_id="shared").ended_through == 2

    def test_agent_imported_under_the_derived_id_keeps_its_creation_time(
        self, database: Database, tables: Tables
    ) -> None:
        database.import_agent(AGENT_ID, OWNER, IDENTITY.key, at=NOW - 9)
        assert signed_in(tables).created_at == NOW - 9

    def test_missing_context_is_stored_as_null(self, database: Database, tables: Tables) -> None:
        # An absent attribute would be set by the next sign-in with the context "default".
        agent = signed_in(tables, Identity.of("Claude"))
        assert database.agent_item(agent.agent_id)["context"] == {"NULL": True}
        again = signed_in(tables, Identity.of("Claude", "default"), session_id="second")
        assert (again.agent_id, again.context) == (agent.agent_id, None)

    def test_context_of_the_first_sign_in_is_kept(self, tables: Tables) -> None:
        sign_in(tables, Identity.of("Claude", "Default"))
        assert signed_in(tables, Identity.of("Claude"), session_id="second").context == "Default"

    @pytest.mark.parametrize(
        "hostile", ["#owner = :owner", ":now", "a\u0338b", "\N{FACE WITH TEARS OF JOY}", "SET x = y"]
    )
    def test_names_are_not_expressions(self, tables: Tables, hostile: str) -> None:
        agent = signed_in(tables, Identity.of(hostile, hostile))
        assert (agent.agent_name, agent.context, agent.owner) == (hostile, hostile, OWNER)

    def test_item_of_another_owner_is_left_alone(self, database: Database, tables: Tables) -> None:
        database.import_agent(AGENT_ID, OTHER_OWNER, IDENTITY.key, at=NOW - 9)
        before = database.agent_item(AGENT_ID)
        assert sign_in(tables) is None
        assert database.agent_item(AGENT_ID) == before

    def test_blocked_agent_is_left_alone(self, database: Database, tables: Tables) -> None:
        sign_in(tables)
        tables.agents.move_fence(AGENT_ID, OWNER, block=True)
        before = database.agent_item(AGENT_ID)
        assert sign_in(tables, session_id="second") is None
        assert sign_in(tables, session_id="second", must_exist=True) is None
        assert database.agent_item(AGENT_ID) == before

    def test_existing_agent_signs_in_if_it_must_exist(self, database: Database, tables: Tables) -> None:
        database.import_agent(IMPORTED, OWNER, IDENTITY.key, at=NOW - 9, context={"S": "PROJECT A"})
        agent = tables.agents.record_sign_in(IMPORTED, OWNER, IDENTITY, session_id="first", now=NOW, must_exist=True)
        assert agent == tables.agents.get_agent(IMPORTED)
        assert agent
        assert (agent.context, agent.created_at, agent.last_active, agent.sign_ins) == ("PROJECT A", NOW - 9, NOW, 1)

    def test_missing_agent_is_not_created_if_it_must_exist(self, database: Database, tables: Tables) -> None:
        assert sign_in(tables, must_exist=True) is None
        assert database.agent_item(AGENT_ID) == {}


class TestRecordUse:
    @pytest.fixture(autouse=True)
    def agent(self, tables: Tables) -> Agent:
        signed_in(tables)
        return signed_in(tables, session_id="second")

    def use(self, tables: Tables, *, now: int = NOW + 300, incarnation: str = "first", number: int = 2) -> bool:
        return tables.agents.record_use(AGENT_ID, now=now, incarnation=incarnation, sign_in_number=number)

    def test_use_of_an_admitted_session_is_recorded(self, tables: Tables, agent: Agent) -> None:
        assert self.use(tables)
        assert tables.agents.get_agent(AGENT_ID) == replace(agent, last_active=NOW + 300)

    def test_clock_that_is_behind_rejects_no_session(self, tables: Tables) -> None:
        assert self.use(tables, now=NOW - 60)

    def test_other_incarnation_is_rejected(self, tables: Tables, agent: Agent) -> None:
        assert not self.use(tables, incarnation="second")
        assert tables.agents.get_agent(AGENT_ID) == agent

    def test_session_behind_the_fence_is_rejected(self, tables: Tables) -> None:
        tables.agents.move_fence(AGENT_ID, OWNER, block=False)
        assert not self.use(tables)
        assert self.use(tables, number=3)

    def test_blocked_agent_admits_none(self, tables: Tables) -> None:
        tables.agents.move_fence(AGENT_ID, OWNER, block=True)
        assert not self.use(tables, number=3)

    def test_deleted_agent_is_not_recreated(self, database: Database, tables: Tables) -> None:
        database.delete_agent(AGENT_ID)
        assert not self.use(tables)
        assert tables.agents.get_agent(AGENT_ID) is None


class TestUpdateLastActive:
    @pytest.mark.parametrize(("seen", "expected"), [(NOW - 1, NOW), (NOW, NOW), (NOW + 1, NOW + 1)])
    def test_last_active_moves_only_forward(self, tables: Tables, seen: int, expected: int) -> None:
        agent = signed_in(tables)
        tables.agents.update_last_active(AGENT_ID, seen)
        assert tables.agents.get_agent(AGENT_ID) == replace(agent, last_active=expected)

    def test_missing_agent_is_not_created(self, tables: Tables) -> None:
        tables.agents.update_last_active(AGENT_ID, NOW)
        assert tables.agents.get_agent(AGENT_ID) is None


class TestClaimSweep:
    def test_only_the_first_of_two_claims_succeeds(self, tables: Tables) -> None:
        agent = signed_in(tables)
        assert tables.agents.claim_sweep(agent)
        assert not tables.agents.claim_sweep(agent)
        swept = tables.agents.get_agent(AGENT_ID)
        assert swept == replace(agent, swept_at=1)

    def test_another_incarnation_is_not_swept(self, tables: Tables) -> None:
        agent = signed_in(tables)
        assert not tables.agents.claim_sweep(replace(agent, incarnation="other"))


class TestFence:
    @pytest.mark.parametrize("block", [False, True])
    def test_fence_moves_to_the_count_of_sign_ins(self, tables: Tables, block: bool) -> None:
        for number in range(3):
            agent = signed_in(tables, session_id=str(number))
        moved = tables.agents.move_fence(AGENT_ID, OWNER, block=block)
        assert moved == replace(agent, ended_through=3, blocked=block)
        assert tables.agents.move_fence(AGENT_ID, OWNER, block=block) == moved

    def test_agent_that_never_signed_in_gets_a_fence_at_zero(self, database: Database, tables: Tables) -> None:
        database.import_agent(IMPORTED, OWNER, IDENTITY.key, at=NOW)
        moved = tables.agents.move_fence(IMPORTED, OWNER, block=True)
        assert moved
        assert (moved.ended_through, moved.incarnation, moved.blocked) == (0, None, True)

    @pytest.mark.parametrize("owner", [OTHER_OWNER, OWNER.upper()])
    def test_other_owner_changes_nothing(self, tables: Tables, owner: str) -> None:
        agent = signed_in(tables)
        assert tables.agents.move_fence(AGENT_ID, owner, block=True) is None
        assert tables.agents.unblock(AGENT_ID, owner) is None
        assert tables.agents.get_agent(AGENT_ID) == agent

    def test_missing_agent_is_not_created(self, tables: Tables) -> None:
        assert tables.agents.move_fence(AGENT_ID, OWNER, block=True) is None
        assert tables.agents.unblock(AGENT_ID, OWNER) is None
        assert tables.agents.get_agent(AGENT_ID) is None

    def test_unblock_keeps_the_fence(self, tables: Tables) -> None:
        agent = signed_in(tables)
        tables.agents.move_fence(AGENT_ID, OWNER, block=True)
        assert tables.agents.unblock(AGENT_ID, OWNER) == replace(agent, ended_through=1)


class TestDeleteAgent:
    def test_blocked_agent_is_deleted(self, tables: Tables) -> None:
        signed_in(tables)
        blocked = tables.agents.move_fence(AGENT_ID, OWNER, block=True)
        assert blocked
        assert tables.agents.delete_agent(blocked)
        assert tables.agents.get_agent(AGENT_ID) is None
        assert not tables.agents.delete_agent(blocked), "a second attempt finds nothing"

    def test_agent_that_never_signed_in_is_deleted(self, database: Database, tables: Tables) -> None:
        database.import_agent(IMPORTED, OWNER, IDENTITY.key, at=NOW)
        blocked = tables.agents.move_fence(IMPORTED, OWNER, block=True)
        assert blocked
        assert tables.agents.delete_agent(blocked)

    def test_unblocked_agent_is_kept(self, tables: Tables) -> None:
        signed_in(tables)
        blocked = tables.agents.move_fence(AGENT_ID, OWNER, block=True)
        assert blocked
        tables.agents.unblock(AGENT_ID, OWNER)
        assert not tables.agents.delete_agent(blocked)

    def test_agent_with_another_fence_or_incarnation_is_kept(self, tables: Tables) -> None:
        signed_in(tables)
        blocked = tables.agents.move_fence(AGENT_ID, OWNER, block=True)
        assert blocked
        for changed in (replace(blocked, ended_through=2), replace(blocked, incarnation="other")):
            assert not tables.agents.delete_agent(changed)
        assert not tables.agents.delete_agent(replace(blocked, incarnation=None))


class TestReads:
    def test_missing_agent_is_none(self, tables: Tables) -> None:
        assert tables.agents.get_agent(AGENT_ID) is None

    @pytest.mark.parametrize("attribute", ["owner", "identity_key", "agent_name", "created_at", "last_active"])
    def test_item_without_a_required_attribute_is_not_an_agent(
        self, database: Database, tables: Tables, attribute: str
    ) -> None:
        signed_in(tables)
        database.client.update_item(
            TableName=database.settings.agents_table,
            Key={"agent_id": {"S": AGENT_ID}},
            UpdateExpression="REMOVE #attribute",
            ExpressionAttributeNames={"#attribute": attribute},
        )
        assert tables.agents.get_agent(AGENT_ID) is None
        assert tables.agents.get_agents([AGENT_ID]) == []

    def test_agents_of_an_owner_are_paged_by_id(self, database: Database, tables: Tables) -> None:
        ids = [str(uuid.UUID(int=number)) for number in range(7)]
        for each in ids:
            database.import_agent(each, OWNER, f"agent {each}:default", at=NOW)
        database.import_agent(IMPORTED, OTHER_OWNER, "other:default", at=NOW)

        found: list[str] = []
        after = None
        while True:
            page, after = tables.agents.owned_agent_ids(OWNER, after=after, limit=3)
            assert len(page) <= 3
            found += page
            if after is None:
                break
        assert found == ids

    def test_agents_are_read_in_order_without_missing_ones(self, database: Database, tables: Tables) -> None:
        ids = [str(uuid.UUID(int=number)) for number in range(120)]
        for each in ids[::2]:
            database.import_agent(each, OWNER, f"agent {each}:default", at=NOW)
        assert [agent.agent_id for agent in tables.agents.get_agents(ids)] == ids[::2]
