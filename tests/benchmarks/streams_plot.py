"""The plot of the benchmark of streams: an SVG, written without a library."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from streams_figures import Figures

COLOURS = ["#8a8f98", "#c2803a", "#7aa6d6", "#1f5fa8"]


def write_plot(results: Mapping[tuple[str, int], Figures], names: list[str], sizes: list[int], what: str) -> str:
    """Return an SVG of two charts: deliveries a second at the middle size, and CPU a delivery by size.

    :param what: the unit of the sizes, such as "streams".
    """
    size = sizes[len(sizes) // 2]
    rates = {name: statistics.median(results[name, size].rate) for name in names}
    costs = {name: [statistics.median(results[name, size].cpu_us) for size in sizes] for name in names}
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 300" font-family="sans-serif" font-size="12" '
        'fill="#333" role="img" aria-label="Deliveries a second, and CPU a delivery">',
        '<rect width="760" height="300" fill="#fff"/>',
        f'<text x="20" y="24" font-weight="bold">Deliveries a second, {size:,} {what}</text>',
        f'<text x="420" y="24" font-weight="bold">CPU a delivery, in microseconds, by {what}</text>',
    ]
    for number, name in enumerate(names):
        y, width = 50 + number * 58, 290 * rates[name] / max(rates.values())
        parts.append(f'<text x="20" y="{y}">{name}</text>')
        parts.append(f'<rect x="20" y="{y + 7}" width="{width:.0f}" height="22" fill="{COLOURS[number]}"/>')
        parts.append(f'<text x="{26 + width:.0f}" y="{y + 23}">{rates[name]:,.0f}</text>')
    left, right, top, bottom = 450, 730, 40, 200
    highest = max(max(values) for values in costs.values()) * 1.1

    def x_of(value: int) -> float:
        return left + (right - left) * value / max(sizes)

    def y_of(value: float) -> float:
        return bottom - (bottom - top) * value / highest

    for step in range(0, int(highest) + 1, 10):
        height = y_of(step)
        parts.append(f'<path d="M{left} {height:.0f}H{right}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{height + 4:.0f}" text-anchor="end">{step}</text>')
    for value in sizes:
        parts.append(f'<text x="{x_of(value):.0f}" y="{bottom + 16}" text-anchor="middle">{value:,}</text>')
    for number, name in enumerate(names):
        points = [(x_of(value), y_of(cost)) for value, cost in zip(sizes, costs[name], strict=True)]
        path = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[number]}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="{COLOURS[number]}"/>' for x, y in points]
        parts.append(f'<rect x="{left}" y="{226 + number * 17}" width="12" height="12" fill="{COLOURS[number]}"/>')
        parts.append(f'<text x="{left + 18}" y="{236 + number * 17}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])
