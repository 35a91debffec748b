"""The service on this machine: an AWS emulator, and template.yaml deployed to it by SAM."""
