/* libFuzzer: whatever the bytes, a box is read or refused; what is read lies in the bytes. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "memprof/lines/line_box.h"
#include "memprof/lines/line_box_reader.h"

static void check_within(const void *at, size_t size, const unsigned char *bytes, size_t length)
{
    const unsigned char *begin = at;

    check(begin >= bytes && size <= length && begin <= bytes + (length - size));
}

/* Sums wrap, and the law holds all the same: to what does not balance its name is given. */
static void check_function(const struct line_box_function *function, const unsigned char *bytes,
                           size_t length)
{
    const struct line_table *table = function->table;

    check(table->n_rows > 0);
    check_within(table, line_table_size(table->n_rows), bytes, length);
    if (function->name != NULL)
        check_within(function->name, function->name_length, bytes, length);
    check((uint64_t)line_table_sum(table) == (uint64_t)table->entry_bytes +
                                                 (uint64_t)line_box_segments(function) +
                                                 (uint64_t)line_box_in_flight(function));
}

static void check_running(const struct line_box_view *view, const struct line_box_running *running)
{
    const struct line_table *table;

    check(running->function < view->n_functions);
    table = view->functions[running->function].table;
    check(running->line >= table->first_line &&
          running->line < (int64_t)table->first_line + table->n_rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    unsigned char *copy = malloc(length + 1); /* at a multiple of 8 */
    struct line_box_view view;
    int error;

    check(copy != NULL);
    memcpy(copy, bytes, length);
    error = line_box_read(&view, copy, length);
    check(error == 0 || error == -EINVAL);
    check(error == 0 || (view.n_functions == 0 && view.n_running == 0));
    if (view.head != NULL)
        check_within(view.head, view.head_length, copy, length);
    for (size_t i = 0; i < view.n_functions; i++) {
        check_function(&view.functions[i], copy, length);
        check(i == 0 || view.functions[i - 1].table < view.functions[i].table);
    }
    for (size_t i = 0; i < view.n_running; i++)
        check_running(&view, &view.running[i]);
    line_box_view_release(&view);
    free(copy);
    return 0;
}
