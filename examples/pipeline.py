"""A job in stages: loads rows, indexes them, trains in two processes, sums up.

    mprof run -M examples/pipeline.py [ROWS]
    mprof plot

records how much memory it and its two children use over time, with a bar for each call and a band
for each block, and draws that. It runs without mprof as well, and then measures nothing.
"""

import multiprocessing
import sys

from memory_profiler import profile


@profile
def parse(first, count):
    return [(f"customer {i}", i * 0.25, [i] * 8) for i in range(first, first + count)]


@profile
def load(count, chunks=4):
    rows = []
    for chunk in range(chunks):
        rows += parse(chunk * count // chunks, count // chunks)
    return rows


def train(seed, rounds, answers):
    """Runs in a process of its own: a model that grows, and is thrown away a few times."""
    best = 0.0
    for fold in range(3):
        model = []
        for i in range(rounds):
            model.append([float(seed * i + j) for j in range(100)])
        best = max(best, sum(map(sum, model)) / rounds)
    answers.put(best)


@profile
def fit(count):
    answers = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(target=train, args=(seed, rounds, answers))
        for seed, rounds in ((1, count // 24), (2, count // 16))
    ]
    for worker in workers:
        worker.start()
    best = max(answers.get() for _ in workers)
    for worker in workers:
        worker.join()
    return best


@profile
def predict(rows, model):
    return sorted((value * model % 97, name) for name, value, _ in rows)


@profile
def main(count):
    rows = load(count)
    with profile.timestamp("create index"):
        index = {name: value for name, value, _ in rows}
        by_value = {}
        for name, value in index.items():
            by_value.setdefault(round(value) % 1000, []).append(name)
    model = fit(count)
    del index, by_value
    ranked = predict(rows, model)
    del rows
    with profile.timestamp("create summary"):
        lines = [f"{name}: {score:.3f}" for score, name in ranked]
        text = "\n".join(lines)
    print(f"{len(lines)} customers, {len(text)} characters")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300_000)
