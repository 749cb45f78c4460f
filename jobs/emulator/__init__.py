"""SageMaker's API on this machine, doing the work.

    python -m jobs.emulator --port 8000

Clients speak to it as they speak to AWS: `app` takes the requests, `training` answers them,
`training_run` takes each job through its life with `container` as the child process, and `state`
and `log_events` keep what happened.
"""
