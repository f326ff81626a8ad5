#include "memprof/machine/mem_reader.h"

#include <errno.h>
#include <libproc.h>
#include <mach/mach.h>
#include <string.h>
#include <sys/proc_info.h>
#include <sys/resource.h>
#include <unistd.h>

/* -errno for a libproc call that failed; it may leave errno alone. */
static int proc_error(void)
{
    return errno != 0 ? -errno : -ESRCH;
}

static int read_task(pid_t pid, struct proc_taskinfo *task)
{
    errno = 0;
    if (proc_pidinfo(pid, PROC_PIDTASKINFO, 0, task, (int)sizeof *task) != (int)sizeof *task)
        return proc_error() == -EPERM ? -EACCES : proc_error();
    return 0;
}

static int read_basic(struct mach_task_basic_info *basic)
{
    mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;

    if (task_info(mach_task_self(), MACH_TASK_BASIC_INFO, (task_info_t)basic, &count) !=
        KERN_SUCCESS)
        return -ENOSYS;
    return 0;
}

static int read_rss(pid_t pid, int64_t *bytes)
{
    struct mach_task_basic_info basic;
    struct proc_taskinfo task;
    int error = pid == 0 ? read_basic(&basic) : read_task(pid, &task);

    if (error == 0)
        *bytes = (int64_t)(pid == 0 ? basic.resident_size : task.pti_resident_size);
    /* A zombie has no task any more, so no memory. */
    return error == 0 && *bytes == 0 ? -ESRCH : error;
}

/* Private memory, also what the compressor holds of it. */
static int read_own_uss(int64_t *bytes)
{
    mach_msg_type_number_t count = TASK_VM_INFO_COUNT;
    task_vm_info_data_t info;

    if (task_info(mach_task_self(), TASK_VM_INFO, (task_info_t)&info, &count) != KERN_SUCCESS)
        return -ENOSYS;
    *bytes = (int64_t)(info.internal + info.compressed);
    return 0;
}

/*
 * Of other processes, only their owner's task port would tell `internal`; the footprint needs no
 * port and is that sum and a few kernel objects.
 */
static int read_footprint(pid_t pid, int64_t *bytes)
{
    struct rusage_info_v4 usage;

    errno = 0;
    if (proc_pid_rusage(pid, RUSAGE_INFO_V4, (rusage_info_t *)&usage) != 0)
        return proc_error() == -EPERM ? -EACCES : proc_error();
    *bytes = (int64_t)usage.ri_phys_footprint;
    return *bytes == 0 ? -ESRCH : 0;
}

int mem_reader_init(struct mem_reader *reader, pid_t pid, enum mem_backend backend)
{
    int64_t bytes;

    memset(reader, 0, sizeof *reader);
    reader->pid = pid;
    reader->backend = backend;
    reader->fd = -1; /* nothing is kept open here: the calls below need no descriptor */
    return mem_reader_read(reader, &bytes);
}

void mem_reader_rest(struct mem_reader *reader)
{
    (void)reader;
}

void mem_reader_release(struct mem_reader *reader)
{
    (void)reader;
}

int mem_reader_read(struct mem_reader *reader, int64_t *bytes)
{
    switch (reader->backend) {
    case MEM_RSS:
        return read_rss(reader->pid, bytes);
    case MEM_USS:
        return reader->pid == 0 ? read_own_uss(bytes) : read_footprint(reader->pid, bytes);
    case MEM_PSS:
        break; /* the kernel does not divide shared pages among their users */
    case MEM_TRACEMALLOC:
        break;
    }
    return -ENOSYS;
}

void mem_reader_verify(struct mem_reader *reader)
{
    (void)reader;
}

/*
 * For this process only: of others the kernel keeps the largest footprint, which is another number
 * (with compressed pages, without clean file pages) and would not compare with readings of RSS.
 */
int mem_peak_read(pid_t pid, int64_t *bytes)
{
    struct mach_task_basic_info basic;
    int error;

    if (pid != 0 && pid != getpid())
        return -ENOSYS;
    error = read_basic(&basic);
    if (error == 0)
        *bytes = (int64_t)basic.resident_size_max;
    return error;
}

int mem_peak_open(pid_t pid)
{
    (void)pid;
    return -ENOSYS;
}

int mem_peak_read_open(int fd, int64_t *bytes)
{
    (void)fd;
    (void)bytes;
    return -ENOSYS;
}

int mem_parts_read(pid_t pid, struct mem_parts *parts)
{
    (void)pid;
    (void)parts;
    return -ENOSYS; /* what is resident is told as one number */
}

int mem_parts_read_open(int fd, struct mem_parts *parts)
{
    (void)fd;
    (void)parts;
    return -ENOSYS;
}

int mem_peak_reset(pid_t pid)
{
    (void)pid;
    return -ENOSYS; /* the HWM only ever rises */
}

int64_t mem_resolution(void)
{
    return 0;
}

int mem_thread_count(void)
{
    struct proc_taskinfo task;
    int error = read_task(getpid(), &task);

    return error != 0 ? error : task.pti_threadnum;
}
