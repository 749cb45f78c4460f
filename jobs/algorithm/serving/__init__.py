"""Answering SageMaker's invocations; exports and features."""
