"""The plot of the benchmark of compressed streams: an SVG, written without a library."""

from __future__ import annotations

from math import log10

from compression_figures import CODINGS, KINDS, Results, mean
from streams_figures import middle
from streams_plot import COLOURS


def write_plot(results: Results) -> str:
    """Return an SVG of two charts for each kind of event: bytes a delivery, logarithmic, and CPU a delivery."""
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 320" font-family="sans-serif" font-size="12" '
        'fill="#333" role="img" aria-label="Bytes and CPU of a delivery">',
        '<rect width="760" height="320" fill="#fff"/>',
    ]
    for number, (kind, title) in enumerate(KINDS.items()):
        top = 24 + number * 150
        parts.append(f'<text x="20" y="{top}" font-weight="bold">Bytes a delivery (logarithmic), {title}</text>')
        parts.append(f'<text x="520" y="{top}" font-weight="bold">CPU a delivery</text>')
        sizes = {coding: mean(results[kind, coding].bytes) for coding in CODINGS}
        costs = {coding: middle(results[kind, coding].cpu_us) for coding in CODINGS}
        for row, coding in enumerate(CODINGS):
            y, colour = top + 22 + row * 32, COLOURS[3 - row]
            width = 320 * log10(sizes[coding]) / log10(max(sizes.values()))
            parts.append(f'<text x="20" y="{y + 12}">{coding}</text>')
            parts.append(f'<rect x="80" y="{y}" width="{width:.0f}" height="18" fill="{colour}"/>')
            parts.append(f'<text x="{86 + width:.0f}" y="{y + 13}">{sizes[coding]:,.0f}</text>')
            width = 150 * costs[coding] / max(costs.values())
            parts.append(f'<rect x="520" y="{y}" width="{width:.0f}" height="18" fill="{colour}"/>')
            parts.append(f'<text x="{526 + width:.0f}" y="{y + 13}">{costs[coding]:.1f} us</text>')
    return "\n".join([*parts, "</svg>\n"])
