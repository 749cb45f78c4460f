"""Model packages of the emulator: groups, their versions, and what a model takes of one"""
