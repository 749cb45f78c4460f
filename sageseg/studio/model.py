"""What a generated car is: its body's outline, its paint and its fittings, drawn from a seed.

Lengths are metres. `u` runs from the nose to the tail, `z` up from the floor, `y` to the car's left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

Colour = tuple[int, int, int]
"""Red, green, blue, each 0..255."""


@dataclass(frozen=True)
class BodyStyle:
    """A body as its side outline and what the cross-section needs.

    `outline` holds (u, z) from the front bumper's lower edge over the roof to the rear bumper's;
    `cowl`, `roof_front`, `roof_rear` and `deck` are indices into it: the lower and upper ends of
    windscreen and rear window.
    """

    name: str
    outline: tuple[tuple[float, float], ...]
    cowl: int
    roof_front: int
    roof_rear: int
    deck: int
    half_width: float
    clearance: float
    belt: tuple[float, float]
    """Height of the windows' lower edge at the nose and at the tail."""
    tumblehome: float
    """How far the side leans inward above the belt, metres per metre."""
    axles: tuple[float, float]
    wheel_radius: float
    glass_end: float
    pillars: tuple[float, ...]

    @property
    def length(self) -> float:
        return max(u for u, _ in self.outline)


@dataclass(frozen=True)
class Paint:
    """A body colour; `gloss` 0..1 weighs the studio's reflection in it."""

    colour: Colour
    gloss: float


@dataclass(frozen=True)
class Car:
    """One car: body, paint and fittings."""

    body: BodyStyle
    paint: Paint
    trim: Colour
    rim: Colour
    interior: Colour
    spokes: int
    antenna: float
    """Length of the rod antenna; 0: the car has a fin."""
    antenna_side: float
    roof_rails: bool
    spoiler: bool
    cladding: bool
    black_roof: bool
    black_pillars: bool
    tinted: bool


BODY_STYLES = (
    BodyStyle(
        "sedan",
        ((0.12, 0.24), (0.0, 0.48), (0.04, 0.66), (0.26, 0.78), (1.38, 0.97), (2.08, 1.38), (2.6, 1.45),
         (3.2, 1.41), (3.98, 1.09), (4.58, 1.05), (4.7, 0.86), (4.72, 0.55), (4.6, 0.28)),
        cowl=4, roof_front=5, roof_rear=7, deck=8, half_width=0.92, clearance=0.20, belt=(0.88, 1.0), tumblehome=0.36,
        axles=(0.92, 3.7), wheel_radius=0.33, glass_end=3.62, pillars=(2.55, 3.4),
    ),
    BodyStyle(
        "hatchback",
        ((0.12, 0.24), (0.0, 0.48), (0.04, 0.68), (0.24, 0.80), (1.14, 1.0), (1.9, 1.42), (2.4, 1.5),
         (3.55, 1.44), (4.02, 1.02), (4.16, 0.88), (4.2, 0.55), (4.1, 0.28)),
        cowl=4, roof_front=5, roof_rear=7, deck=8, half_width=0.89, clearance=0.20, belt=(0.90, 1.03), tumblehome=0.34,
        axles=(0.82, 3.42), wheel_radius=0.32, glass_end=3.5, pillars=(2.3, 3.15),
    ),
    BodyStyle(
        "suv",
        ((0.14, 0.32), (0.0, 0.58), (0.03, 0.86), (0.22, 0.98), (1.28, 1.12), (1.98, 1.62), (2.5, 1.72),
         (4.2, 1.68), (4.62, 1.14), (4.74, 0.98), (4.76, 0.62), (4.64, 0.36)),
        cowl=4, roof_front=5, roof_rear=7, deck=8, half_width=0.95, clearance=0.29, belt=(1.02, 1.12), tumblehome=0.28,
        axles=(0.92, 3.74), wheel_radius=0.375, glass_end=4.2, pillars=(2.5, 3.42),
    ),
    BodyStyle(
        "pickup",
        ((0.12, 0.38), (0.0, 0.62), (0.02, 0.98), (0.2, 1.08), (1.48, 1.2), (2.08, 1.72), (2.5, 1.8),
         (3.42, 1.76), (3.58, 1.2), (3.8, 1.18), (5.24, 1.18), (5.3, 1.1), (5.32, 0.7), (5.24, 0.42)),
        cowl=4, roof_front=5, roof_rear=7, deck=8, half_width=0.98, clearance=0.36, belt=(1.12, 1.14), tumblehome=0.22,
        axles=(0.98, 4.3), wheel_radius=0.40, glass_end=3.3, pillars=(2.48,),
    ),
    BodyStyle(
        "van",
        ((0.12, 0.28), (0.0, 0.54), (0.02, 0.82), (0.2, 0.96), (0.98, 1.16), (1.78, 1.76), (2.4, 1.88),
         (4.6, 1.84), (4.86, 1.16), (4.94, 0.98), (4.96, 0.58), (4.86, 0.32)),
        cowl=4, roof_front=5, roof_rear=7, deck=8, half_width=0.97, clearance=0.24, belt=(1.0, 1.1), tumblehome=0.17,
        axles=(0.92, 3.98), wheel_radius=0.345, glass_end=4.55, pillars=(2.2, 3.3),
    ),
)  # fmt: skip

