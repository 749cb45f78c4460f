"""Requests and answers of the emulator, as SageMaker words them."""
