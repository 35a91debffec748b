"""botocore clients that start fast."""

from pathlib import Path
from typing import Any

import botocore
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader

# service_models.py writes this folder when the layer is built. Without it, botocore uses the models that it ships.
SERVICE_MODELS = Path(__file__).with_name("service_models")

# botocore composes its user agent for every call, which takes a tenth of the call's time. A fixed one does not.
USER_AGENT = Config(user_agent=f"agent-sessions botocore/{botocore.__version__}")

CALL_ERRORS = (BotoCoreError, ClientError)
"""What a call can raise: the service refused or failed it, or could not be reached."""


def create_client(service: str, config: Config) -> Any:
    """Return a client whose region, credentials and endpoint come from the environment, as AWS documents."""
    session = botocore.session.get_session()
    if SERVICE_MODELS.is_dir():
        models = Loader(extra_search_paths=[str(SERVICE_MODELS)], include_default_search_paths=False)
        session.register_component("data_loader", models)
    return session.create_client(service, config=USER_AGENT.merge(config))
