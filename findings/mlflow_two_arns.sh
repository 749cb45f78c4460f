#!/bin/sh
# sagemaker-mlflow 0.5.0 sends what a client made with an ARN of its own asks to the server that is set for all.
#
# Guessed before: MlflowClient(tracking_uri=ARN) speaks to the tracking server of that ARN, whatever set_tracking_uri
# names beside it. Seen: the client's calls carry the ARN that is set for all, in the header that tells SageMaker which
# server is meant. Only the host is the client's own, and servers of one region share it: there a run is recorded, or
# read, at the wrong server, and nothing is said.
# So call set_tracking_uri before each use of a client, where trials and trainings are kept on two servers.
#
# Needs Python 3.11 to 3.13, as $PYTHON or python3, and the network for the packages below; nothing stays behind.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet sagemaker-mlflow==0.5.0 mlflow-skinny==3.17.2 boto3==1.44.5
cd "$folder"
AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none venv/bin/python - <<'PY'
import importlib.metadata
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import mlflow
from sagemaker_mlflow.host_creds import get_host_creds

TRIALS, TRAININGS = (
    f"arn:aws:sagemaker:us-west-2:123456789012:mlflow-tracking-server/{name}" for name in ("trials", "trainings")
)
ANSWER = b'{"run": {"info": {"run_id": "1", "experiment_id": "0", "status": "RUNNING"}, "data": {}}}'
meant = []


class Server(BaseHTTPRequestHandler):
    """Stands for SageMaker: keeps which tracking server a call is meant for."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        meant.append(self.headers["x-mlflow-sm-tracking-server-arn"])
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_):
        pass


print("sagemaker-mlflow", importlib.metadata.version("sagemaker-mlflow"))
hosts = {get_host_creds(arn).host for arn in (TRIALS, TRAININGS)}
print("hosts of both servers:", hosts)
assert len(hosts) == 1, f"changed: {hosts}"
server = HTTPServer(("127.0.0.1", 0), Server)
Thread(target=server.serve_forever, daemon=True).start()
os.environ["SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
client = mlflow.MlflowClient(tracking_uri=TRIALS)
for arn in (TRIALS, TRAININGS):
    mlflow.set_tracking_uri(arn)
    client.create_run("0")
    print(f"client of {TRIALS}, for all {arn}: a run for {meant[-1]}")
    assert meant[-1] == arn, f"changed: {meant[-1]}"
PY
