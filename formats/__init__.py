"""What lies on disk between the rooms, and how every command works in parallel and speaks.

On disk: classes, crops, images, masks, manifest, dataset, predictions. Of every command: lines on stdout and stderr
(`console`), work on all cores (`parallel`), files and folders that appear whole (`disk`), where state is kept
(`state_home`), the version (`version`) and the errors that a user can mend (`errors`). How options are taken is in
`verbs`, how text is read and written in `texts`.
"""
