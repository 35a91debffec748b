"""The CloudWatch dashboard of the deployed stack, drawn from what the local emulator records."""
