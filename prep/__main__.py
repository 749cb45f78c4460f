"""`python -m prep carvana IMAGES MASKS --out DATASET`"""

from formats.console import run_app
from prep.cli import app

run_app(app)
