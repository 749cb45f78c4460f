#!/usr/bin/env bash
# All that needs a card, in parts of at most four minutes; it installs nothing and needs no network.
#
#   benchmarks/gpu.sh prepare FOLDER [PACKAGE …]   on any machine: draw the data, take packages along
#   benchmarks/gpu.sh needs FOLDER                 on the card's: which packages are missing there
#   benchmarks/gpu.sh PART FOLDER                  one part
#   benchmarks/gpu.sh all FOLDER                   every part, then the table
#   benchmarks/gpu.sh table FOLDER                 what the parts have found so far
#
# Parts: train240, train512[:fcn|:psp|:deeplab], quality[:fcn|:psp|:deeplab], predict[:fcn|:unet], memory, tests.
# predict takes the model that quality has trained in FOLDER, where there is one, else random weights.
# PYTHON is the interpreter (python3), LIMIT a part's seconds (240), SMALL=1 a trial of the script, with unet on a processor.
# PACKAGEs are wheels for Python TARGET_PYTHON (3.12) on Linux, x86-64; parts unpack them into FOLDER/site.
set -uo pipefail
PYTHON=${PYTHON:-python3} LIMIT=${LIMIT:-240} SMALL=${SMALL:-}
PARTS="train240 train512:fcn train512:psp train512:deeplab quality:fcn predict:fcn predict:unet memory quality:psp quality:deeplab tests"
# quickest first, by the seconds that each file takes on one core of a processor
FILES="losses artefact optimizers parameter_names data params networks machine features strong segmentation channels fast_network"
FILES="$FILES captured_step batch_memory fused_norm shared_batches training serving checkpoints both_devices team pretrained gluoncv export"

SELF=$(cd "$(dirname "$0")" && pwd)/gpu.sh

usage() {
  sed -n '2,15s/^# \?//p' "$SELF" >&2
  exit 1
}

