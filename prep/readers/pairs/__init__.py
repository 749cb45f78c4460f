"""Images and masks in folders, paired by name: `prep pairs`."""
