/*
 * A barrier that is paid by one side alone: after cpu_barrier() every running thread of the process
 * has been through a full barrier, so that others need none between a store and a load.
 */
#ifndef MEMPROF_CPU_BARRIER_H
#define MEMPROF_CPU_BARRIER_H

/* To be called once in a process, and in a child after a fork. 0, or -errno where the system has
 * no such thing: then both sides need a fence. */
int cpu_barrier_register(void);

/* A few microseconds. */
void cpu_barrier(void);

#endif