[ $# -ge 2 ] || usage
PART=$1
mkdir -p "$2" || exit 1
FOLDER=$(cd "$2" && pwd)
KEEP=$FOLDER/results
cd "$(dirname "$SELF")/.." || exit 1
if [ -n "$SMALL" ]; then
  PAIRS_240=8 PAIRS_512=8 EPOCHS=2 STEPS=(--seconds 1 --crop 32 --batch 2) STEPS_512=("${STEPS[@]}")
  QUALITY=(--seconds 60 epochs=1 crop_size=64) PREDICT=(--images 1) MANY=40 ONLY_FILES="losses both_devices"
else
  PAIRS_240=1464 PAIRS_512=676 EPOCHS=5 STEPS=(--seconds 20 --crop 240 --batch 16)
  STEPS_512=(--seconds 30 --crop 512 --batch 16)
  QUALITY=(--seconds 150) PREDICT=(--images 24 --more 16) MANY=10000 ONLY_FILES=$FILES
fi
export PYTHONPATH="$PWD:$PWD/benchmarks" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
if [ "$PART" != prepare ] && [ -d "$FOLDER/wheels" ]; then # they are for the card's Python
  PYTHONPATH="$PYTHONPATH:$FOLDER/site"
  if [ ! -d "$FOLDER/site" ]; then
    for wheel in "$FOLDER"/wheels/*.whl; do "$PYTHON" -m zipfile -e "$wheel" "$FOLDER/site" || exit 1; done
  fi
fi
export SAGESEG_HOME="$FOLDER/home" HYPOTHESIS_STORAGE_DIRECTORY="$FOLDER/hypothesis"
export TRITON_CACHE_DIR="$FOLDER/triton" MPLCONFIGDIR="$FOLDER/matplotlib"

prepare() {
  if [ $# -gt 0 ]; then
    mkdir -p "$FOLDER/wheels"
    "$PYTHON" -m pip download --quiet --no-deps --only-binary=:all: --python-version "${TARGET_PYTHON:-3.12}" \
      --implementation cp --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 \
      --platform manylinux2014_x86_64 --constraint constraints.txt --dest "$FOLDER/wheels" "$@" || return 1
  fi
  "$PYTHON" benchmarks/gpu_data.py "$FOLDER" ${SMALL:+--small} || return 1
  du -sh "$FOLDER"
}

needs() {
  "$PYTHON" - <<'END'
import importlib, sys

needed = "numpy cv2 PIL torch simplejpeg regex typer rich yaml jinja2 zlib_ng".split()
tests = "pytest xdist hypothesis botocore waitress safetensors huggingface_hub google.protobuf onnx onnxruntime onnxscript matplotlib".split()
beside = "torchvision triton".split()
ill = []
for kind, names in (("needed", needed), ("by the tests", tests), ("beside", beside)):
    for name in names:
        try:
            module = importlib.import_module(name)
            print(f"{name:18} {getattr(module, '__version__', 'there')}")
        except ImportError as e:
            print(f"{name:18} MISSING ({kind}): {e}")
            ill += [name] * (kind == "needed")
import torch

print("GPU:", torch.cuda.get_device_name() if torch.cuda.is_available() else "none can be seen")
sys.exit(bool(ill))
END
}

train() { # crop, algorithm, images
  local steps=("${STEPS[@]}")
  [ "$1" = 512 ] && steps=("${STEPS_512[@]}")
  "$PYTHON" benchmarks/algorithm_training.py --algorithm "$2" "${steps[@]}" --log "$3" --epochs "$EPOCHS" \
    --baseline "$FOLDER/baseline" --pairs "$FOLDER/pairs-$1" --keep "$KEEP/$PART.jsonl"
}

quality() { # algorithm
  rm -rf "$FOLDER/quality-$1"
  "$PYTHON" benchmarks/algorithm_quality.py "$1" --folder "$FOLDER/quality-$1" --dataset "$FOLDER/cars" \
    use_pretrained_model=False --keep "$KEEP/$PART.jsonl" "${QUALITY[@]}"
}

predict() { # algorithm, further words
  local model=() trained="$FOLDER/quality-$1/opt_ml/model"
  if [ -f "$trained/model_best.params" ]; then
    "$PYTHON" -c "import sys; from pathlib import Path; from jobs.contract.model_archive import pack_artefact
pack_artefact(Path(sys.argv[1]), Path(sys.argv[2]))" "$trained" "$FOLDER/$1.tar.gz" || return 1
    model=(--artefact "$FOLDER/$1.tar.gz")
  fi
  "$PYTHON" benchmarks/algorithm_prediction.py --algorithm "$1" "${model[@]}" --shots "$FOLDER/shots" \
    --baseline "$FOLDER/baseline" --keep "$KEEP/$PART.jsonl" "${@:2}"
}

tests() { # those that need a GPU first; then each file by itself, as many beside each other as there are WORKERS
  local pytest=("$PYTHON" -m pytest -n 0 -p instant_failures -p no:cacheprovider --tb=short)
  SAGESEG_TEST_GPU=1 "${pytest[@]}" -m skipif tests/algorithm >/dev/null
  local on_gpu=$?
  [ -n "$SMALL" ] && [ $on_gpu = 0 ] && echo "without a GPU all of these are skipped"
  local files path
  files=$(printf 'tests/algorithm/test_%s.py\n' $ONLY_FILES)
  [ -n "$SMALL" ] || for path in tests/algorithm/test_*.py; do # those that are named nowhere here
    case "$files" in *"$path"*) ;; *) files="$path $files" ;; esac
  done
  echo $files | xargs -P "${WORKERS:-8}" -n 1 "${pytest[@]}" >/dev/null && [ $on_gpu = 0 ]
}

run_part() {
  case $PART in
    train240) train 240 "$(algorithm)" "$PAIRS_240" ;;
    train512 | train512:*) train 512 "$(algorithm)" "$PAIRS_512" ;;
    quality | quality:*) quality "$(algorithm)" ;;
    predict | predict:*) predict "$(algorithm)" "${PREDICT[@]}" ;;
    memory) predict unet --many "$MANY" ;;
    tests) tests ;;
    *) usage ;;
  esac
}

algorithm() {
  case $SMALL$PART in 1*) echo unet ;; *:*) echo "${PART#*:}" ;; *) echo fcn ;; esac
}

case $PART in
  prepare) prepare "${@:3}" ;;
  needs) needs ;;
  table) "$PYTHON" benchmarks/goals.py "$KEEP" ;;
  all)
    for part in $PARTS; do
      bash "$SELF" "$part" "$FOLDER" || echo "$part did not end well" >&2
    done
    "$PYTHON" benchmarks/goals.py "$KEEP"
    ;;
  *)
    if [ -z "${SAGESEG_WITHIN_LIMIT:-}" ]; then
      started=$SECONDS
      SAGESEG_WITHIN_LIMIT=1 timeout --kill-after=5 "$LIMIT" bash "$SELF" "$PART" "$FOLDER"
      code=$?
      [ $code = 124 ] && echo "$PART: cut off after $LIMIT s; LIMIT=… gives it more" >&2
      echo "$PART: $((SECONDS - started)) s, exit code $code"
      exit $code
    fi
    run_part
    ;;
esac
