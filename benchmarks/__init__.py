"""`make bench`: time, memory and cost of the service as it ships."""

from typing import Any

from tools import ROOT

# Of a run, kept as JSON beside the documents that are generated from them.
type Results = dict[str, Any]

# The output of `sam build`.
BUILT = ROOT / ".aws-sam/build"
MB = 1024**2
