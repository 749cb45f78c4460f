"""The two images that train and serve: the built-in's, by region → registry account → URI, and our own.

The accounts are those of `sagemaker-core` 2.27 (`image_uri_config/semantic-segmentation.json`).
"""

from __future__ import annotations

import re

from formats.errors import SagesegError

ALGORITHM = "semantic-segmentation"
"""The built-in's name, and that of its repository in each registry."""
OPEN_IMAGE = "sageseg:local"
"""The open implementation's image under the emulator."""
_TAGS = ("1", "latest")
ACCOUNTS = {
    "af-south-1": "455444449433",
    "ap-east-1": "286214385809",
    "ap-northeast-1": "501404015308",
    "ap-northeast-2": "306986355934",
    "ap-northeast-3": "867004704886",
    "ap-south-1": "991648021394",
    "ap-south-2": "628508329040",
    "ap-southeast-1": "475088953585",
    "ap-southeast-2": "544295431143",
    "ap-southeast-3": "951798379941",
    "ap-southeast-4": "106583098589",
    "ca-central-1": "469771592824",
    "ca-west-1": "190319476487",
    "cn-north-1": "390948362332",
    "cn-northwest-1": "387376663083",
    "eu-central-1": "813361260812",
    "eu-central-2": "680994064768",
    "eu-north-1": "669576153137",
    "eu-south-1": "257386234256",
    "eu-south-2": "104374241257",
    "eu-west-1": "685385470294",
    "eu-west-2": "644912444149",
    "eu-west-3": "749696950732",
    "il-central-1": "898809789911",
    "me-central-1": "272398656194",
    "me-south-1": "249704162688",
    "sa-east-1": "855470959533",
    "us-east-1": "811284229777",
    "us-east-2": "825641698319",
    "us-gov-east-1": "237065988967",
    "us-gov-west-1": "226302683700",
    "us-iso-east-1": "490574956308",
    "us-isob-east-1": "765400339828",
    "us-isof-east-1": "108575199400",
    "us-isof-south-1": "124985052026",
    "us-west-1": "632365934929",
    "us-west-2": "433757028032",
}
_PARTITIONS = {
    "cn-": ("aws-cn", "amazonaws.com.cn"),
    "us-gov-": ("aws-us-gov", "amazonaws.com"),
    "us-iso-": ("aws-iso", "c2s.ic.gov"),
    "us-isob-": ("aws-iso-b", "sc2s.sgov.gov"),
    "us-isof-": ("aws-iso-f", "csp.hci.ic.gov"),
}
"""Name and domain of AWS's partitions beside the common one, by the beginnings of their regions."""


def partition(region: str) -> tuple[str, str]:
    """The name, as in ARNs, and the domain of the partition that a region belongs to."""
    found = (of for beginning, of in _PARTITIONS.items() if region.startswith(beginning))
    return next(found, ("aws", "amazonaws.com"))


def builtin_image(region: str) -> str:
    """The URI of the built-in algorithm's image in a region.

    Raises SagesegError naming the supported regions when the algorithm is not there.
    """
    account = ACCOUNTS.get(region)
    if account is None:
        raise SagesegError(
            f"region {region}: the built-in algorithm is not there; expected one of {', '.join(sorted(ACCOUNTS))}"
        )
    return f"{account}.dkr.ecr.{region}.{partition(region)[1]}/{ALGORITHM}:{_TAGS[0]}"


def is_builtin(image: str) -> bool:
    """Whether an image URI names the built-in algorithm, in any registry: AWS may have opened a region
    that ACCOUNTS does not hold yet."""
    return re.search(rf"/{ALGORITHM}:\S+$", image) is not None


def is_registered(image: str) -> bool:
    """Whether an image URI is the built-in algorithm's in a registry of ACCOUNTS."""
    repository, _, tag = image.rpartition(":")
    return tag in _TAGS and f"{repository}:{_TAGS[0]}" in map(builtin_image, ACCOUNTS)
