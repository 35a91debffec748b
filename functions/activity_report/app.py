"""Put the numbers of live sessions and agents into CloudWatch every few minutes."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from agent_sessions.logs import create_logger
from agent_sessions.services.activity_report import ActivityReport
from agent_sessions.settings import Settings

settings = Settings.from_environment()
logger = create_logger(settings.log_level)
report = ActivityReport.from_settings(settings)


@logger.inject_lambda_context
def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, int]:
    """Put ActiveSessions and ActiveAgents. If that fails, Lambda retries."""
    active = report.run()
    logger.info("report", active_sessions=active.sessions, active_agents=active.agents, deleted=active.deleted)
    return {"active_sessions": active.sessions, "active_agents": active.agents}
