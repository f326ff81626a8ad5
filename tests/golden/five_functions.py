"""Five functions, and what they print before, between and after."""

import sys


@profile
def leaf(n):
    return bytearray(n << 20)


@profile
def half(n):
    kept = leaf(n)
    del kept[n << 19 :]
    return kept


@profile
def never(n):
    if n > 5:
        return None
    return [leaf(1), leaf(n)]


@profile
def numbers(n):
    for i in range(n):
        yield i, leaf(1)


@profile(precision=1)
def main():
    kept = [half(4), *never(2)]
    for i, _ in numbers(3):
        print("turn", i)
    print("to stderr", file=sys.stderr)
    return kept


print("begin")
kept = main()
print("end")
