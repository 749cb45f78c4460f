"""Which labels lie in a folder or file, and the command that reads them."""
