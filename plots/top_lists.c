#include "plots/top_lists.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plots/number.h"
#include "plots/plot_text.h"
#include "plots/span_name.h"

/* Columns of a number, with the blank before it. */
#define PID 9
#define NUMBER 12

#define MEBIBYTE (1 << 20)

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Where the next row of a list goes; those that are scrolled away are counted alone. */
struct page {
    struct screen *screen;
    int top, rows;
    int hidden; /* above */
    int next;   /* number of the next row */
};

/* The row of the screen that the next row of the list has; -1: it is not to be seen. */
static int next_row(struct page *page)
{
    int row = page->next++ - page->hidden;

    return row >= 0 && row < page->rows ? page->top + row : -1;
}

static void skip_row(struct page *page)
{
    page->next++;
}

static int put_number(struct page *page, int row, int column, int width, const char *text,
                      enum screen_style style)
{
    screen_put_right(page->screen, row, column + 1, width - 1, style, text);
    return column + width;
}

/* Amounts that would be 0.00 MiB are told in KiB, and nothing as 0. */
static void amount_text(double mebibytes, char text[PLOT_NUMBER_SIZE])
{
    double tenths = nearest_whole(mebibytes * 1024 * 10);

    if (tenths == 0)
        snprintf(text, PLOT_NUMBER_SIZE, "0");
    else if (magnitude(mebibytes) < 0.1)
        snprintf(text, PLOT_NUMBER_SIZE, "%s%d.%d KiB", tenths < 0 ? "-" : "",
                 (int)magnitude(tenths) / 10, (int)magnitude(tenths) % 10);
    else
        plot_text_memory(mebibytes, text);
}

static int put_memory(struct page *page, int row, int column, int64_t bytes)
{
    char text[PLOT_NUMBER_SIZE] = "-";

    if (bytes >= 0)
        amount_text((double)bytes / MEBIBYTE, text);
    return put_number(page, row, column, NUMBER, text, SCREEN_PLAIN);
}

/* "+3.20 MiB" */
static int put_change(struct page *page, int row, int column, double mebibytes)
{
    char text[PLOT_NUMBER_SIZE + 1] = "+", *number = text + 1;

    amount_text(mebibytes, number);
    if (*number == '-' || strcmp(number, "0") == 0)
        return put_number(page, row, column, NUMBER, number, SCREEN_PLAIN);
    return put_number(page, row, column, NUMBER, text, SCREEN_PLAIN);
}

/* Any bytes, made visible. */
static int put_name(struct page *page, int row, int column, const char *name)
{
    char *text = plot_text_visible(name, strlen(name));

    if (text == NULL)
        return -ENOMEM;
    screen_put(page->screen, row, column, page->screen->columns - column, SCREEN_PLAIN, text);
    free(text);
    return 0;
}

/* A heading; the one that is sorted by has a mark. */
static int put_heading(struct page *page, int row, int column, int width, const char *name,
                       const char *sorted)
{
    char text[40];

    snprintf(text, sizeof text, "%s%s", name,
             strcmp(name, sorted) != 0 ? ""
             : page->screen->utf8      ? "▾"
                                       : "v");
    return put_number(page, row, column, width, text, SCREEN_BOLD);
}

static void put_line(struct page *page, enum screen_style style, const char *text)
{
    int row = next_row(page);

    if (row >= 0)
        screen_put(page->screen, row, 0, page->screen->columns, style, text);
}

/* ---- processes ---- */

static int by_rss(const void *left, const void *right)
{
    const struct top_process *a = left, *b = right;

    return a->rss != b->rss ? (a->rss < b->rss ? 1 : -1) : (a->pid > b->pid) - (a->pid < b->pid);
}

static int by_pss(const void *left, const void *right)
{
    const struct top_process *a = left, *b = right;

    return a->pss != b->pss ? (a->pss < b->pss ? 1 : -1) : by_rss(left, right);
}

static int by_swap(const void *left, const void *right)
{
    const struct top_process *a = left, *b = right;

    return a->swap != b->swap ? (a->swap < b->swap ? 1 : -1) : by_rss(left, right);
}

static int by_pid(const void *left, const void *right)
{
    const struct top_process *a = left, *b = right;

    return (a->pid > b->pid) - (a->pid < b->pid);
}

static const struct process_order {
    const char *name;
    int (*compare)(const void *left, const void *right);
} process_orders[] = {{"RSS", by_rss}, {"PSS", by_pss}, {"swap", by_swap}, {"PID", by_pid}};

static const struct process_order *process_order(const struct top_facts *view)
{
    return &process_orders[(size_t)view->sort % LENGTH(process_orders)];
}

