"""The shape of the project: who may import whom, how large a room may grow, and what the command costs to start."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ANY = "*"
_HANDS = "contract onnx_models cost backends creating"
"""What a room of jobs that talks to SageMaker needs in hand."""
_OF_READERS = "labelled_image source_files splits colour_masks two_colour orientation regions mask_pairs"
"""What readers share beside the rooms `classes` and `annotations`; none knows another reader."""
_READERS = "carvana kitti sagemaker_channels supervisely coco cvat geo labelme labelstudio manifest pairs via voc yolo"
MAY_IMPORT = {
    "": {
        "formats": "",
        "aws": "formats",
        "prep": "formats aws",
        "jobs": "formats aws",
        "analysis": "formats",
        "sageseg": "formats aws prep jobs analysis",
    },
    "prep": {
        "options": "",
        "remote": "",
        "readers": "options remote",
        "dataset": "options remote readers",
        "frames": "options readers",
        "preview": "options readers dataset",
        "recognise": "readers",
        "commands": "options remote readers dataset recognise",
        "cli": ANY,
        "__main__": "cli",
    },
    "prep.readers": {
        **dict.fromkeys(("labelled_image", "source_files", "splits", "colour_masks", "two_colour"), ""),
        **dict.fromkeys(("orientation", "regions"), "labelled_image"),
        "mask_pairs": "labelled_image source_files",
        "classes": "labelled_image source_files colour_masks two_colour",
        "annotations": "labelled_image source_files classes",
        **dict.fromkeys(_READERS.split(), f"{_OF_READERS} classes annotations"),
    },
    "jobs": {
        "contract": "",
        "cost": "",
        "check": "contract",
        "account": "contract",
        "onnx_models": "contract",
        "algorithm": "contract onnx_models",
        "emulator": "contract",
        "creating": "",
        "quotas": "",
        "backends": "emulator",
        "tracking": _HANDS,
        "recording": f"{_HANDS} tracking",
        "packages": f"{_HANDS} tracking",
        "training": f"{_HANDS} tracking recording check quotas",
        "endpoints": f"{_HANDS} tracking packages",
        "tuning": "contract tracking training",
        "prediction": f"{_HANDS} tracking endpoints algorithm quotas",
        "processing": f"{_HANDS} tracking training quotas",
        "pipelines": f"{_HANDS} tracking training tuning processing",
        "doctor": "contract cost backends quotas training endpoints processing",
        "cli": ANY,
        "__main__": "cli",
    },
    "jobs.emulator": {
        "keys": "",
        "presence": "keys",
        "shell": "keys",
        "api": "keys presence",
        "store": "api",
        "host": "api store",
        "launcher": "presence host",
        "packages": "api store",
        "training": "api store host",
        "endpoints": "api store host packages",
        "transform": "api store host",
        "processing": "api store host",
        "tuning": "api store host training",
        "pipelines": "api store host packages training endpoints transform processing tuning",
        "services": "api store host packages training endpoints transform processing tuning pipelines",
        "server": "keys presence api store host endpoints services",
        "rest_of_aws": "keys shell server",
        "__main__": "server",
    },
    "jobs.algorithm": {
        "machine": "",
        "network": "",
        "weights": "",
        "data": "",
        "training": "machine network weights data",
        "inference": "machine network weights",
        "serving": "machine network weights inference",
        "__main__": ANY,
    },
    "analysis": {
        "options": "",
        "report_files": "",
        "plain": "options report_files",
        "masks": "options report_files plain",
        "drawing": "options report_files masks",
        "scoring": "options report_files plain masks",
        "report": "options report_files plain masks drawing scoring",
        "exports": "options report_files plain masks drawing scoring",
        "comparison": "options report_files masks drawing scoring report",
        "areas": "options report_files plain masks drawing scoring report exports",
        "selection": "options report_files plain masks drawing exports",
        "cli": ANY,
        "__main__": "cli",
    },
    "sageseg": {
        "studio": "",
        "notebook": "",
        "preview": "",
        "predict": "",
        "told_report": "",
        "record": "told_report",
        "register": "told_report",
        "int8_gate": "",
        "export": "int8_gate",
        "process": "process_host process_predict",
        "process_host": "",
        "process_predict": "",
        "experiment": "told_report",
        "pipeline": "experiment process process_host",
        "examples": "",
        "first_experiment": "experiment",
        "init": "experiment first_experiment",
        "demo": "studio",
        "cli": ANY,
        "__main__": "cli",
    },
}
"""By house, the rooms that a room may import beside itself. prep, jobs and analysis meet on disk only; in jobs
the emulator and the algorithm know neither each other nor the client, and all three stand on the contract."""
ONLY_IN = {
    "boto3": {
        "aws/clients.py",
        "jobs/backends.py",
        "jobs/emulator/host/storage.py",
        "jobs/account/lambda_handler.py",
    },
    "botocore": {
        "aws/answers.py",
        "aws/clients.py",
        "jobs/backends.py",
        "jobs/contract/service_model.py",
        "jobs/emulator/host/storage.py",
        "jobs/account/lambda_handler.py",
    },
    "matplotlib": {"jobs/tracking/curves.py", "jobs/algorithm/serving/features.py", "sageseg/notebook.py"},
    "mlflow": {"jobs/recording/mlflow_server.py"},
    "rasterio": {"formats/prepared/rasters.py"},
    "torch": {"jobs/algorithm/"},
    "aws": {
        "aws/",
        "prep/remote/",
        *(f"jobs/{room}/" for room in ("account", "cost", "emulator", "tracking", "recording", "training", "doctor")),
        *(f"jobs/{room}/" for room in ("packages", "endpoints", "tuning", "prediction", "processing", "pipelines")),
        "jobs/backends.py",
        "jobs/creating.py",
        "jobs/quotas.py",
        "sageseg/experiment/begun_jobs.py",
        "sageseg/experiment/running.py",
        "sageseg/init.py",
        "sageseg/pipeline/command.py",
        "sageseg/experiment/runs.py",
    },
    "waitress": {"formats/web/connections.py", "jobs/emulator/server.py"},
}
MOST_MODULES, MOST_LINES = 20, 300
MOST_LINES_BESIDE = {"trust": 300, "docsite": 300, "tests": 400}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for room in MAY_IMPORT[""] for path in (ROOT / room).rglob("*.py")}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> set[str]:
    """The full names of all modules that a file imports, inside functions too."""
    names = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            within = {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys()
            names |= within or {node.module}
    return names


@cache
def imports() -> dict[str, set[str]]:
    """What each module imports: read by the tests that ask, not by every worker that collects them."""
    return {module: imported(path) for module, path in MODULES.items()}


def allowed(module: str, other: str) -> bool:
    """Whether the table lets one of our modules import another: by the rooms in which they part."""
    parts, others = module.split("."), other.split(".")
    shared = next((n for n, (a, b) in enumerate(zip(parts, others, strict=False)) if a != b), None)
    if shared is None:  # a package and what is in it
        return True
    house = ".".join(parts[:shared])
    if house not in MAY_IMPORT:
        return True
    allowed_rooms = MAY_IMPORT[house][parts[shared]]
    return allowed_rooms == ANY or others[shared] in allowed_rooms.split()


def test_every_room_has_its_line_in_the_table() -> None:
    found = {house: set[str]() for house in MAY_IMPORT}
    for module in MODULES:
        for house in MAY_IMPORT:
            inner = f"{house}." if house else ""
            if module.startswith(inner) and module != house:
                found[house].add(module.removeprefix(inner).split(".")[0])
    assert found == {house: set(rooms) for house, rooms in MAY_IMPORT.items()}


def test_imports_point_one_way() -> None:
    ours = {(module, other) for module, names in imports().items() for other in names & MODULES.keys()}
    assert sorted(f"{module} imports {other}" for module, other in ours if not allowed(module, other)) == []


def test_what_talks_to_the_world_stays_in_its_place() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, names in imports().items()
        for name in names
        for places in [ONLY_IN.get(name.split(".")[0])]
        if places and not any(MODULES[module].relative_to(ROOT).as_posix().startswith(place) for place in places)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("module", "other"),
    [
        ("prep.cli", "jobs.check.dataset_check"),
        ("jobs.training.plan", "analysis.scoring.scores"),
        ("jobs.emulator.server", "jobs.backends"),
        ("jobs.emulator.training.run", "jobs.algorithm.training.loop"),
        ("jobs.algorithm.training.loop", "jobs.emulator.store.state"),
        ("aws.clients", "jobs.contract.registry"),
        ("analysis.masks.stitch", "aws.s3"),
        ("jobs.tracking.find_jobs", "jobs.training.plan"),
        ("jobs.emulator.store.state", "jobs.emulator.training.run"),
        ("jobs.algorithm.network.resnet", "jobs.algorithm.training.loop"),
        ("analysis.scoring.counts", "analysis.report.page.layout"),
        ("analysis.scoring.counts", "analysis.drawing.tints"),
        ("prep.readers.voc.reader", "prep.dataset.writer"),
        ("prep.readers.coco.images", "prep.readers.voc.reader"),
        ("formats.masks", "prep.options"),
    ],
)
def test_a_wrong_arrow_is_seen(module: str, other: str) -> None:
    assert not allowed(module, other)


def test_no_module_imports_itself_by_a_detour() -> None:
    try:
        TopologicalSorter({module: names & MODULES.keys() - {module} for module, names in imports().items()}).prepare()
    except CycleError as e:
        pytest.fail(" → ".join(e.args[1]))


def test_private_names_stay_in_their_module() -> None:
    found = [
        f"{module}: from {node.module} import {alias.name}"
        for module, path in MODULES.items()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
        if alias.name.startswith("_") and node.module != "__future__"
    ]
    assert found == []


def test_rooms_and_modules_stay_small() -> None:
    folders: dict[Path, int] = {}
    for path in MODULES.values():
        folders[path.parent] = folders.get(path.parent, 0) + (path.name != "__init__.py")
    full = [f"{folder.relative_to(ROOT)}: {count} modules" for folder, count in folders.items() if count > MOST_MODULES]
    lengths = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in MODULES.items()}
    long = [f"{module}: {length} lines" for module, length in lengths.items() if length > MOST_LINES]
    assert full + long == []


@pytest.mark.parametrize(("folder", "most"), MOST_LINES_BESIDE.items())
def test_modules_beside_the_house_stay_small_too(folder: str, most: int) -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / folder).rglob("*.py")}
    long = [f"{path.relative_to(ROOT)}: {length} lines" for path, length in lengths.items() if length > most]
    assert (bool(lengths), long) == (True, [])


def test_every_room_says_what_lives_there() -> None:
    silent = [m for m, path in MODULES.items() if not ast.get_docstring(parsed(path))]
    assert silent == []


PICKLES = {"pickle", "_pickle", "cPickle", "pickletools", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
UNSAFE_YAML = {"load", "load_all", "full_load", "full_load_all", "unsafe_load", "unsafe_load_all"}
UNSAFE_CALLS = {
    "torch.load",
    "torch.save",
    "torch.export.load",
    "torch.jit.load",
    "torch.hub.load",
    *(f"yaml.{name}" for name in UNSAFE_YAML),
}


def executing_reads(program: ast.Module) -> Iterator[str]:
    """What in a program can run code that a file holds."""
    for node in ast.walk(program):
        if isinstance(node, ast.Import):
            yield from (f"imports {alias.name}" for alias in node.names if alias.name.split(".")[0] in PICKLES)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from (f"imports {name}" for name in names if name.split(".")[0] in PICKLES or name in UNSAFE_CALLS)
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in UNSAFE_CALLS:
            yield f"uses {ast.unparse(node)}"
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            yield f"passes allow_pickle={ast.unparse(node.value)}"


def test_nothing_that_is_read_is_executed() -> None:
    found = {module: list(executing_reads(parsed(path))) for module, path in MODULES.items()}
    # torch.export.load may unpickle: it is for the archive that was written a moment ago, to prove it
    assert {module: reads for module, reads in found.items() if reads} == {
        "jobs.algorithm.serving.export": ["uses torch.export.load"],
    }


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "import os, joblib.memory",
        "def f():\n    from dill import loads",
        "torch.load(path)",
        "torch.load(path, weights_only=True)",
        "torch.export.load(path)",
        "torch.save(network, path)",
        "read = torch.load",
        "from torch import load",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=believed)",
        "yaml.load(text, Loader=yaml.Loader)",
        "yaml.unsafe_load(text)",
        "from yaml import full_load as read",
    ],
)
def test_each_way_to_execute_what_is_read_is_found(line: str) -> None:
    assert len(list(executing_reads(ast.parse(line)))) == 1


@pytest.mark.parametrize(
    "line", ["np.load(path)", "np.load(path, allow_pickle=False)", "yaml.safe_load(text)", "torch.export.save(a, b)"]
)
def test_reading_that_executes_nothing_is_not_refused(line: str) -> None:
    assert list(executing_reads(ast.parse(line))) == []


def test_no_module_is_called_like_the_standard_library_or_says_nothing() -> None:
    taken = sys.stdlib_module_names | {"utils", "util", "helpers", "misc", "common"}
    assert [path for path in MODULES.values() if path.stem in taken and not path.stem.startswith("__")] == []