NEAR_BACKGROUND = (
    Paint((236, 237, 239), 0.7),
    Paint((202, 204, 207), 0.9),
    Paint((226, 223, 216), 0.8),
    Paint((176, 180, 184), 0.9),
)
"""Paints about as bright as the studio: white, silver, pearl, light grey."""
OTHER_PAINTS = (
    Paint((28, 44, 112), 1.0),
    Paint((18, 19, 22), 1.0),
    Paint((150, 18, 26), 0.9),
    Paint((82, 87, 94), 1.0),
    Paint((34, 66, 54), 0.9),
    Paint((178, 164, 138), 0.9),
    Paint((204, 96, 26), 0.8),
    Paint((108, 142, 172), 0.9),
)


def draw_car(seed: int, index: int) -> Car:
    """Car number `index` of a shoot. Bodies and paints are dealt in turn, so that a small shoot
    holds every body, and a third of its cars are near the background's colour."""
    shoot = np.random.default_rng([seed, 0, 0, 2])
    body = BODY_STYLES[shoot.permutation(len(BODY_STYLES))[index % len(BODY_STYLES)]]
    near = shoot.permutation(len(NEAR_BACKGROUND))
    others = shoot.permutation(len(OTHER_PAINTS))
    if index % 3 == 0:
        paint = NEAR_BACKGROUND[near[index // 3 % len(near)]]
    else:
        paint = OTHER_PAINTS[others[(index - index // 3 - 1) % len(others)]]
    return _fit_out(body, paint, np.random.default_rng([seed, index, 0, 3]))


def _fit_out(body: BodyStyle, paint: Paint, rng: np.random.Generator) -> Car:
    tall = body.name in ("suv", "van")
    grey = int(rng.integers(30, 90))
    rim = int(rng.choice([70, 150, 190, 205]))
    return Car(
        body=_stretched(body, rng),
        paint=_tinged(paint, rng),
        trim=(26, 27, 29) if rng.random() < 0.6 else (150, 152, 155),
        rim=(rim, rim, min(rim + 4, 255)),
        interior=(grey + 6, grey + 2, grey - 4),
        spokes=int(rng.integers(5, 11)),
        antenna=float(rng.uniform(0.35, 0.75)) if rng.random() < 0.6 else 0.0,
        antenna_side=float(rng.choice([-0.4, 0.0, 0.4])),
        roof_rails=tall and rng.random() < 0.7,
        spoiler=body.name in ("sedan", "hatchback", "suv") and rng.random() < 0.5,
        cladding=body.name in ("suv", "pickup") and rng.random() < 0.7,
        black_roof=rng.random() < 0.15,
        black_pillars=rng.random() < 0.7,
        tinted=tall or rng.random() < 0.3,
    )


def _stretched(body: BodyStyle, rng: np.random.Generator) -> BodyStyle:
    along, up, wide = rng.uniform((0.97, 0.97, 0.975), (1.03, 1.03, 1.025)).tolist()
    return replace(
        body,
        outline=tuple((u * along, z * up) for u, z in body.outline),
        half_width=body.half_width * wide,
        clearance=body.clearance * up,
        belt=(body.belt[0] * up, body.belt[1] * up),
        axles=(body.axles[0] * along, body.axles[1] * along),
        wheel_radius=body.wheel_radius * float(rng.uniform(0.97, 1.05)),
        glass_end=body.glass_end * along,
        pillars=tuple(u * along for u in body.pillars),
    )


def _tinged(paint: Paint, rng: np.random.Generator) -> Paint:
    red, green, blue = np.clip(np.array(paint.colour) + rng.integers(-7, 8, 3), 8, 242).tolist()
    return replace(paint, colour=(red, green, blue))