/* What all of them hold together; RSS is not added up: it has pages of several in it. */
static void together(const struct top_facts *view, char *text, size_t size)
{
    char pss[PLOT_NUMBER_SIZE], all[2 * PLOT_NUMBER_SIZE] = "";
    int64_t sum = 0;
    size_t known = 0;

    for (size_t i = 0; i < view->n_processes; i++)
        if (view->processes[i].pss >= 0) {
            sum += view->processes[i].pss;
            known++;
        }
    plot_text_memory((double)sum / MEBIBYTE, pss);
    if (known == view->n_processes)
        snprintf(all, sizeof all, ": PSS %s", pss);
    snprintf(text, size, "%zu process%s%s", view->n_processes, view->n_processes == 1 ? "" : "es",
             view->n_processes > 1 ? all : "");
}

static void put_process_headings(struct page *page, const struct top_facts *view)
{
    const char *sorted = process_order(view)->name;
    int row = next_row(page), column;
    char text[120];

    if (row < 0)
        return;
    column = put_heading(page, row, 0, PID, "PID", sorted);
    column = put_heading(page, row, column, NUMBER, "RSS", sorted);
    column = put_heading(page, row, column, NUMBER, "PSS", sorted);
    column = put_heading(page, row, column, NUMBER, "swap", sorted);
    together(view, text, sizeof text);
    screen_put(page->screen, row, column + 2, page->screen->columns, SCREEN_BOLD, text);
}

static void put_process(struct page *page, const struct top_process *process)
{
    int row = next_row(page), column;
    char pid[24];

    if (row < 0)
        return;
    snprintf(pid, sizeof pid, "%lld", (long long)process->pid);
    column = put_number(page, row, 0, PID, pid, SCREEN_PLAIN);
    column = put_memory(page, row, column, process->rss);
    column = put_memory(page, row, column, process->pss);
    column = put_memory(page, row, column, process->swap);
    screen_put(page->screen, row, column + 2, page->screen->columns, SCREEN_PLAIN,
               process->command);
}

static void put_processes(struct page *page, struct top_facts *view)
{
    if (view->n_processes == 0) {
        put_line(page, SCREEN_FAINT, "no process of it is alive");
        return;
    }
    qsort(view->processes, view->n_processes, sizeof *view->processes,
          process_order(view)->compare);
    put_process_headings(page, view);
    for (size_t i = 0; i < view->n_processes; i++)
        put_process(page, &view->processes[i]);
}

/* ---- open calls ---- */

static int put_span(struct page *page, const struct top_facts *view, const struct open_span *span)
{
    int row = next_row(page), column, indent = span->level > 0 ? 2 * span->level : 0;
    double since = view->now - span->begin;
    char text[PLOT_NUMBER_SIZE];

    if (row < 0)
        return 0;
    plot_text_duration(since > 0 ? since : 0, text);
    column = put_number(page, row, 0, PID + NUMBER, text, SCREEN_PLAIN);
    column = put_change(page, row, column, view->run->last.memory - span->memory);
    return put_name(page, row, column + 2 + (indent > 20 ? 20 : indent),
                    span_name_is_block(span->name) ? span->name + 1 : span->name);
}

/* From the outside in, as they began. */
static int put_spans(struct page *page, const struct top_facts *view)
{
    int row, column, error = 0;

    if (view->open->count == 0)
        return 0;
    skip_row(page);
    row = next_row(page);
    if (row >= 0) {
        column = put_number(page, row, 0, PID + NUMBER, "open since", SCREEN_BOLD);
        column = put_number(page, row, column, NUMBER, "added", SCREEN_BOLD);
        screen_put(page->screen, row, column + 2, page->screen->columns, SCREEN_BOLD,
                   "function or 'block'");
    }
    for (size_t i = view->open->count; i > 0 && error == 0; i--)
        error = put_span(page, view, &view->open->spans[i - 1]);
    return error;
}

/* ---- types ---- */

static int by_bytes(const void *left, const void *right)
{
    const struct type_count *a = left, *b = right;

    return (a->bytes < b->bytes) - (a->bytes > b->bytes);
}

static int by_objects(const void *left, const void *right)
{
    const struct type_count *a = left, *b = right;

    return (a->objects < b->objects) - (a->objects > b->objects);
}

static int by_growth(const void *left, const void *right)
{
    const struct type_count *a = left, *b = right;
    int64_t first = a->bytes - a->first_bytes, second = b->bytes - b->first_bytes;

    return (first < second) - (first > second);
}

static const struct type_order {
    const char *name;
    int (*compare)(const void *left, const void *right);
} type_orders[] = {{"size", by_bytes}, {"objects", by_objects}, {"change", by_growth}};

static const struct type_order *type_order(const struct top_facts *view)
{
    return &type_orders[(size_t)view->sort % LENGTH(type_orders)];
}

