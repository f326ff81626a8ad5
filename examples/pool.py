"""A pool of workers, one of which meets a job that is much larger than the others.

python -m memory_profiler --multiprocess examples/pool.py
mprof run -M examples/pool.py
"""

import multiprocessing

try:
    profile
except NameError:

    def profile(function):
        return function


@profile
def work(size):
    squares = [number * number for number in range(size)]
    digits = "".join(map(str, squares))
    return len(digits)


@profile
def main():
    jobs = [50_000, 50_000, 1_000_000, 50_000]
    with multiprocessing.Pool(2) as pool:
        lengths = pool.map(work, jobs, chunksize=1)
        pool.close()
        pool.join()
    print(f"{len(jobs)} jobs, {sum(lengths)} digits")


if __name__ == "__main__":
    main()
