#include "memprof/profile/dat_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memprof/machine/grow.h"
#include "memprof/machine/safe_open.h"

#define NAME_LIMIT 1000
/* Each byte of a name may become three. The rest is for the keyword, five numbers and blanks. */
#define LINE_LIMIT (3 * NAME_LIMIT + 200)

/* Room for any number written here, with its blank. */
#define NUMBER_SIZE ((size_t)32)

static const int64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};

/* Not snprintf: a host program may have set a locale with a decimal comma. */
static char *put_digits(char *to, uint64_t value, int least)
{
    char digits[24];
    int count = 0;

    do
        digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) != 0 || count < least);
    while (count > 0)
        *to++ = digits[--count];
    return to;
}

static char *put_integer(char *to, int64_t value)
{
    /* Negated as unsigned: the least int64_t has no positive counterpart. */
    if (value < 0)
        *to++ = '-';
    return put_digits(to, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 1);
}

/* Bytes as MiB; a tie goes to the even digit, as printf does it. */
static char *put_mebibytes(char *to, int64_t bytes, int decimals)
{
    uint64_t size = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;
    uint64_t whole = size >> 20, scaled = (size & 0xfffff) * (uint64_t)powers[decimals];
    uint64_t fraction = scaled >> 20, rest = scaled & 0xfffff;

    if (rest > 0x80000 || (rest == 0x80000 && (fraction & 1) != 0))
        fraction++;
    /* Rounded up to a whole MiB. */
    if (fraction == (uint64_t)powers[decimals]) {
        whole++;
        fraction = 0;
    }
    if (bytes < 0)
        *to++ = '-';
    to = put_digits(to, whole, 1);
    *to++ = '.';
    return put_digits(to, fraction, decimals);
}

/* Nanoseconds as seconds. */
static char *put_seconds(char *to, int64_t ns, int decimals)
{
    int64_t unit = 1000000000 / powers[decimals];
    uint64_t count;

    if (ns < 0) {
        *to++ = '-';
        ns = -ns;
    }
    count = (uint64_t)((ns + unit / 2) / unit);
    to = put_digits(to, count / (uint64_t)powers[decimals], 1);
    *to++ = '.';
    return put_digits(to, count % (uint64_t)powers[decimals], decimals);
}

static char *put_text(char *to, const char *text)
{
    while (*text != '\0')
        *to++ = *text++;
    return to;
}

/* Text that may hold anything, kept within one line: at most two bytes for each. */
static char *put_escaped(char *to, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n' || *text == '\r') {
            *to++ = '\\';
            *to++ = *text == '\n' ? 'n' : 'r';
        } else {
            *to++ = *text;
        }
    }
    return to;
}

/* How a byte of a name is written where it would end the name; NULL: as it is. */
static const char *name_escape(char byte, bool is_detail)
{
    switch (byte) {
    case ' ':
    case '\t':
        return "\xc2\xa0";
    case '\n':
        return "%0A";
    case '\r':
        return "%0D";
    case '/':
        return is_detail ? "%2F" : NULL;
    case '%':
        return is_detail ? "%25" : NULL;
    default:
        return NULL;
    }
}

static char *put_name(char *to, const char *name, bool is_detail)
{
    for (size_t left = NAME_LIMIT; *name != '\0' && left > 0; name++, left--) {
        const char *escape = name_escape(*name, is_detail);

        if (escape != NULL)
            to = put_text(to, escape);
        else
            *to++ = *name;
    }
    return to;
}

/* Makes room for `size` more bytes and returns where they go, or NULL. */
static char *reserve(struct dat_writer *writer, size_t size)
{
    char *text = grow_double(writer->text, 1, writer->length + size, &writer->capacity);

    if (text == NULL)
        return NULL;
    writer->text = text;
    return text + writer->length;
}

static int commit(struct dat_writer *writer, char *end)
{
    *end++ = '\n';
    writer->length = (size_t)(end - writer->text);
    return 0;
}

