"""A whole experiment as a SageMaker pipeline: its definition, and an execution started and followed"""
