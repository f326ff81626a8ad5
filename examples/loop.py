"""The smallest example: lists that come and go.

python -m memory_profiler examples/loop.py
"""

try:
    profile
except NameError:

    def profile(function):
        return function


@profile
def my_func():
    a = [1] * (10**6)
    b = [2] * (2 * 10**7)
    del b
    return a


if __name__ == "__main__":
    my_func()
