"""Texts that mean something to some reader: to DynamoDB, a query language, a shell, a template, a terminal, a browser.

As a name, a context or an owner each is no more than its characters.
"""

EXPRESSIONS = [
    "#owner",
    ":owner",
    ":now",
    "#owner = :owner",
    "attribute_exists(agent_id)",
    "attribute_not_exists(agent_id) OR #owner = :owner",
    "if_not_exists(#owner, :one)",
    "SET #owner = :session_id",
    "last_active = :now ADD sign_ins :one",
    "agent_id",
    "owner",
    "identity_key-index",
    '{"S": "x"}',
    '{"NULL": true}',
    '", "owner": {"S": "x"}, "z": "',
]
QUERIES = [
    "' OR '1'='1",
    "x'; DROP TABLE AgentsTable; --",
    "SELECT * FROM \"AgentsTable\" WHERE owner = 'x'",
    '{"$ne": null}',
    "*)(uid=*",
]
TEMPLATES = [
    "{agent_id}",
    "{agent_id.__class__.__init__.__globals__}",
    "{0!r:>9999}",
    "%s%s%n",
    "%(message)s",
    "${agent_id}",
    "${jndi:ldap://127.0.0.1/a}",
    "$context.authorizer.principalId",
    "{{7*7}}",
    "<%= 7 * 7 %>",
    "`id`",
    "$(id)",
    "; rm -rf /",
    "=cmd|' /C calc'!A0",
]
PATHS = [
    "../../etc/passwd",
    "..%2f..",
    "/sessions/current",
    "a/b?c=d&e=f#g",
    "a&context=b",
    "a+b c",
    "%00",
    "%",
    "%25",
    ":",
    "::",
]
MARKUP = ["<script>alert(1)</script>", "&lt;", "\\", '"', "\\u0000", "\\ud800", "]}"]
# What becomes a header or a log line where someone decodes once more or keeps the low byte only: U+560D is 0D.
HEADERS = [
    "x%0d%0aSet-Cookie: a=b",
    "x\\r\\nSet-Cookie: a=b",
    "x\u560d\u560aSet-Cookie: a=b",
    "Content-Type: text/html",
]
LOG_LINES = [
    '{"level": "INFO", "message": "request", "status": 200}',
    '", "level": "ERROR", "x": "',
    "[ERROR] 2026-11-22T00:00:00Z Task timed out",
    "END RequestId: 00000000-0000-0000-0000-000000000000",
]
# No control characters, so they are allowed: they end a line, turn the text around or are not seen.
MARKS = [
    "a\u2028b",
    "a\u2029b",
    "\u202eevil",
    "a\u2066b",
    "\u200fx",
    "a\u200bb",
    "\ufeffx",
    "a\u00adb",
    "x\U000e0041",
    "a\u0338",
]
WORDS = ["NULL", "None", "true", "NaN", "0", "-1", "default%", "default:default"]

ALLOWED = [*EXPRESSIONS, *QUERIES, *TEMPLATES, *PATHS, *MARKUP, *HEADERS, *LOG_LINES, *MARKS, *WORDS]

# Line ends, terminal sequences in their 7 and 8 bit forms, and what cuts a text short.
REFUSED = [
    "x\r\nSet-Cookie: a=b",
    "x\ny",
    "x\ry",
    "x\x1b[31my",
    "x\x1b]0;title\x07y",
    "x\x9b31my",
    "x\x85y",
    "x\x00y",
    "x\x08y",
    "x\x7fy",
    "x\ud800y",
]
