"""The plot of the benchmark of regions: an SVG, written without a library."""

from __future__ import annotations

from collections.abc import Sequence

from regions_commits import DECLARED, MANY_OTHER, NO_REGION, OTHER, SAME
from regions_figures import CHANGES, FEED, REGION, REGION_ALL, Figures
from streams_figures import middle
from streams_plot import COLOURS

_COLOUR = {CHANGES: COLOURS[1], REGION: COLOURS[3], REGION_ALL: COLOURS[2], FEED: COLOURS[0]}


def write_plot(found: Figures, streams: int) -> str:
    """Return an SVG of four charts: CPU of a change, opening, memory of a stream, and commits."""
    names = list(_COLOUR)
    viewers = found.viewers
    charts: list[tuple[str, str, Sequence[tuple[str, str, float]]]] = [
        (f"CPU of a change, {streams:,} viewers", "ms", [(n, _COLOUR[n], middle(viewers[n].cpu_ms)) for n in names]),
        ("Opening a stream", "ms", [(n, _COLOUR[n], middle(viewers[n].open_us) / 1000) for n in names]),
        ("Memory of a stream", "KiB", [(n, _COLOUR[n], middle(viewers[n].kib)) for n in names]),
        (
            "A commit",
            "us",
            [(n, COLOURS[3], middle(found.commits[n])) for n in (NO_REGION, DECLARED, OTHER, MANY_OTHER, SAME)],
        ),
    ]
    title = "CPU of a change, opening, memory of a stream, and commits"
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 540" font-family="sans-serif" font-size="12" '
        f'fill="#333" role="img" aria-label="{title}">',
        '<rect width="760" height="540" fill="#fff"/>',
    ]
    for number, (heading, unit, bars) in enumerate(charts):
        left, top = 20 + number % 2 * 380, 24 + number // 2 * 240
        parts.append(f'<text x="{left}" y="{top}" font-weight="bold">{heading}</text>')
        largest = max(value for _, _, value in bars)
        for row, (name, colour, value) in enumerate(bars):
            y, width = top + 24 + row * 42, 260 * value / largest
            text = f"{value:,.2f}" if value < 10 else f"{value:,.0f}"
            parts.append(f'<text x="{left}" y="{y}">{name.replace("`", "")}</text>')
            parts.append(f'<rect x="{left}" y="{y + 5}" width="{width:.1f}" height="16" fill="{colour}"/>')
            parts.append(f'<text x="{left + width + 6:.0f}" y="{y + 18}">{text} {unit}</text>')
    return "\n".join([*parts, "</svg>\n"])
