"""A Julia set in plain Python: each point of a square is iterated until it escapes.

    python examples/julia.py [WIDTH [ITERATIONS]]

Runs as it is; under `python -m memory_profiler` its two decorated functions get tables.
"""

import sys
import time

try:
    profile
except NameError:

    def profile(function):
        return function


LEFT, RIGHT = -1.8, 1.8
C = complex(-0.62772, -0.42193)


@profile
def escape_counts(limit, points, c):
    """How many steps each point takes until it leaves the circle of radius 2."""
    counts = [0] * len(points)
    for index in range(len(points)):
        steps = 0
        z = points[index]
        while steps < limit and abs(z) < 2:
            z = z * z + c
            steps += 1
        counts[index] = steps
    return counts


@profile
def julia(width, limit):
    """Lays a grid of width * width points over the plane and counts the steps of each."""
    step = (RIGHT - LEFT) / width
    axis = [LEFT + step * column for column in range(width)]
    points = []
    for imaginary in axis:
        for real in axis:
            points.append(complex(real, imaginary))
    start = time.perf_counter()
    counts = escape_counts(limit, points, C)
    seconds = time.perf_counter() - start
    print(f"{len(points)} points, {sum(counts)} steps, {seconds:.2f} s")
    return counts


if __name__ == "__main__":
    arguments = [int(text) for text in sys.argv[1:]]
    julia(*(arguments + [1000, 300][len(arguments) :]))
