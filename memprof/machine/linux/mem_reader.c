#include "memprof/machine/mem_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "memprof/machine/linux/proc_file.h"

/* smaps_rollup is about 1 KiB; status about 1.5 KiB. */
#define TEXT_SIZE 4096

/* Several of them can be added up in bytes. */
#define MOST_KILOBYTES (INT64_MAX / 1024 / 8)

static const char *source_name(enum mem_backend backend)
{
    return backend == MEM_RSS ? "statm" : "smaps_rollup";
}

/*
 * A page that reads 1 here and 0 in a forked child: how a reader notices that its descriptor still
 * reports the parent, without a system call and without fork handlers. NULL where the kernel
 * cannot do it; the reader then opens its file for every reading.
 */
static const volatile unsigned char *fork_page(void)
{
    long size = sysconf(_SC_PAGESIZE);
    unsigned char *page =
        mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return NULL;
    if (madvise(page, (size_t)size, MADV_WIPEONFORK) != 0) {
        munmap(page, (size_t)size);
        return NULL;
    }
    *page = 1;
    return page;
}

static int open_source(struct mem_reader *reader)
{
    int fd = proc_file_open(reader->pid, source_name(reader->backend), O_RDONLY), error;

    if (fd < 0)
        return fd;
    if (reader->pid == 0)
        fd = guarded_fd_move_high(fd);
    error = guarded_fd_remember(&reader->file, fd);
    if (error != 0) {
        close(fd);
        return error;
    }
    reader->fd = fd;
    return 0;
}

/* Closes the descriptor only where it is certainly ours. */
void mem_reader_rest(struct mem_reader *reader)
{
    if (reader->fd >= 0 && guarded_fd_is(&reader->file, reader->fd))
        close(reader->fd);
    reader->fd = -1;
}

int mem_reader_init(struct mem_reader *reader, pid_t pid, enum mem_backend backend)
{
    memset(reader, 0, sizeof *reader);
    reader->pid = pid;
    reader->backend = backend;
    reader->fd = -1;
    if (backend == MEM_TRACEMALLOC)
        return -ENOSYS;
    if (pid == 0)
        reader->alive = fork_page();
    return open_source(reader);
}

void mem_reader_release(struct mem_reader *reader)
{
    mem_reader_rest(reader);
    if (reader->alive != NULL)
        munmap((void *)(uintptr_t)reader->alive, (size_t)sysconf(_SC_PAGESIZE));
    reader->alive = NULL;
}

/* Room for pages of 64 KiB: 18 digits of bytes. */
#define MOST_DIGITS 13

static inline int is_digit(char character)
{
    return (unsigned char)(character - '0') <= 9;
}

/*
 * Field 2 of statm in bytes; -EINVAL when the text is not that of a statm. Not strtoll(): this runs
 * at every reading.
 */
static int parse_statm(const char *text, int64_t *bytes)
{
    static long page_size;
    const char *digits;
    uint64_t pages = 0;

    while (is_digit(*text))
        text++;
    if (*text++ != ' ')
        return -EINVAL;
    for (digits = text; is_digit(*text); text++)
        pages = pages * 10 + (uint64_t)(*text - '0'); /* of too many digits it is not used */
    if (*text != ' ' || text - digits > MOST_DIGITS)
        return -EINVAL;
    if (page_size == 0)
        page_size = sysconf(_SC_PAGESIZE);
    *bytes = (int64_t)pages * page_size;
    return 0;
}

