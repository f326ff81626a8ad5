#include "plots/top_frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plots/limit_text.h"
#include "plots/top_curve.h"
#include "plots/top_lists.h"
#include "plots/plot_text.h"
#include "plots/span_name.h"

#define MEBIBYTE (1 << 20)

/* Rows that are always there: title and facts; a curve with fewer rows shows nothing. */
#define FIXED 2
#define LEAST_CURVE 4
#define LEAST_LIST 3

static void put_title(const struct top_facts *view, struct screen *screen)
{
    int state = plot_text_columns(view->state), room = screen->columns - state - 2;

    screen_put(screen, 0, 0, room > 8 ? room : screen->columns, SCREEN_BOLD, view->title);
    if (room > 8)
        screen_put_right(screen, 0, room, screen->columns - room, SCREEN_PLAIN, view->state);
}

static int put_fact(struct screen *screen, int column, enum screen_style style, const char *text)
{
    if (column > 0)
        column = screen_put(screen, 1, column, 3, SCREEN_PLAIN, screen->utf8 ? " · " : " - ");
    return screen_put(screen, 1, column, screen->columns - column, style, text);
}

/* "cgroup limit 512 MiB (24 %)" */
static void limit_fact(const struct live_run *run, enum profile_limit which, int64_t limit,
                       char *text, size_t size)
{
    char amount[PLOT_NUMBER_SIZE];
    int length;

    limit_text(limit, amount);
    length = snprintf(text, size, "%s %s", limit_text_name(which), amount);
    if (which == PROFILE_CGROUP && length > 0 && (size_t)length < size)
        snprintf(text + length, size - (size_t)length, " (%.0f %%)",
                 100 * run->last.memory * MEBIBYTE / (double)limit);
}

static void put_facts(const struct top_facts *view, struct screen *screen)
{
    const struct live_run *run = view->run;
    char number[PLOT_NUMBER_SIZE], when[PLOT_NUMBER_SIZE], text[160];
    enum profile_limit which = PROFILE_CGROUP;
    int64_t limit = top_curve_limit(run, &which);
    double at = run->peak.moment - run->start;
    int column;

    if (run->samples == 0) {
        put_fact(screen, 0, SCREEN_FAINT, "no sample yet");
        return;
    }
    plot_text_memory(run->last.memory, number);
    snprintf(text, sizeof text, "%s%s", number, run->sum ? " with children" : "");
    column = put_fact(screen, 0, SCREEN_BOLD, text);
    plot_text_memory(run->peak.memory, number);
    plot_text_duration(at, when);
    snprintf(text, sizeof text, at < 0.001 ? "peak %s" : "peak %s at %s", number, when);
    column = put_fact(screen, column, SCREEN_PEAK, text);
    if (limit == 0)
        return;
    limit_fact(run, which, limit, text, sizeof text);
    put_fact(screen, column, SCREEN_LIMIT, text);
}

static void put_keys(const struct top_facts *view, struct screen *screen)
{
    char text[160];

    snprintf(text, sizeof text, "%sq quit  %s  s sort: %s  t %s  p %s  ? help",
             view->is_paused ? "PAUSED  " : "", screen->utf8 ? "↑↓ scroll" : "j k scroll",
             top_lists_sort_name(view), view->list == TOP_TYPES ? "processes" : "types",
             view->is_paused ? "go on" : "pause");
    screen_put(screen, screen->rows - 1, 0, screen->columns, SCREEN_FAINT, text);
}

int top_frame_draw(struct top_facts *view, struct screen *screen)
{
    int rest = screen->rows - FIXED - view->has_keys, curve = rest * 2 / 5;

    if (rest < LEAST_CURVE + LEAST_LIST)
        curve = 0;
    else if (curve < LEAST_CURVE)
        curve = LEAST_CURVE;
    screen_clear(screen);
    put_title(view, screen);
    put_facts(view, screen);
    top_curve_draw(screen, 2, curve, view->run, view->now);
    if (view->has_keys && rest >= 0)
        put_keys(view, screen);
    return rest <= 0 ? 0 : top_lists_draw(view, screen, 2 + curve, rest - curve);
}

/* ---- a line of a log ---- */

static void put_sums(const struct top_facts *view, FILE *out)
{
    int64_t pss = 0, swap = 0;
    char text[PLOT_NUMBER_SIZE];

    for (size_t i = 0; i < view->n_processes; i++) {
        const struct top_process *process = &view->processes[i];

        pss = pss < 0 || process->pss < 0 ? -1 : pss + process->pss;
        swap = swap < 0 || process->swap < 0 ? -1 : swap + process->swap;
    }
    if (view->n_processes > 0)
        fprintf(out, "  processes %zu", view->n_processes);
    if (view->n_processes > 0 && pss >= 0) {
        plot_text_memory((double)pss / MEBIBYTE, text);
        fprintf(out, "  PSS %s", text);
    }
    if (view->n_processes > 0 && swap > 0) {
        plot_text_memory((double)swap / MEBIBYTE, text);
        fprintf(out, "  swap %s", text);
    }
}

/* Columns of a name in a line. */
#define LINE_NAME 60

/* Cut between characters, with "…" for the rest. */
static void put_name(const char *name, FILE *out)
{
    const char *end = name;
    int columns = 0;

    while (*end != '\0' && columns < LINE_NAME) {
        const char *next = end;

        (void)plot_text_next(&next);
        columns++;
        end = next;
    }
    fprintf(out, "%.*s%s", (int)(end - name), name, *end == '\0' ? "" : "…");
}

/* The innermost of those that are open. */
static void put_innermost(const struct top_facts *view, FILE *out)
{
    const struct open_span *span = view->open->count > 0 ? &view->open->spans[0] : NULL;
    char text[PLOT_NUMBER_SIZE], *name;
    double added = span == NULL ? 0 : view->run->last.memory - span->memory;

    if (span == NULL)
        return;
    name = plot_text_visible(span->name, strlen(span->name));
    plot_text_memory(added, text);
    fputs("  in ", out);
    put_name(name == NULL ? "?" : name + span_name_is_block(name), out);
    fprintf(out, " %s%s", added < 0 ? "" : "+", text);
    free(name);
}

void top_frame_line(const struct top_facts *view, FILE *out)
{
    char text[PLOT_NUMBER_SIZE];

    if (view->run->samples == 0) {
        fputs("  no sample yet", out);
    } else {
        plot_text_memory(view->run->last.memory, text);
        fprintf(out, "  %s", text);
        plot_text_memory(view->run->peak.memory, text);
        fprintf(out, "  peak %s", text);
    }
    put_sums(view, out);
    put_innermost(view, out);
    fprintf(out, "  %s\n", view->state);
}
