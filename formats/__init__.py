"""What lies on disk between the rooms, and how every command takes options, works in parallel and speaks.

On disk: classes, crops, images, masks, manifest, dataset, predictions. Of every command: options from a dataclass
(`command_options`), lines on stdout and stderr (`console`), numbers in words (`wording`), text that others saved
(`given_files`), work on all cores (`parallel`), folders that appear whole (`staging`), where state is kept
(`state_home`), the version (`version`) and the errors that a user can mend (`errors`).
"""
