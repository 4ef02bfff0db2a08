"""The series of a plot differ for readers who see colours otherwise, and from the paper."""

from itertools import combinations

import pytest

from components.cards.colours import DARK, LIGHT, SERIES, style

Colour = tuple[float, ...]
SIGHT = {
    "full": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
"""Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB."""


def linear(colour: str) -> Colour:
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return tuple(one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares)


def dot(one: Colour, other: Colour) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def luminance(colour: Colour) -> float:
    return dot((0.2126, 0.7152, 0.0722), colour)


def lab(colour: Colour) -> Colour:
    white = (0.95047, 1.0, 1.08883)
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    x, y, z = (dot(row, colour) / one for row, one in zip(rows, white, strict=True))
    x, y, z = (one ** (1 / 3) if one > 0.008856 else 7.787 * one + 16 / 116 for one in (x, y, z))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize(("scheme", "least"), [(LIGHT, 18), (DARK, 27)], ids=["light", "dark"])
def test_no_two_series_are_taken_for_each_other(scheme: dict[str, str], least: float) -> None:
    for sight, rows in SIGHT.items():
        seen = {name: [min(1.0, max(0.0, dot(row, linear(scheme[name])))) for row in rows] for name in SERIES}
        for one, other in combinations(SERIES, 2):
            apart = sum((a - b) ** 2 for a, b in zip(lab(tuple(seen[one])), lab(tuple(seen[other])), strict=True)) ** 0.5
            assert apart >= least, (sight, one, other)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_series_stands_out_from_its_paper(scheme: dict[str, str]) -> None:
    paper = luminance(linear(scheme["paper"]))
    for name in SERIES:
        low, high = sorted((luminance(linear(scheme[name])), paper))
        assert (high + 0.05) / (low + 0.05) >= 3, name


def test_the_page_defines_each_colour_for_both_screens_and_paper() -> None:
    assert all(style().count(f"--{name}:") == 3 for name in LIGHT)
