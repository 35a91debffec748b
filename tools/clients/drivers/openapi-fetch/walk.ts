// Walk a client of openapi-typescript and openapi-fetch through the API.
import { strict as assert } from "node:assert";
import { inspect } from "node:util";

import createClient from "openapi-fetch";

import type { components, paths } from "./generated";

type ErrorResponse = components["schemas"]["ErrorResponse"];
type Problem = components["schemas"]["Problem"];

const NAME = "openapi-fetch";
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

function withToken(token: string) {
  return { baseUrl: process.env.API_URL, headers: { Authorization: `Bearer ${token}` } };
}

async function walk(): Promise<void> {
  const api = createClient<paths>({ baseUrl: process.env.API_URL });
  const standIn = createClient<paths>({ baseUrl: process.env.STAND_IN_URL });

  const signedIn = data(await api.POST("/sessions", { body: { agent_name: NAME, context: CONTEXT } }));
  const { agent_id, session_id, session_token } = signedIn;
  passed("sign in");

  const agent = createClient<paths>(withToken(session_token));
  const session = data(await agent.GET("/sessions/current"));
  assert.equal(session.session_id, session_id);
  passed("validate");

  const reported = data(await agent.PATCH("/sessions/current", { body: { state: "working", activity: "walking" } }));
  assert.equal(reported.state, "working");
  assert.ok(reported.progress_at);
  passed("progress");

  const found = data(await api.GET("/agents", { params: { query: { agent_name: NAME, context: CONTEXT } } }));
  assert.deepEqual(
    found.agents.map((each) => [each.agent_id, each.online]),
    [[agent_id, true]],
  );
  passed("find");

  const ofTheAgent = { path: { agent_id } };
  const page = data(await api.GET("/agents/{agent_id}/sessions", { params: { ...ofTheAgent, query: { limit: 100 } } }));
  assert.ok(page.sessions.some((each) => each.session_id === session_id));
  passed("list");

  const invalid = await api.POST("/sessions", { body: { agent_name: " " } });
  assert.equal(invalid.response.status, 400);
  assert.ok(isProblem(invalid.error));
  assert.equal(invalid.error.error, "ValidationError");
  assert.equal(invalid.error.errors?.[0]?.field, "agent_name");
  passed("400");

  const refused = await createClient<paths>(withToken("ags_unknown")).GET("/sessions/current");
  assert.equal(refused.response.status, 401);
  assert.ok(isProblem(refused.error));
  assert.equal(refused.error.error, "InvalidSessionError");
  passed("401");

  const forbidden = await standIn.GET("/agents/{agent_id}", { params: ofTheAgent });
  assert.equal(forbidden.response.status, 403);
  assert.ok(forbidden.error && !isProblem(forbidden.error));
  assert.equal(forbidden.error.message, "Forbidden");
  passed("gateway 403");

  data(await standIn.GET("/sessions/current"));
  passed("new field");

  assert.equal((await agent.DELETE("/sessions/current")).response.status, 204);
  assert.ok(isProblem((await agent.GET("/sessions/current")).error));
  passed("sign out");
}

void walk();