/* Its end is for the one who samples to look at: who appends leaves nothing but whole lines. */
static int open_to_read_back(const char *path, enum dat_mode mode, int flags)
{
    struct stat info;

    /* A pipe that we also open for reading is its own reader: nobody would notice that none is
     * there. */
    if (mode == DAT_APPEND || (stat(path, &info) == 0 && !S_ISREG(info.st_mode)))
        return -EACCES;
    return safe_open(path, O_RDWR | flags, 0666);
}

int dat_writer_open(struct dat_writer *writer, const char *path, enum dat_mode mode,
                    int moment_decimals)
{
    /* Who appends was given the name by others: a pipe that nobody reads must not hold it up. */
    static const int of_mode[] = {
        [DAT_NEW] = O_EXCL, [DAT_TRUNCATE] = O_TRUNC, [DAT_APPEND] = O_NONBLOCK};
    int flags = O_CREAT | O_APPEND | O_CLOEXEC | of_mode[mode];

    memset(writer, 0, sizeof *writer);
    writer->moment_decimals = moment_decimals;
    writer->fd = open_to_read_back(path, mode, flags);
    writer->reads_back = writer->fd >= 0;
    /* Also for a file that may be written but not read: it is only not read back then. */
    if (writer->fd == -EACCES)
        writer->fd = safe_open(path, O_WRONLY | flags, 0666);
    /* Only the open must not wait. Writes do: a full pipe is no reason to lose a line. */
    if (writer->fd >= 0 && mode == DAT_APPEND)
        (void)fcntl(writer->fd, F_SETFL, O_APPEND);
    return writer->fd < 0 ? writer->fd : 0;
}

void dat_writer_release(struct dat_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    free(writer->text);
    memset(writer, 0, sizeof *writer);
    writer->fd = -1;
}

int dat_writer_cmdline(struct dat_writer *writer, char *const argv[])
{
    size_t size = sizeof "CMDLINE\n";
    char *to;

    /* Two bytes for each of an argument, its quotes and a blank. */
    for (int i = 0; argv[i] != NULL; i++)
        size += 2 * strlen(argv[i]) + 3;
    to = reserve(writer, size);
    if (to == NULL)
        return -ENOMEM;
    to = put_text(to, "CMDLINE");
    for (int i = 0; argv[i] != NULL; i++) {
        int quoted = argv[i][0] == '\0' || strpbrk(argv[i], " \t\n\r") != NULL;

        to = put_text(to, quoted ? " '" : " ");
        to = put_escaped(to, argv[i]);
        if (quoted)
            *to++ = '\'';
    }
    return commit(writer, to);
}

/* MEM, or CHLD with its pid: no pid for pid 0. */
static int gather(struct dat_writer *writer, const char *keyword, pid_t pid, int64_t bytes,
                  int64_t moment_ns)
{
    /* Three numbers at most; the fourth room is for the keyword and the line end. */
    char *to = reserve(writer, 4 * NUMBER_SIZE);

    if (to == NULL)
        return -ENOMEM;
    to = put_text(to, keyword);
    if (pid != 0) {
        to = put_integer(to, pid);
        *to++ = ' ';
    }
    to = put_mebibytes(to, bytes, 6);
    *to++ = ' ';
    writer->moment_ns = moment_ns;
    to = put_seconds(to, moment_ns, writer->moment_decimals);
    return commit(writer, to);
}

int dat_writer_mem(struct dat_writer *writer, int64_t bytes, int64_t moment_ns)
{
    return gather(writer, "MEM ", 0, bytes, moment_ns);
}

int dat_writer_child(struct dat_writer *writer, pid_t pid, int64_t bytes, int64_t moment_ns)
{
    return gather(writer, "CHLD ", pid, bytes, moment_ns);
}

/* Ends a line of three fields, the first of which is there. */
static int finish_fact(struct dat_writer *writer, char *to, int64_t bytes, int64_t moment_ns)
{
    *to++ = ' ';
    to = put_mebibytes(to, bytes, 6);
    *to++ = ' ';
    writer->moment_ns = moment_ns;
    to = put_seconds(to, moment_ns, writer->moment_decimals);
    return commit(writer, to);
}

