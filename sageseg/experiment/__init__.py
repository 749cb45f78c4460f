"""`sageseg run`: an experiment's file, its steps as command lines, and the runs that they leave"""
