"""Log lines of the functions: one JSON object each, at a level that the setting decides."""

import json
import logging
from functools import partial

from aws_lambda_powertools import Logger

# ASCII, so that no name of an owner can end a log line or control the terminal that shows it.
LOG_LINE = partial(json.dumps, default=str, separators=(",", ":"))


def create_logger(level: str) -> Logger:
    """Return the logger of this function, which writes lines of this level and above to standard output.

    Lambda's own ``ApplicationLogLevel`` would override the level of a Powertools logger. It stays at INFO, below which
    Lambda might drop lines; metrics are lines without a level, which Lambda treats as INFO.
    """
    logger = Logger(json_serializer=LOG_LINE, use_rfc3339=True, location=None)
    logging.getLogger(logger.name).setLevel(level)
    return logger
