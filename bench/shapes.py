"""Shapes of work for worker.py: ordinary functions, in a file that every profiler can read."""


def escape_counts(limit, points, c):
    counts = [0] * len(points)
    for index in range(len(points)):
        steps = 0
        z = points[index]
        while steps < limit and abs(z) < 2:
            z = z * z + c
            steps += 1
        counts[index] = steps
    return counts


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def generate(n):
    for i in range(n):
        yield i


def build_records(n):
    records = []
    for i in range(n):
        name = "item%d" % i
        record = {"id": i, "name": name}
        record["tags"] = [name, i]
        records.append(record)
    return records


def long_lines(n, span):
    for _ in range(n):
        total = sum(span)
        total = sum(span)
        total = sum(span)
        total = sum(span)
        total = sum(span)
        total = sum(span)
        total = sum(span)
        total = sum(span)
        total = sum(span)
        total = sum(span)
    return total


def helper(n):
    total = 0
    for i in range(n):
        if i & 1:
            total += i
    return total


def call_helper(n):
    for _ in range(20):
        helper(n)
