# The open implementation as a SageMaker container: the same image trains and serves.
#
#     docker build -t sageseg .                                       for a processor
#     docker build -t sageseg --build-arg TORCH=cu128 .               for NVIDIA GPUs
#
# SageMaker runs it as `docker run IMAGE train` and `docker run IMAGE serve`.
FROM python:3.11-slim

ARG TORCH=cpu
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1
RUN pip install torch --index-url https://download.pytorch.org/whl/${TORCH}

WORKDIR /opt/sageseg
COPY . .
# what is installed is what setup.cfg says; constraints.txt holds the versions that were tested, but
# torch's, whose build was chosen above
RUN grep -v "^torch==" constraints.txt > /tmp/constraints.txt && pip install -c /tmp/constraints.txt ".[local]"

WORKDIR /opt/ml
EXPOSE 8080
ENTRYPOINT ["python", "-m", "jobs.algorithm"]
