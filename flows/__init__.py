"""The order of the nine stages, and the only place that knows Prefect."""

import components  # noqa: F401  before anything loads torch
