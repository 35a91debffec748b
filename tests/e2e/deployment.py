"""Deploys stacks of built checkouts to an emulator."""

from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from tools import ROOT
from tools.local import stack
from tools.local.emulator import Emulator


class Deployments:
    """SAM CLI deploys the first stack of each checkout, as `make local` does, and uploads its code and template.

    All other stacks take what it uploaded, and need a second instead of five.
    """

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._templates: dict[Path, str] = {}
        self._deployed: dict[str, tuple[Path, dict[str, str]]] = {}
        self._cloudformation, self._s3 = (self._client(service) for service in ("cloudformation", "s3"))

    def _client(self, service: str) -> Any:
        return botocore.session.get_session().create_client(
            service,
            endpoint_url=self._emulator.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            # Otherwise S3 would get a stream with a checksum at its end, which the guards cannot search.
            config=Config(request_checksum_calculation="when_required"),
        )

    def deploy(self, stack_name: str, source: Path, parameters: dict[str, str]) -> dict[str, str]:
        """Create or update a stack; return its outputs by name.

        Args:
            stack_name: The stack.
            source: A checkout that was built.
            parameters: Template parameters, which override those of samconfig.toml's local environment.
        """
        unchanged = self._deployed.get(stack_name) == (source, parameters)
        self._deployed[stack_name] = (source, parameters)
        if unchanged:  # CloudFormation refuses an update that changes nothing
            return self._outputs(stack_name)
        if source not in self._templates:
            log = self._emulator.folder / "sam.log"
            outputs = stack.deploy(self._emulator, log, source=source, stack_name=stack_name, **parameters)
            template = self._cloudformation.get_template(StackName=stack_name, TemplateStage="Original")
            self._templates[source] = self._upload(f"{len(self._templates)}.yaml", template["TemplateBody"])
            return outputs
        return self._apply(stack_name, self._templates[source], stack.default_parameters(source) | parameters)

    def deploy_example(self, stack_name: str, name: str, parameters: dict[str, str]) -> dict[str, str]:
        """Create a stack of ``examples/<name>.yaml``; return its outputs by name."""
        template = self._upload(f"{name}.yaml", (ROOT / f"examples/{name}.yaml").read_text())
        return self._apply(stack_name, template, parameters)

    def _apply(self, stack_name: str, template_url: str, parameters: dict[str, str]) -> dict[str, str]:
        operation = "update" if self._exists(stack_name) else "create"
        getattr(self._cloudformation, f"{operation}_stack")(
            StackName=stack_name,
            TemplateURL=template_url,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        )
        waiter = self._cloudformation.get_waiter(f"stack_{operation}_complete")
        waiter.wait(StackName=stack_name, WaiterConfig={"Delay": 1, "MaxAttempts": 300})
        return self._outputs(stack_name)

    def _outputs(self, stack_name: str) -> dict[str, str]:
        return {each["OutputKey"]: each["OutputValue"] for each in self._describe(stack_name)["Outputs"]}

    def _upload(self, key: str, template: str) -> str:
        """Return the URL of a template, which may be longer than a request of CloudFormation."""
        self._s3.create_bucket(Bucket="templates")
        self._s3.put_object(Bucket="templates", Key=key, Body=template.encode())
        return f"{self._emulator.url}/templates/{key}"

    def _exists(self, stack_name: str) -> bool:
        try:
            self._describe(stack_name)
        except ClientError:
            return False
        return True

    def _describe(self, stack_name: str) -> dict[str, Any]:
        (found,) = self._cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
        return dict(found)
