"""The order of the nine stages, and the only place that knows Prefect."""
