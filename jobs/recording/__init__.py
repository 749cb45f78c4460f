"""A team's record: what jobs were asked for and what came of them, as runs of an MLflow server"""
