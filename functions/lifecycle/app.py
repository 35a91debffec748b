"""Put an event on the bus for each agent and session that is created, ended, blocked or asked to stop."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from agent_sessions.http.response_models import agent_body, session_body
from agent_sessions.logs import create_logger
from agent_sessions.services.lifecycle import LifecyclePublisher
from agent_sessions.settings import Settings

settings = Settings.from_environment()
logger = create_logger(settings.log_level)
publisher = LifecyclePublisher.from_settings(settings, agent_body=agent_body, session_body=session_body)


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Publish a batch of stream records; return those to be delivered again (partial batch response)."""
    published = publisher.publish(event["Records"])
    if published.unreadable:
        logger.warning("unreadable records", sequence_numbers=published.unreadable)
    if published.queued or published.failed:
        logger.warning(
            "events not put", queued=published.queued, failed=published.failed, causes=sorted(published.causes)
        )
    logger.info("events", put=published.put)
    return {"batchItemFailures": [{"itemIdentifier": number} for number in published.failed]}
