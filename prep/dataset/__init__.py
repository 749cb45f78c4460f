"""From a `Source` to the dataset on disk: split, crops, tables, certificate; resumable."""
