import sys  # replaced by the import of profile in the import form


@profile
def second_to_run(n):
    """A line that never runs: üñí."""
    if n > 10:
        return "never"
    total = 0
    for i in range(n):
        total += i

	# a tab
    text = "é" * 3
    return total


@profile
def first_to_run():
    a = [1] * 1000  # a comment after code
    b = second_to_run(3)
    del a
    return b


@profile
def never_run():
    return 0


class Holder:
    @profile
    def method(self, x):
        y = x

        return y


first_to_run()
Holder().method(1)
second_to_run(2)
