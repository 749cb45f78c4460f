"""Versions of the model registry: a model registered with its report's scores, and found again to be deployed"""
