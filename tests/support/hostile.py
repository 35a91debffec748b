"""Texts with a meaning for DynamoDB, a query language, a shell, a template, a terminal or a browser.

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
# Texts that become a header or a log line if they are decoded twice or cut to the low byte: U+560D becomes 0D.
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
MARKS = ["a\u0338", "\U0001f468\u200d\U0001f4bb", "a\u3164b", "\u0e01\u0e49\u0e49\u0e49"]
WORDS = ["NULL", "None", "true", "NaN", "0", "-1", "default%", "default:default"]

ALLOWED = [*EXPRESSIONS, *QUERIES, *TEMPLATES, *PATHS, *MARKUP, *HEADERS, *LOG_LINES, *MARKS, *WORDS]

# Line ends, terminal sequences in their 7 and 8 bit forms, what cuts a text short, turns it around or is not seen.
# The second character of each is refused.
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
    "x\u202ey",
    "x\u2066y",
    "x\u200fy",
    "x\u200by",
    "x\ufeffy",
    "x\u00ady",
    "x\U000e0041y",
    "x\ufffdy",
    "x\ue000y",
    "x\u0378y",
]
