"""The HTTP API: one route for each verb of the façade."""
