"""One run of the activity report; runs from the layer, in a process of its own, to see its memory."""

import time

from botocore.config import Config

from agent_sessions.dynamodb.client import REPORT_CLIENT_CONFIG, BotocoreTransport
from agent_sessions.dynamodb.tables import Tables
from agent_sessions.services.activity_report import ActivityReport
from agent_sessions.settings import Settings
from benchmarks.process import peak_memory
from tools.dynamodb.capacity_meter import Meter

# DynamoDB Local reads the rest of a segment for each page, which takes it longer than AWS.
CLIENT_CONFIG = REPORT_CLIENT_CONFIG.merge(Config(read_timeout=300))


def main() -> dict[str, float]:
    """Count once; return the counts and what they cost."""
    settings, transport = Settings.from_environment(), BotocoreTransport.connect(CLIENT_CONFIG)
    report = ActivityReport(Tables.over(transport, settings), None, settings)  # type: ignore[arg-type]  # puts no metric
    meter, before = Meter(transport.client), time.process_time()
    active = report.count()
    cpu = time.process_time() - before
    calls, read_units, _ = meter.spent
    counted = {"sessions": active.sessions, "agents": active.agents, "calls": len(calls), "read_units": read_units}
    return counted | {"cpu": cpu, "peak": peak_memory()}
