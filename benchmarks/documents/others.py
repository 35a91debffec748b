"""Other session stores, as a section of docs/performance.md."""

from collections.abc import Iterator

from benchmarks.documents import markdown
from benchmarks.results import Results
from benchmarks.samples import Spread

PEERS = """
agent-sessions pays for more at sign-in and sign-out: it recognises the agent (two calls) and records when it was last
seen (one); it slides once in a minute, not at each use. What the others do not do, and what they do well, is shown by
`tests/peers`:

- **dynamodb-session-web** decides expiry by the clock, has an absolute timeout, reads strongly consistently, refuses a
  signed id that was tampered with without a call, and tells a failing database from no session. Create and destroy are
  one call. It writes at *every* validation. A validation in flight while a session is ended brings its item back,
  without its data, and from then on loading it raises `KeyError`. The id that its holder presents is the key of the
  item, so who reads the table, or a backup, has the sessions.
- **mcp-lambda-handler** decides expiry by the clock, deletes what has expired, and needs one call for each verb; its
  eventually consistent read costs half of ours and may miss a deletion. A session lasts 24 hours, whatever its use. A
  failing database is told as no session. An update after the end writes an item without an expiry, which no TTL
  deletes, though the next read takes it for expired. The id is stored as it is presented.
- **Flask-Session** keeps any data, gives a session a new id on demand, and tells a failing database from no session;
  without sliding a validation costs half of ours. It never looks at the expiry of a DynamoDB item, and fails to switch
  TTL on: a session lasts until someone deletes it. By default every request writes; a request in flight brings an
  ended session back, whole. It asks for CreateTable at each start. It imports `mypy_boto3_dynamodb`, which it does not
  install. The id is stored as it is presented.

None of them knows whom a session belongs to, so none can list an agent's sessions, end them all, or count who is
active.
"""


def peers(results: Results) -> Iterator[str]:
    """Other session stores."""
    named = [f"`{name}` {version}" for name, version in results["stores"].items()]
    yield "## Other session stores"
    yield "![CPU by store and verb](performance/peers.svg)"
    yield (
        f"{', '.join(named[:-1])} and {named[-1]}, all in process, with the same boto3, in the "
        "same run on the same engine: without gateway, event and log on either side."
    )
    verbs = {"create": "create", "validate": "validate", "slide": "validate and slide", "destroy": "destroy"}
    rows = []
    for store, told in results["peers"].items():
        for verb, label in verbs.items():
            if verb not in told:
                rows.append([store, label, "cannot", "", "", "", "", "", ""])
                continue
            one = told[verb]
            rows.append(
                [
                    store,
                    label,
                    " · ".join(one["calls"]),
                    f"{one['read_units']:g}",
                    f"{one['write_units']:g}",
                    *markdown.milliseconds(Spread.of(one["cpu"]), 2),
                    markdown.milliseconds(Spread.of(one["wall"]), 2)[1],
                ]
            )
    yield markdown.table(
        ["store", "", "calls", "read units", "write units", "CPU ms, min", "median", "max", "wall ms"], rows, right=3
    )
    yield PEERS.strip()
