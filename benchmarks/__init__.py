"""`make bench`: what the service takes in time, memory and money, measured as it ships."""

from tools import ROOT

# What `sam build` made.
BUILT = ROOT / ".aws-sam/build"
