#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "memprof/machine/clock.h"
#include "memprof/machine/grow.h"
#include "memprof/profile/dat_reader.h"
#include "memprof/profile/dat_writer.h"
#include "memprof/machine/mem_reader.h"
#include "mprof/command.h"
#include "mprof/error_line.h"
#include "mprof/open_limit.h"

static int mark(const struct command *self, int argc, char **argv);

static const struct option_spec options[] = {OPTIONS_END};

const struct command cmd_mark = {
    .name = "mark",
    .arguments = "begin|end LABEL",
    .summary = "Mark what a program does, from inside a run of any language.",
    .notes =
        "To be called by a program that mprof run has started: it finds the profile by the\n"
        "variable MPROF_OUTPUT. What lies between begin and end is drawn like a function; a begin\n"
        "without its end stays open. Marks of the same label may be nested.\n\n"
        "A program can also append a line to that file itself, with a single write. Memory is in\n"
        "MiB, moments are seconds since 1970 with four decimals, levels count from 0:\n"
        "    #BEGIN/level/label memory moment\n"
        "    FUNC label memory moment memory_at_end moment_of_end level\n"
        "A FUNC alone is a whole mark; it closes the #BEGIN that has its label and its moment. In\n"
        "labels a blank is written as U+00A0; in #BEGIN also '/' as %2F and '%' as %25.\n",
    .options = options,
    .run = mark,
};

/* Bytes, and tenths of milliseconds, that can be counted in nanoseconds too. */
#define MOST 9e13

struct open_point {
    char *label;
    double memory, moment;
    int level;
};

/* What the file says about the run and its open marks. */
struct scene {
    int64_t pid;   /* of the program, 0: not known */
    int sum;       /* MEM lines are sums over its descendants */
    double memory; /* the newest of them */
    struct open_point *marks;
    size_t count, capacity;
};

static int open_point(struct scene *scene, const struct dat_record *fact)
{
    struct open_point *marks =
        grow_double(scene->marks, sizeof *marks, scene->count + 1, &scene->capacity);
    struct open_point *added;

    if (marks == NULL)
        return -ENOMEM;
    scene->marks = marks;
    added = &marks[scene->count];
    *added = (struct open_point){strndup(fact->text, fact->length), fact->memory, fact->moment,
                                 fact->level};
    if (added->label == NULL)
        return -ENOMEM;
    scene->count++;
    return 0;
}

/* A FUNC closes the BEGIN of its label and moment; one without is a mark of its own. */
static void close_mark(struct scene *scene, const struct dat_record *fact)
{
    /* Moments have four decimals: closer than half of the last one is the same moment. */
    for (size_t i = scene->count; i > 0; i--) {
        struct open_point *at = &scene->marks[i - 1];
        double apart = at->moment - fact->moment;

        if (strlen(at->label) != fact->length || memcmp(at->label, fact->text, fact->length) != 0 ||
            apart > 0.00005 || apart < -0.00005)
            continue;
        free(at->label);
        memmove(at, at + 1, (scene->count - i) * sizeof *at);
        scene->count--;
        return;
    }
}

static int visit(void *context, const struct dat_record *fact)
{
    struct scene *scene = context;

    if (fact->kind == DAT_RUN) {
        scene->pid = fact->pid;
        scene->sum = memmem(fact->text, fact->length, "sum", 3) != NULL;
    } else if (fact->kind == DAT_MEM) {
        scene->memory = fact->memory;
    } else if (fact->kind == DAT_BEGIN) {
        return open_point(scene, fact);
    } else if (fact->kind == DAT_FUNC) {
        close_mark(scene, fact);
    }
    return 0;
}

static int read_scene(struct scene *scene, const char *path)
{
    /* O_NONBLOCK: a named pipe would wait for somebody who writes. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error = 0;
    struct dat_counts counts;
    struct stat info;

    if (fd < 0)
        return -errno;
    /* Pipes and devices tell nothing of what was written to them. */
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
        error = dat_scan(fd, visit, scene, &counts);
    close(fd);
    return error;
}

static void release_scene(struct scene *scene)
{
    for (size_t i = 0; i < scene->count; i++)
        free(scene->marks[i].label);
    free(scene->marks);
}

