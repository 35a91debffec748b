// Walk a client of orval, with zod, through the API.
import { strict as assert } from "node:assert";

import {
  getAgent,
  listAgents,
  listAgentSessions,
  reportProgress,
  signIn,
  signOut,
  validateSession,
} from "./generated/client";
import { AgentPage, ErrorResponse, GatewayMessage, Problem, Session, SessionPage, SignedIn } from "./generated/models";

const NAME = "orval";
const CONTEXT = "generated clients";

function passed(step: string): void {
  console.log(step);
}

function withToken(token: string): RequestInit {
  return { headers: { Authorization: `Bearer ${token}` } };
}

async function walk(): Promise<void> {
  process.env.BASE_URL = process.env.API_URL;

  const created = await signIn({ agent_name: NAME, context: CONTEXT });
  assert.equal(created.status, 201);
  const { agent_id, session_id, session_token } = SignedIn.parse(created.data);
  const agent = withToken(session_token);
  passed("sign in");

  const session = Session.parse((await validateSession(agent)).data);
  assert.equal(session.session_id, session_id);
  passed("validate");

  const reported = Session.parse((await reportProgress({ state: "working", activity: "walking" }, agent)).data);
  assert.equal(reported.state, "working");
  assert.ok(reported.progress_at);
  passed("progress");

  const found = AgentPage.parse((await listAgents({ agent_name: NAME, context: CONTEXT })).data);
  assert.deepEqual(
    found.agents.map((each) => [each.agent_id, each.online]),
    [[agent_id, true]],
  );
  passed("find");

  const page = SessionPage.parse((await listAgentSessions(agent_id, { limit: 100 })).data);
  assert.ok(page.sessions.some((each) => each.session_id === session_id));
  passed("list");

  const rejected = await signIn({ agent_name: " " });
  assert.equal(rejected.status, 400);
  const invalid = Problem.parse(ErrorResponse.parse(rejected.data));
  assert.equal(invalid.error, "ValidationError");
  assert.equal(invalid.errors?.[0]?.field, "agent_name");
  passed("400");

  const refused = await validateSession(withToken("ags_unknown"));
  assert.equal(refused.status, 401);
  assert.equal(Problem.parse(ErrorResponse.parse(refused.data)).error, "InvalidSessionError");
  passed("401");

  process.env.BASE_URL = process.env.STAND_IN_URL;
  const forbidden = await getAgent(agent_id);
  assert.equal(forbidden.status, 403);
  assert.equal(GatewayMessage.parse(ErrorResponse.parse(forbidden.data)).message, "Forbidden");
  passed("gateway 403");

  Session.parse((await validateSession()).data);
  passed("new field");

  process.env.BASE_URL = process.env.API_URL;
  assert.equal((await signOut(agent)).status, 204);
  assert.equal((await validateSession(agent)).status, 401);
  passed("sign out");
}

void walk();
