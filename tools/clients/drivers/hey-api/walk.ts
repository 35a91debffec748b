// Walk a client of @hey-api/openapi-ts, with zod, through the API.
import { strict as assert } from "node:assert";
import { inspect } from "node:util";

import { createClient } from "./generated/client";
import {
  type ErrorResponse,
  getAgent,
  listAgents,
  listAgentSessions,
  type Problem,
  reportProgress,
  signIn,
  signOut,
  validateSession,
} from "./generated";

const NAME = "hey-api";
const CONTEXT = "generated clients";

function passed(step: string): void {
  console.log(step);
}

/** What a request returned; if that is an error, fail with it. */
function data<Data>(result: { data?: Data; error?: unknown }): Data {
  assert.ok(result.data, inspect(result.error));
  return result.data;
}

function isProblem(error: ErrorResponse | undefined): error is Problem {
  return error !== undefined && "error" in error;
}

async function walk(): Promise<void> {
  const api = createClient({ baseUrl: process.env.API_URL });
  const standIn = createClient({ baseUrl: process.env.STAND_IN_URL });

  const signedIn = data(await signIn({ client: api, body: { agent_name: NAME, context: CONTEXT } }));
  const { agent_id, session_id, session_token } = signedIn;
  passed("sign in");

  const agent = createClient({ baseUrl: process.env.API_URL, auth: session_token });
  const session = data(await validateSession({ client: agent }));
  assert.equal(session.session_id, session_id);
  passed("validate");

  const reported = data(await reportProgress({ client: agent, body: { state: "working", activity: "walking" } }));
  assert.equal(reported.state, "working");
  assert.ok(reported.progress_at);
  passed("progress");

  const found = data(await listAgents({ client: api, query: { agent_name: NAME, context: CONTEXT } }));
  assert.deepEqual(
    found.agents.map((each) => [each.agent_id, each.online]),
    [[agent_id, true]],
  );
  passed("find");

  const page = data(await listAgentSessions({ client: api, path: { agent_id }, query: { limit: 100 } }));
  assert.ok(page.sessions.some((each) => each.session_id === session_id));
  passed("list");

  const invalid = await signIn({ client: api, body: { agent_name: " " } });
  assert.equal(invalid.response?.status, 400);
  assert.ok(isProblem(invalid.error));
  assert.equal(invalid.error.error, "ValidationError");
  assert.equal(invalid.error.errors?.[0]?.field, "agent_name");
  passed("400");

  const refused = await validateSession({ client: createClient({ baseUrl: process.env.API_URL, auth: "ags_unknown" }) });
  assert.equal(refused.response?.status, 401);
  assert.ok(isProblem(refused.error));
  assert.equal(refused.error.error, "InvalidSessionError");
  passed("401");

  const forbidden = await getAgent({ client: standIn, path: { agent_id } });
  assert.equal(forbidden.response?.status, 403);
  assert.ok(forbidden.error && !isProblem(forbidden.error));
  assert.equal(forbidden.error.message, "Forbidden");
  passed("gateway 403");

  data(await validateSession({ client: standIn }));
  passed("new field");

  assert.equal((await signOut({ client: agent })).response?.status, 204);
  assert.ok(isProblem((await validateSession({ client: agent })).error));
  passed("sign out");
}

void walk();
