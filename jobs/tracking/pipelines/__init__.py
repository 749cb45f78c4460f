"""Pipelines, which have no records: found, shown and stopped by the executions that SageMaker tells of."""
