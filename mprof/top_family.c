#include "mprof/top_family.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "memprof/machine/clock.h"
#include "memprof/machine/grow.h"
#include "memprof/machine/process.h"
#include "plots/plot_text.h"

#define SECOND_NS INT64_C(1000000000)

/* The pause after a reading is so many times what it cost: each kind stays below 0.1 % of a core.
 */
#define PAUSE_OF_COST 1000

/* How much of a command line is shown. */
#define COMMAND_SIZE 1000

static int64_t processor_ns(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * SECOND_NS + used.tv_nsec;
}

static void set_pace(struct top_pace *pace, int64_t now_ns, int64_t began_ns, int64_t least_ns)
{
    int64_t pause = PAUSE_OF_COST * (processor_ns() - began_ns);

    pace->due_ns = now_ns + (pause > least_ns ? pause : least_ns);
}

char *top_family_command(pid_t pid)
{
    char text[COMMAND_SIZE + 1];
    struct process_info info;
    ssize_t length = process_command_line(pid, text, COMMAND_SIZE);

    while (length > 0 && text[length - 1] == '\0')
        length--;
    if (length <= 0)
        return process_read(pid, &info) == 0 ? plot_text_visible(info.name, strlen(info.name))
                                             : strdup("");
    for (ssize_t i = 0; i < length; i++)
        if (text[i] == '\0')
            text[i] = ' ';
    return plot_text_visible(text, (size_t)length);
}

/* ---- rows ---- */

static int add_row(struct top_family *family, struct process_id id)
{
    struct process_id *ids =
        grow_double(family->ids, sizeof *ids, family->count + 1, &family->ids_room);
    struct top_process *rows;

    if (ids != NULL)
        family->ids = ids;
    rows = grow_double(family->rows, sizeof *rows, family->count + 1, &family->rows_room);
    if (rows != NULL)
        family->rows = rows;
    if (ids == NULL || rows == NULL)
        return -ENOMEM;
    ids[family->count] = id;
    rows[family->count] = (struct top_process){
        .pid = id.pid, .command = top_family_command(id.pid), .rss = -1, .pss = -1, .swap = -1};
    if (rows[family->count].command == NULL)
        return -ENOMEM;
    family->count++;
    return 0;
}

static void drop_row(struct top_family *family, size_t at)
{
    free(family->rows[at].command);
    family->count--;
    memmove(family->ids + at, family->ids + at + 1, (family->count - at) * sizeof *family->ids);
    memmove(family->rows + at, family->rows + at + 1, (family->count - at) * sizeof *family->rows);
}

int top_family_init(struct top_family *family, pid_t pid)
{
    int error;

    *family = (struct top_family){.pid = pid, .task = pid, .peak = -1, .reader = {.fd = -1}};
    error = process_tree_init(&family->tree, pid, getpid(), NULL);
    if (error == 0)
        error = add_row(family, family->tree.root);
    if (error == 0)
        error = mem_reader_init(&family->reader, pid, MEM_RSS);
    if (error == 0)
        family->can_look = oom_kills_init(&family->kills, "", pid) == 0;
    if (error != 0)
        top_family_release(family);
    return error;
}

void top_family_release(struct top_family *family)
{
    while (family->count > 0)
        drop_row(family, family->count - 1);
    free(family->ids);
    free(family->rows);
    mem_reader_release(&family->reader);
    process_tree_release(&family->tree);
    *family = (struct top_family){.reader = {.fd = -1}};
}

int64_t top_family_sum(const struct top_family *family)
{
    int64_t sum = 0;

    for (size_t i = 0; i < family->count; i++)
        if (family->rows[i].rss > 0)
            sum += family->rows[i].rss;
    return sum;
}

/* ---- reading ---- */

static int look_around(struct top_family *family)
{
    int error = process_tree_scan(&family->tree);

    for (size_t i = 0; i < family->tree.n_added && error == 0; i++)
        error = add_row(family, family->tree.added[i]);
    return error;
}

static bool is_the_same(struct process_id id)
{
    struct process_info info;

    return process_read(id.pid, &info) == 0 && info.start == id.start && !info.zombie;
}

/* The first thread may have ended, and others go on with its memory. */
static int read_root(struct top_family *family)
{
    int64_t *bytes = &family->rows[0].rss;
    int error = mem_reader_read(&family->reader, bytes);
    struct process_info info;

    if (error != -ESRCH)
        return error;
    if (process_read(family->pid, &info) != 0 || info.start != family->ids[0].start)
        return -ESRCH;
    family->task = process_living_task(family->pid);
    if (family->task == 0)
        return info.zombie ? -ESRCH : -EAGAIN;
    mem_reader_release(&family->reader);
    error = mem_reader_init(&family->reader, family->task, MEM_RSS);
    return error != 0 ? error : mem_reader_read(&family->reader, bytes);
}

static int read_rss(pid_t pid, int64_t *bytes)
{
    struct mem_reader reader;
    int error = mem_reader_init(&reader, pid, MEM_RSS);

    if (error == 0)
        error = mem_reader_read(&reader, bytes);
    mem_reader_release(&reader);
    return error;
}

/* Those that have ended are dropped. */
static void read_descendants(struct top_family *family)
{
    for (size_t i = family->count; i > 1; i--) {
        struct top_process *row = &family->rows[i - 1];
        int error = read_rss((pid_t)row->pid, &row->rss);

        if (error == -ESRCH || (error == 0 && !is_the_same(family->ids[i - 1])))
            drop_row(family, i - 1);
        else if (error != 0)
            row->rss = -1;
    }
}

static void read_shares(struct top_family *family)
{
    for (size_t i = 0; i < family->count; i++) {
        struct top_process *row = &family->rows[i];
        struct mem_share share;
        int error = mem_share_read(i == 0 ? family->task : (pid_t)row->pid, &share);

        row->pss = error == 0 ? share.pss : -1;
        row->swap = error == 0 ? share.swap : -1;
    }
}

static void read_facts(struct top_family *family)
{
    struct oom_news news;

    if (mem_peak_read(family->task, &family->peak) != 0)
        family->peak = -1;
    if (family->can_look)
        oom_kills_look(&family->kills, family->pid, &news);
    family->limits[PROFILE_CGROUP] = family->can_look ? oom_kills_limit(&family->kills) : 0;
    family->limits[PROFILE_ADDRESS] = process_address_limit(family->pid);
}

int top_family_step(struct top_family *family, int64_t now_ns)
{
    int64_t began_ns = processor_ns();
    int error = read_root(family);

    if (error == 0 && now_ns >= family->scan.due_ns) {
        error = look_around(family);
        set_pace(&family->scan, now_ns, began_ns, SECOND_NS);
        began_ns = processor_ns();
    }
    if (error != 0)
        return error;
    if (now_ns >= family->each.due_ns) {
        read_descendants(family);
        set_pace(&family->each, now_ns, began_ns, SECOND_NS / 4);
        began_ns = processor_ns();
    }
    if (now_ns >= family->facts.due_ns) {
        read_facts(family);
        set_pace(&family->facts, now_ns, began_ns, SECOND_NS);
        began_ns = processor_ns();
    }
    if (now_ns >= family->share.due_ns) {
        read_shares(family);
        set_pace(&family->share, now_ns, began_ns, SECOND_NS);
    }
    return 0;
}
