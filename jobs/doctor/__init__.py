"""What this machine and the AWS account lack for work to begin: `sageseg doctor`."""
