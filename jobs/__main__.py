"""`python -m jobs train DATASET --backend local --algorithm unet`"""

from formats.console import run_app
from jobs.cli import app

run_app(app)
