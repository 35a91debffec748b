"""`make bench`: time, memory and cost of the service as it ships."""

from tools import ROOT

# The output of `sam build`.
BUILT = ROOT / ".aws-sam/build"
MB = 1024**2