/* A program may mark in its first instant, before mprof has written whom it samples. */
static int read_scene_when_it_stands(struct scene *scene, const char *path)
{
    const struct timespec a_while = {0, 10000000};
    int error = read_scene(scene, path);

    for (int tries = 0; error == 0 && scene->pid <= 0 && tries < 20; tries++) {
        nanosleep(&a_while, NULL);
        release_scene(scene);
        memset(scene, 0, sizeof *scene);
        error = read_scene(scene, path);
    }
    return error;
}

/* Of a file that anybody may have written. */
static int64_t to_whole(double number)
{
    return (int64_t)(number > MOST ? MOST : number < -MOST ? -MOST : number + 0.5);
}

static int64_t to_bytes(double mebibytes)
{
    return to_whole(mebibytes * (1 << 20));
}

/* The memory that the main line of the run has now. */
static int64_t memory_now(const struct scene *scene)
{
    struct mem_reader reader;
    int64_t bytes;

    if (scene->sum || scene->pid <= 0 || mem_reader_init(&reader, (pid_t)scene->pid, MEM_RSS) != 0)
        return to_bytes(scene->memory);
    if (mem_reader_read(&reader, &bytes) != 0)
        bytes = to_bytes(scene->memory);
    mem_reader_release(&reader);
    return bytes;
}

static struct dat_point mark_now(const struct scene *scene)
{
    return (struct dat_point){memory_now(scene), clock_wall_ns()};
}

/* Ends the newest open mark of that label. -ENOENT: none is open. */
static int write_end(const struct scene *scene, const struct dat_writer *writer, const char *label)
{
    for (size_t i = scene->count; i > 0; i--) {
        const struct open_point *at = &scene->marks[i - 1];
        /* By way of tenths of milliseconds: FUNC is to repeat BEGIN's four decimals exactly. */
        struct dat_point begin = {to_bytes(at->memory), to_whole(at->moment * 1e4) * 100000};

        if (strcmp(at->label, label) == 0)
            return dat_writer_func(writer, label, begin, mark_now(scene),
                                   at->level > 0 ? at->level : 0);
    }
    return -ENOENT;
}

static int write_mark(const struct scene *scene, const char *path, int begins, const char *label)
{
    struct dat_writer writer;
    struct open_limit limit;
    int error;

    open_limit_begin(&limit);
    error = dat_writer_open(&writer, path, DAT_APPEND, 4);
    open_limit_end(&limit);
    if (error != 0)
        return error;
    error = begins ? dat_writer_begin(&writer, label, mark_now(scene), (int)scene->count)
                   : write_end(scene, &writer, label);
    dat_writer_release(&writer);
    return error;
}

/* Labels are compared as the file gives them back. */
static bool is_good_label(const char *label)
{
    return label[0] != '\0' && strlen(label) <= 1000 && strpbrk(label, "\r\n") == NULL;
}

/* 0, or -EINVAL after one line. */
static int check_arguments(char **arguments, int count)
{
    if (count != 2)
        error_line("mprof mark: begin or end, and a label of one line, must be given");
    else if (strcmp(arguments[0], "begin") != 0 && strcmp(arguments[0], "end") != 0)
        error_line("mprof mark: begin or end must be given, not '%s'", arguments[0]);
    else if (!is_good_label(arguments[1]))
        error_line("mprof mark: a label is one line of 1 to 1000 bytes, not '%s'", arguments[1]);
    else
        return 0;
    return -EINVAL;
}

static int mark(const struct command *self, int argc, char **argv)
{
    const char *path = getenv("MPROF_OUTPUT");
    int count = command_parse(self, argc, argv, NULL), begins, error;
    struct scene scene = {0};

    if (count < 0)
        return command_status(count);
    if (check_arguments(argv + 1, count) != 0)
        return 2;
    argv[2][dat_record_plain_name(argv[2], strlen(argv[2]))] = '\0';
    begins = strcmp(argv[1], "begin") == 0;
    if (path == NULL || *path == '\0') {
        error_line("mprof mark: MPROF_OUTPUT is not set: this is not under mprof run");
        return 1;
    }
    error = read_scene_when_it_stands(&scene, path);
    if (error == 0)
        error = write_mark(&scene, path, begins, argv[2]);
    release_scene(&scene);
    if (error == -ENOENT && !begins)
        error_line("mprof mark: no mark '%s' is open in %s", argv[2], path);
    else if (error != 0)
        error_line("mprof mark: cannot write %s: %s", path, open_limit_why(error));
    return error != 0 ? 1 : 0;
}
