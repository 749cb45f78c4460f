"""SageMaker's API on this machine, doing the work.

    python -m jobs.emulator --port 8000

Clients speak to it as they speak to AWS. `app` takes the requests and `wire` reads them; `training`,
`tuning`, `models`, `endpoints`, `invocations`, `transform`, `tags` and `log_events` answer them,
over `collection`, which keeps one kind of resource in `state`. What takes time has a life in a
`…_run` module, a record in a `…_record` module, and rules in a `…_rules` module; `container` and
`serving` are the child processes, `rehearsal` is what the user asks to go wrong.
docs/emulator.md says what is emulated and what is not.
"""
