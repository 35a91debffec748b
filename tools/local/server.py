"""The web application that hypercorn serves: the emulator behind the guard."""

import os

from ministack.app import app as emulator

from tools.local.guard import Guard

app = Guard(
    emulator,
    hosts=os.environ["GUARD_HOSTS"].split(","),
    origins=os.environ["GUARD_ORIGINS"].split(","),
)