int dat_writer_run(struct dat_writer *writer, pid_t pid, int64_t interval_ns, const char *backend,
                   const char *how, int64_t bytes, int64_t moment_ns)
{
    char *to = reserve(writer, 5 * NUMBER_SIZE + strlen(backend) + strlen(how));

    if (to == NULL)
        return -ENOMEM;
    to = put_integer(put_text(to, "#RUN/"), pid);
    *to++ = '/';
    to = put_text(to, backend);
    *to++ = '/';
    to = put_text(to, how);
    *to++ = '/';
    to = put_seconds(to, interval_ns, 6);
    while (to[-1] == '0' && to[-2] != '.')
        to--;
    return finish_fact(writer, to, bytes, moment_ns);
}

static int gather_fact(struct dat_writer *writer, const char *keyword, int64_t detail,
                       int64_t bytes, int64_t moment_ns)
{
    char *to = reserve(writer, 4 * NUMBER_SIZE);

    if (to == NULL)
        return -ENOMEM;
    return finish_fact(writer, put_integer(put_text(to, keyword), detail), bytes, moment_ns);
}

int dat_writer_peak(struct dat_writer *writer, pid_t pid, int64_t bytes, int64_t moment_ns)
{
    return gather_fact(writer, "#PEAK/", pid, bytes, moment_ns);
}

int dat_writer_spike(struct dat_writer *writer, pid_t pid, int64_t bytes, int64_t moment_ns)
{
    return gather_fact(writer, "#SPIKE/", pid, bytes, moment_ns);
}

int dat_writer_missed(struct dat_writer *writer, int64_t count, int64_t bytes, int64_t moment_ns)
{
    return gather_fact(writer, "#MISSED/", count, bytes, moment_ns);
}

int dat_writer_step(struct dat_writer *writer, int64_t step_ns, int64_t bytes, int64_t moment_ns)
{
    char *to = reserve(writer, 4 * NUMBER_SIZE);

    if (to == NULL)
        return -ENOMEM;
    return finish_fact(writer, put_seconds(put_text(to, "#STEP/"), step_ns, 6), bytes, moment_ns);
}

int dat_writer_oom(struct dat_writer *writer, int64_t kills, int64_t limit, int64_t bytes,
                   int64_t moment_ns)
{
    char *to = reserve(writer, 5 * NUMBER_SIZE);

    if (to == NULL)
        return -ENOMEM;
    to = put_integer(put_text(to, "#OOM/"), kills);
    *to++ = '/';
    to = put_integer(to, limit);
    return finish_fact(writer, to, bytes, moment_ns);
}

int dat_writer_limit(struct dat_writer *writer, const char *which, int64_t limit, int64_t bytes,
                     int64_t moment_ns)
{
    char *to = reserve(writer, 5 * NUMBER_SIZE + strlen(which));

    if (to == NULL)
        return -ENOMEM;
    to = put_text(put_text(to, "#LIMIT/"), which);
    *to++ = '/';
    return finish_fact(writer, put_integer(to, limit), bytes, moment_ns);
}

int dat_writer_parts(struct dat_writer *writer, const int64_t parts[4], int64_t bytes,
                     int64_t moment_ns)
{
    char *to = reserve(writer, 7 * NUMBER_SIZE);

    if (to == NULL)
        return -ENOMEM;
    to = put_text(to, "#PARTS");
    for (int i = 0; i < 4; i++) {
        *to++ = '/';
        to = put_integer(to, parts[i]);
    }
    return finish_fact(writer, to, bytes, moment_ns);
}

int dat_writer_end(struct dat_writer *writer, pid_t pid, bool by_signal, int number, int64_t bytes,
                   int64_t moment_ns)
{
    char *to = reserve(writer, 5 * NUMBER_SIZE);

    if (to == NULL)
        return -ENOMEM;
    to = put_integer(put_text(to, "#END/"), pid);
    to = put_integer(put_text(to, by_signal ? "/signal/" : "/exit/"), number);
    return finish_fact(writer, to, bytes, moment_ns);
}

/*
 * One write; only what a full disk has cut short is tried again, which tells the reason. *written
 * is how much arrived in any case.
 */
