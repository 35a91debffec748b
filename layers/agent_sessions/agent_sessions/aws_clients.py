"""Clients of AWS, quick to make and quick to call."""

from pathlib import Path
from typing import Any

import botocore
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

# Written when the layer is built (service_models.py); from the sources, botocore reads its own.
SERVICE_MODELS = Path(__file__).with_name("service_models")

# botocore composes its own name for every call anew, which takes a tenth of the call's time.
USER_AGENT = Config(user_agent=f"agent-sessions botocore/{botocore.__version__}")


def create_client(service: str, config: Config) -> Any:
    """Make a client; its region, credentials and endpoint come from the environment, as AWS documents."""
    session = botocore.session.get_session()
    if SERVICE_MODELS.is_dir():
        models = Loader(extra_search_paths=[str(SERVICE_MODELS)], include_default_search_paths=False)
        session.register_component("data_loader", models)
    return session.create_client(service, config=USER_AGENT.merge(config))
