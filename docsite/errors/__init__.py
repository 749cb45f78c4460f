"""Every error line of the program, found in its code, with its cause, its cure and the verbs that may meet it."""
