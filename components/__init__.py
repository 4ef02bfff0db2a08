"""Plain Python that does the work; knows nothing of Prefect."""
