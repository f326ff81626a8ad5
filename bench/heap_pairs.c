/* Pairs of an allocation and its free, and nothing else: what each costs is a hook's cost. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define MOST_THREADS 64

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Nanoseconds of a pair of PyObject_Malloc(32). With the interpreter's lock. */
double object_pairs(long n)
{
    double begin = now();

    for (long i = 0; i < n; i++) {
        void *block = PyObject_Malloc(32);

        __asm__ volatile("" : "+r"(block) : : "memory");
        PyObject_Free(block);
    }
    return (now() - begin) / (double)n;
}

static void *malloc_pairs(void *n_pairs)
{
    for (long i = 0; i < *(long *)n_pairs; i++) {
        void *block = malloc(32);

        __asm__ volatile("" : "+r"(block) : : "memory");
        free(block);
    }
    return NULL;
}

/* Nanoseconds of a pair of malloc(32), in each of so many threads that run at once; below 0 where
 * they cannot be had. Without the interpreter's lock. */
double thread_pairs(int n_threads, long n)
{
    pthread_t threads[MOST_THREADS];
    double begin = now();

    if (n_threads > MOST_THREADS)
        n_threads = MOST_THREADS;
    for (int i = 0; i < n_threads; i++)
        if (pthread_create(&threads[i], NULL, malloc_pairs, &n) != 0)
            return -1;
    for (int i = 0; i < n_threads; i++)
        pthread_join(threads[i], NULL);
    return (now() - begin) / (double)n;
}
