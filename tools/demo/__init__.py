"""The walkthrough of the local service, and the agents that it leaves signed in."""
