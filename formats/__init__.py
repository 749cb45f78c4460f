"""What lies on disk between the rooms: classes, crops, masks, manifest, dataset, predictions.

Also how every command speaks and works, wherever it stands: options of a dataclass (`command_options`), lines on stdout
and stderr (`console`), numbers in words (`wording`), work on all cores (`parallel`), folders that appear whole
(`staging`), where state is kept (`state_home`), and the one error that a user can mend (`errors`).
"""
