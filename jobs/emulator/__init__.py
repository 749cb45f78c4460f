"""SageMaker's API on this machine, doing the work.

    sageseg jobs emulator --port 8000

Clients speak to it as they speak to AWS. A request comes in by `api`, which reads and words it; `training`,
`tuning`, `endpoints` and `transform` answer. In each of these rooms `operations` takes the requests, `rules`
refuse what cannot be done (where there are few, `record` or `models` does), `record` is what a resource says
of itself, and `run` the life of what takes time. They stand on `host`, what a machine of AWS's gives to all
of them: containers, storage, images, what the user asks to go wrong, and what all jobs have in common; and on
`store`, which keeps resources, tags and logs. `services` puts all of it together, `server` is the process that
listens; by `presence` it is found, and by `launcher` started. docs/emulator.md says what is emulated and what
is not.
"""
