"""What an AWS account needs beside jobs: the IAM policy, and a Lambda in front of an endpoint."""