/* "+1 234" */
static void count_text(int64_t count, const char *plus, char text[PLOT_NUMBER_SIZE + 1])
{
    char number[PLOT_NUMBER_SIZE];

    plot_text_count(count < 0 ? (uint64_t)-count : (uint64_t)count, number);
    snprintf(text, PLOT_NUMBER_SIZE + 1, "%s%s", count < 0 ? "-" : plus, number);
}

static int put_type(struct page *page, const struct type_count *type)
{
    int row = next_row(page), column;
    char text[PLOT_NUMBER_SIZE + 1];

    if (row < 0)
        return 0;
    snprintf(text, sizeof text, "%lld", (long long)type->pid);
    column = put_number(page, row, 0, PID, text, SCREEN_PLAIN);
    count_text(type->objects, "", text);
    column = put_number(page, row, column, NUMBER, text, SCREEN_PLAIN);
    count_text(type->objects - type->first_objects, type->objects == type->first_objects ? "" : "+",
               text);
    column = put_number(page, row, column, NUMBER, text, SCREEN_PLAIN);
    column = put_memory(page, row, column, type->bytes);
    column = put_change(page, row, column, (double)(type->bytes - type->first_bytes) / MEBIBYTE);
    return put_name(page, row, column + 2, type->name);
}

static void put_type_headings(struct page *page, const struct top_facts *view)
{
    const char *sorted = type_order(view)->name;
    int row = next_row(page), column;

    if (row < 0)
        return;
    column = put_heading(page, row, 0, PID, "PID", sorted);
    column = put_heading(page, row, column, NUMBER, "objects", sorted);
    column = put_heading(page, row, column, NUMBER, "more", sorted);
    column = put_heading(page, row, column, NUMBER, "size", sorted);
    column = put_heading(page, row, column, NUMBER, "change", sorted);
    screen_put(page->screen, row, column + 2, page->screen->columns, SCREEN_BOLD, "type");
}

/* Those that the last recording of their process named: of others nothing is known any more. */
static size_t choose_types(const struct type_counts *types, struct type_count *chosen)
{
    double moment = 0;
    int64_t pid = -1;
    size_t count = 0;

    for (size_t i = 0; i < types->count; i++) {
        const struct type_count *type = &types->at[i];

        if (type->pid != pid)
            moment = type_counts_moment(types, pid = type->pid);
        if (type->moment >= moment)
            chosen[count++] = *type;
    }
    return count;
}

static int put_types(struct page *page, const struct top_facts *view)
{
    const struct type_counts *types = &view->run->types;
    struct type_count *chosen = calloc(types->count + 1, sizeof *chosen);
    size_t count;
    int error = 0;

    if (chosen == NULL)
        return -ENOMEM;
    count = choose_types(types, chosen);
    if (count == 0) {
        put_line(page, SCREEN_FAINT, "this run has no types recorded");
    } else {
        qsort(chosen, count, sizeof *chosen, type_order(view)->compare);
        put_type_headings(page, view);
    }
    for (size_t i = 0; i < count && error == 0; i++)
        error = put_type(page, &chosen[i]);
    free(chosen);
    return error;
}

/* ---- all of them ---- */

static void put_help(struct page *page)
{
    static const char *const lines[] = {
        "q        quit",
        "up, k    scroll the list; also down, j, and a page by PgUp, PgDn",
        "s        sort by the next column",
        "t        types of objects, and back",
        "p        pause, and go on",
        "?        this help, and back",
        "",
        "RSS      what is resident; pages that processes share count in each of them",
        "PSS      the same, shared pages divided among those who share them",
        "swap     what was moved out of memory",
        "added    what the process has now, less what it had when the call began",
        "more     objects since the first census, and change: of their size",
        "-        cannot be read: of another user, or not told by this system",
    };

    for (size_t i = 0; i < LENGTH(lines); i++)
        put_line(page, SCREEN_PLAIN, lines[i]);
}

static int put_list(struct page *page, struct top_facts *view)
{
    switch (view->list) {
    case TOP_TYPES:
        return put_types(page, view);
    case TOP_HELP:
        put_help(page);
        return 0;
    case TOP_PROCESSES:
        break;
    }
    put_processes(page, view);
    return put_spans(page, view);
}

/* How many rows a list has: it is gone through without a window. */
static int count_rows(struct top_facts *view, struct screen *screen)
{
    struct page page = {.screen = screen};

    (void)put_list(&page, view);
    return page.next;
}

int top_lists_draw(struct top_facts *view, struct screen *screen, int top, int rows)
{
    struct page page = {.screen = screen, .top = top, .rows = rows};
    int most = count_rows(view, screen) - rows;

    if (view->scroll > most)
        view->scroll = most;
    if (view->scroll < 0)
        view->scroll = 0;
    page.hidden = view->scroll;
    return put_list(&page, view);
}

const char *top_lists_sort_name(const struct top_facts *view)
{
    return view->list == TOP_TYPES ? type_order(view)->name : process_order(view)->name;
}
