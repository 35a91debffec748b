"""The report over whatever the table holds.

Run from the layer, as ``-m benchmarks.measurements.report_run``; prints JSON.
"""

import json
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
    """Count once; tell what was counted, and what that took."""
    settings = Settings.from_environment()
    transport = BotocoreTransport.connect(CLIENT_CONFIG)
    meter = Meter(transport.client)
    cpu, wall = time.process_time(), time.perf_counter()
    report = ActivityReport(Tables.over(transport, settings), None, settings)  # type: ignore[arg-type]  # puts no metric
    active = report.count()
    calls, read, _ = meter.spent
    return {
        "sessions": active.sessions,
        "agents": active.agents,
        "calls": len(calls),
        "read_units": read,
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
        "peak": peak_memory(),
    }


if __name__ == "__main__":
    print(json.dumps(main()))