/* The number of kB behind `key` at the start of a line, added to *bytes. -EINVAL without it. */
static int add_kilobytes(const char *text, const char *key, int64_t *bytes)
{
    size_t length = strlen(key);
    const char *line = text;
    long long kilobytes;

    while (line != NULL && strncmp(line, key, length) != 0) {
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    if (line == NULL)
        return -EINVAL;
    kilobytes = strtoll(line + length, NULL, 10);
    if (kilobytes < 0 || kilobytes > MOST_KILOBYTES)
        return -EINVAL;
    *bytes += kilobytes * 1024;
    return 0;
}

static int parse_rollup(enum mem_backend backend, const char *text, int64_t *bytes)
{
    int64_t sum = 0;
    int error;

    if (backend == MEM_PSS) {
        error = add_kilobytes(text, "Pss:", &sum);
    } else {
        error = add_kilobytes(text, "Private_Clean:", &sum);
        if (error == 0)
            error = add_kilobytes(text, "Private_Dirty:", &sum);
        if (error == 0)
            add_kilobytes(text, "Private_Hugetlb:", &sum); /* absent on old kernels */
    }
    if (error == 0)
        *bytes = sum;
    return error;
}

static int read_source(struct mem_reader *reader, int64_t *bytes)
{
    char text[TEXT_SIZE];
    ssize_t length;
    int error;

    if (reader->backend == MEM_RSS) {
        /* Two numbers of 64 bits and their blanks fit into 64 bytes. */
        length = pread(reader->fd, text, 64, 0);
        if (length < 0)
            return -errno;
        text[length] = '\0';
        error = parse_statm(text, bytes);
        /* A zombie, or an exec in progress: no address space, so no number. */
        return error == 0 && *bytes == 0 ? -ESRCH : error;
    }
    length = pread(reader->fd, text, sizeof text - 1, 0);
    if (length < 0)
        return -errno;
    text[length] = '\0';
    return length == 0 ? -ESRCH : parse_rollup(reader->backend, text, bytes);
}

int mem_reader_read(struct mem_reader *reader, int64_t *bytes)
{
    int error;

    if (reader->fd >= 0 && (reader->pid != 0 || (reader->alive != NULL && *reader->alive == 1))) {
        error = read_source(reader, bytes);
        if (error == 0)
            return 0;
    }
    /* Not opened, inherited through fork, closed or replaced by the program, or from before an
     * exec: once more from the start. */
    mem_reader_rest(reader);
    /* A forked child: what is opened next is its own, so its page has to say 1 from here on. */
    if (reader->alive != NULL && *reader->alive == 0)
        *(volatile unsigned char *)(uintptr_t)reader->alive = 1;
    error = open_source(reader);
    return error != 0 ? error : read_source(reader, bytes);
}

void mem_reader_verify(struct mem_reader *reader)
{
    /* Forgotten and not closed: the number belongs to the program's own file now. */
    if (reader->fd >= 0 && !guarded_fd_is(&reader->file, reader->fd))
        reader->fd = -1;
}

int mem_peak_read(pid_t pid, int64_t *bytes)
{
    char text[TEXT_SIZE];
    ssize_t length = proc_file_read(pid, "status", text, sizeof text);

    if (length < 0)
        return (int)length;
    *bytes = 0;
    return add_kilobytes(text, "VmHWM:", bytes) == 0 ? 0 : -ESRCH;
}

int mem_peak_open(pid_t pid)
{
    return proc_file_open(pid, "status", O_RDONLY);
}

int mem_peak_read_open(int fd, int64_t *bytes)
{
    char text[TEXT_SIZE];
    ssize_t length = pread(fd, text, sizeof text - 1, 0);

    if (length < 0)
        return -errno;
    text[length] = '\0';
    *bytes = 0;
    return add_kilobytes(text, "VmHWM:", bytes) == 0 ? 0 : -ESRCH;
}

static int parse_parts(const char *text, struct mem_parts *parts)
{
    int64_t resident = 0;

    *parts = (struct mem_parts){0};
    if (add_kilobytes(text, "VmRSS:", &resident) != 0)
        return -ESRCH;
    if (add_kilobytes(text, "RssAnon:", &parts->anonymous) != 0 ||
        add_kilobytes(text, "RssFile:", &parts->file) != 0 ||
        add_kilobytes(text, "RssShmem:", &parts->shared) != 0)
        return -ENOSYS;
    add_kilobytes(text, "VmSwap:", &parts->swap); /* absent where the kernel has no swap */
    return 0;
}

int mem_parts_read(pid_t pid, struct mem_parts *parts)
{
    char text[TEXT_SIZE];
    ssize_t length = proc_file_read(pid, "status", text, sizeof text);

    return length < 0 ? (int)length : parse_parts(text, parts);
}

int mem_parts_read_open(int fd, struct mem_parts *parts)
{
    char text[TEXT_SIZE];
    ssize_t length = pread(fd, text, sizeof text - 1, 0);

    if (length < 0)
        return -errno;
    text[length] = '\0';
    return parse_parts(text, parts);
}

int mem_peak_reset(pid_t pid)
{
    int fd = proc_file_open(pid, "clear_refs", O_WRONLY), error = 0;

    if (fd < 0)
        return fd;
    /* proc(5): a 5 sets VmHWM back to what is resident now. */
    if (write(fd, "5", 1) != 1)
        error = -errno;
    close(fd);
    return error;
}

int64_t mem_resolution(void)
{
    struct utsname name;
    int major = 0, minor = 0;
    long page = sysconf(_SC_PAGESIZE), cpus = sysconf(_SC_NPROCESSORS_CONF);

    if (uname(&name) != 0 || sscanf(name.release, "%d.%d", &major, &minor) != 2)
        return 64 * page;
    if (major > 6 || (major == 6 && minor >= 16))
        return 0;
    if (major < 6 || minor < 2)
        return 64 * page; /* per thread */
    /* Linux 6.2 to 6.15 count per processor, in batches of 32 pages or twice the processors. */
    return (cpus > 16 ? 2 * cpus : 32) * page * cpus;
}

int mem_thread_count(void)
{
    char text[TEXT_SIZE];
    ssize_t length = proc_file_read(0, "status", text, sizeof text);
    const char *line;

    if (length < 0)
        return (int)length;
    line = strstr(text, "\nThreads:");
    return line == NULL ? -EINVAL : (int)strtol(line + 9, NULL, 10);
}
