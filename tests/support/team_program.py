"""A member of a team that takes two steps with a small network, the batch in so many parts: for test_team.

python -m tests.support.team_program FOLDER PARTS...
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import nn

from formats.classes import IGNORE
from jobs.algorithm.data.batches import Batch
from jobs.algorithm.machine.device import Device
from jobs.algorithm.training.evaluation import evaluate
from jobs.algorithm.training.members import end_member
from jobs.algorithm.training.optimizers import Sgd
from jobs.algorithm.training.steps import Step, take_step
from jobs.algorithm.training.team import ALONE, Team, membership

CPU = Device(torch.device("cpu"))


class Plain(nn.Module):
    """A network without batch statistics, but with a buffer of their kind."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1))
        self.register_buffer("statistic", torch.zeros(1))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, None]:
        return self.layers(images), None


def batch_of(team: Team) -> Batch:
    """A member's share of five images of which each has another number of ignored pixels."""
    generator = torch.Generator().manual_seed(3)
    masks = torch.randint(0, 2, (5, 16, 16), generator=generator, dtype=torch.uint8)
    for number, mask in enumerate(masks):
        mask[: 3 * number] = IGNORE
    images = torch.randint(0, 256, (5, 16, 16, 3), generator=generator, dtype=torch.uint8)
    own = list(team.share(range(5)))
    return Batch(images[own], masks[own])


def trained(team: Team = ALONE, parts: int = 1) -> dict[str, torch.Tensor]:
    torch.set_num_threads(1)
    torch.manual_seed(team.rank)  # members begin with the first one's weights
    network = Plain()
    joined = team.joined(network, CPU)
    optimizer = Sgd(network.parameters(), lr=0.5, momentum=0.9, weight_decay=1e-4)
    batch = batch_of(team)
    losses = [take_step(joined, optimizer, batch, Step(CPU, parts=parts), team) for _ in range(2)]
    network.get_buffer("statistic").fill_(team.rank)
    team.average_statistics(network)
    counts = torch.from_numpy(evaluate(network, [batch], 2, CPU, team))
    agreed = torch.tensor([team.any(said and team.rank == 1, CPU) for said in (False, True)])
    return {"losses": torch.stack(losses), "counts": counts, "agreed": agreed, **network.state_dict()}


if __name__ == "__main__":
    with membership() as joined_team:
        for number in map(int, sys.argv[2:]):
            torch.save(trained(joined_team, number), Path(sys.argv[1]) / f"{joined_team.rank}-{number}.pt")
    end_member(0)
