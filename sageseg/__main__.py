"""`python -m sageseg demo`"""

from sageseg.cli import main

main()