static int append(int fd, const char *text, size_t length, size_t *written)
{
    *written = 0;
    while (*written < length) {
        ssize_t count = write(fd, text + *written, length - *written);

        /* A write of 0 bytes gives no reason: a full disk is the likely one, and the loop must
         * end. */
        if (count == 0 || (count < 0 && errno != EINTR))
            return count == 0 ? -ENOSPC : -errno;
        if (count > 0)
            *written += (size_t)count;
    }
    return 0;
}

/* A look costs a fifth of a sample: with more than a hundred samples a second one may share its
 * line with what a killed writer left, and then counts as damaged. */
#define LOOK_EVERY_NS 10000000

/* A writer that was killed may have left half a line: the kernel stops at the end of a page. */
static bool is_torn_by_others(struct dat_writer *writer)
{
    int64_t since = writer->moment_ns - writer->looked_ns;
    struct stat info;
    char last;

    if (writer->looked_ns != 0 && since >= 0 && since < LOOK_EVERY_NS)
        return false;
    writer->looked_ns = writer->moment_ns;
    return writer->reads_back && fstat(writer->fd, &info) == 0 && info.st_size > 0 &&
           pread(writer->fd, &last, 1, info.st_size - 1) == 1 && last != '\n';
}

int dat_writer_flush(struct dat_writer *writer)
{
    size_t written;
    int error;

    if (writer->length == 0)
        return 0;
    /* A line that was cut, also by a full disk, must not swallow the first one of this append. */
    if ((writer->torn || is_torn_by_others(writer)) && append(writer->fd, "\n", 1, &written) == 0)
        writer->torn = 0;
    error = append(writer->fd, writer->text, writer->length, &written);
    if (error != 0 && written > 0)
        writer->torn = writer->text[written - 1] != '\n';
    /* Also after an error: a disk that stays full must not make the gathered text grow. */
    writer->length = 0;
    return error;
}

static int gather_type(struct dat_writer *writer, pid_t pid, const struct dat_type *type,
                       int64_t bytes, int64_t moment_ns)
{
    char *to = reserve(writer, LINE_LIMIT);

    if (to == NULL)
        return -ENOMEM;
    to = put_integer(put_text(to, "#TYPE/"), pid);
    *to++ = '/';
    to = put_name(to, type->name, true);
    *to++ = '/';
    to = put_digits(to, type->objects, 1);
    *to++ = '/';
    return finish_fact(writer, put_digits(to, type->bytes, 1), bytes, moment_ns);
}

int dat_writer_types(struct dat_writer *writer, pid_t pid, const struct dat_type *types,
                     size_t count, int64_t bytes, int64_t moment_ns)
{
    int error = 0;

    for (size_t i = 0; i < count && error == 0; i++) {
        if (writer->length + LINE_LIMIT > PIPE_BUF)
            error = dat_writer_flush(writer);
        if (error == 0)
            error = gather_type(writer, pid, &types[i], bytes, moment_ns);
    }
    return error != 0 ? error : dat_writer_flush(writer);
}

static char *put_point(char *to, struct dat_point point)
{
    *to++ = ' ';
    to = put_mebibytes(to, point.bytes, 4);
    *to++ = ' ';
    return put_seconds(to, point.moment_ns, 4);
}

static int append_line(const struct dat_writer *writer, const char *line, char *end)
{
    size_t written;

    *end++ = '\n';
    return append(writer->fd, line, (size_t)(end - line), &written);
}

int dat_writer_func(const struct dat_writer *writer, const char *name, struct dat_point begin,
                    struct dat_point end, int level)
{
    /* On the stack: other threads may be here as well, so writer->text must not be touched. */
    char line[LINE_LIMIT], *to = put_text(line, "FUNC ");

    to = put_name(to, name, false);
    to = put_point(put_point(to, begin), end);
    *to++ = ' ';
    return append_line(writer, line, put_integer(to, level));
}

int dat_writer_begin(const struct dat_writer *writer, const char *name, struct dat_point begin,
                     int level)
{
    char line[LINE_LIMIT], *to = put_integer(put_text(line, "#BEGIN/"), level);

    *to++ = '/';
    return append_line(writer, line, put_point(put_name(to, name, true), begin));
}
