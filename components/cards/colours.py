"""Colours of cards and of their index. Plots name them by CSS variables, so that they follow light, dark and paper.

`s0` is the candidate and `s1` … its references. No two of a scheme come nearer than 18 (light) or 27 (dark) in CIELAB, with
full sight and as the three kinds of dichromacy see them (Machado, Oliveira and Fernandes 2009), and each has a contrast of
at least 3 to its paper: found by search from the palette of Okabe and Ito (2008), held by tests/cards/test_colours.py.
"""

_BOTH = ("ink", "paper", "quiet", "accent", "soft", "faint", "band", "good", "bad", "s0", "s1", "s2", "s3", "s4", "s5", "s6")
_LIGHT = "1d2026 fdfdfb 626874 1f5fa8 b4552d dcdcd6 f4f4f0 1d7044 b3261e 0072b2 e95519 1da057 957283 8f4209 0097ff 1d2026"
_DARK = "e4e5e8 16181c 9aa0ab 7fb2ee e39a6f 383c44 1e2126 6cc493 ef8a80 6db6ff cb8133 00ff85 998595 f1d136 416aa6 e4e5e8"
LIGHT = dict(zip(_BOTH, (f"#{one}" for one in _LIGHT.split()), strict=True))
DARK = dict(zip(_BOTH, (f"#{one}" for one in _DARK.split()), strict=True))
PAPER = {**LIGHT, "ink": "#000000", "paper": "#ffffff", "quiet": "#444444", "faint": "#cccccc", "band": "#f4f4f0"}
"""Name → colour where it is printed."""
SERIES = tuple(name for name in _BOTH if name.startswith("s") and name[1:].isdigit())


def style() -> str:
    """CSS that defines each colour as a variable, for light and dark screens and for paper."""
    return (
        f":root {{ {_variables(LIGHT)} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}\n"
        f"@media print {{ :root {{ {_variables(PAPER)} }} }}"
    )


def _variables(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())


def on_paper(svg: str) -> str:
    """A plot whose colours are those of paper, for places that know no CSS variable."""
    svg = svg.replace("currentColor", PAPER["ink"])
    for name, colour in PAPER.items():
        svg = svg.replace(f"var(--{name})", colour)
    if "xmlns=" not in svg[:400]:
        svg = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return svg
