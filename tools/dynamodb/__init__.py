"""DynamoDB for tests and measurements: Amazon's local engine, a fast client, a meter of capacity."""
