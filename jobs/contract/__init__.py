"""What Amazon fixed: names and values on the wire, hyperparameters, log lines, artefact and params.

The client, the emulator and the open implementation all stand on it.
"""
