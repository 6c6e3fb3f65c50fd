"""Telemetry: spans and metrics of what a memory does, by OpenTelemetry where that is installed."""
