# The open implementation as a SageMaker container: the same image trains and serves.
#
#     docker build -t sageseg .                                       for a processor
#     docker build -t sageseg --build-arg TORCH=cu126 .               for NVIDIA GPUs: V100, T4, A10G, H200
#
# SageMaker runs it as `docker run IMAGE train` and `docker run IMAGE serve`. Elsewhere, with several GPUs:
#
#     docker run --gpus all --shm-size=1g -v "$PWD/ml:/opt/ml" sageseg train
#
# What may enter the image stands in .dockerignore. docs/algorithm.md: building, ECR, which TORCH and why.
# BASE may be any image with `python` 3.11 or newer and pip: a registry's of your own, or oracles/image_base.sh's.
ARG BASE=python:3.11-slim
FROM ${BASE}

# a port other than 8080 is taken from SAGEMAKER_BIND_TO_PORT (developer guide, Inference Pipeline)
LABEL com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true
# without these NVIDIA's container runtime shows no GPU to an image that is not built on NVIDIA's own
# (NVIDIA Container Toolkit, Specialized Configurations with Docker); that SageMaker uses it is inferred
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1

WORKDIR /opt/sageseg
# Triton, which comes with torch for GPUs, starts the kernels of a fused normalisation by programs that it has a C
# compiler make; a processor's image does without
ARG TORCH=cpu
RUN if [ "${TORCH}" != cpu ]; then apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*; fi

COPY constraints.txt ./
# torch==2.13.0 takes 2.13.0+cu126 too: a version without a local part matches any (PEP 440)
ARG TORCH_INDEX=https://download.pytorch.org/whl/${TORCH}
RUN pip install "$(grep '^torch==' constraints.txt)" --index-url ${TORCH_INDEX}

# what setup.cfg requires, in the versions that were tested, and of its extra onnx what serving needs; an edit of the
# source does not repeat it
COPY setup.cfg pyproject.toml LICENSE ./
RUN pip install -c constraints.txt ".[local]" onnxruntime

COPY . .
RUN pip install --no-deps --force-reinstall . && pip check

WORKDIR /opt/ml
EXPOSE 8080
ENTRYPOINT ["python", "-m", "jobs.algorithm"]
