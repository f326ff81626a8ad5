/*
 * libFuzzer: a profile that comes in two pieces, whatever its bytes, is a run of finite numbers,
 * and frames of it in a window of any size show text that no terminal acts upon. An input is five
 * bytes (where it is cut, columns, rows, list, order), then the file.
 */
#include "fuzz.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "memprof/profile/dat_scan.h"
#include "memprof/profile/live_run.h"
#include "plots/top_frame.h"

/* The file behind the descriptor grows; where it is read stays. */
static void append(int fd, const uint8_t *bytes, size_t length)
{
    off_t at = lseek(fd, 0, SEEK_CUR);

    check(pwrite(fd, bytes, length, lseek(fd, 0, SEEK_END)) == (ssize_t)length);
    lseek(fd, at, SEEK_SET);
}

static void check_run(const struct live_run *run)
{
    check(isfinite(run->start) && isfinite(run->last.memory) && isfinite(run->last.moment));
    check(run->peak.memory >= run->last.memory || run->samples == 0 || run->last.memory < 0);
    check(run->curve.used <= PEAK_CURVE_BUCKETS && run->types.count <= TYPE_COUNTS_MOST);
}

/* Sequences of the screen's own begin with ESC; all else is text. */
static void check_text(const char *text, size_t length)
{
    check(fuzz_is_clean(text, length, "\x1b"));
    for (const char *at = strchr(text, '\x1b'); at != NULL; at = strchr(at + 1, '\x1b'))
        check(at[1] == '[' && at[2] != '\0' && strchr("0123456789?m", at[2]) != NULL);
}

static void draw(struct top_facts *view, struct screen *screen)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    check(out != NULL && top_frame_draw(view, screen) == 0);
    screen_write(screen, out);
    check(fclose(out) == 0);
    check_text(text, length);
    free(text);
    out = open_memstream(&text, &length);
    check(out != NULL);
    top_frame_line(view, out);
    check(fclose(out) == 0 && fuzz_is_clean(text, length, ""));
    free(text);
}

static void show(const struct live_run *run, struct top_facts *view, int columns, int rows,
                 int utf8)
{
    struct open_spans open;
    struct screen screen;

    check(open_set_list(&run->open, &open) == 0);
    view->run = run;
    view->title = view->state = "x";
    view->now = run->last.moment;
    view->open = &open;
    screen_init(&screen, utf8, TEXT_256);
    check(screen_resize(&screen, columns, rows) == 0);
    draw(view, &screen);
    screen_release(&screen);
    open_spans_release(&open);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    unsigned cut = take(&bytes, &length), columns = take(&bytes, &length);
    unsigned rows = take(&bytes, &length), list = take(&bytes, &length);
    unsigned sort = take(&bytes, &length);
    struct top_facts view = {
        .list = (enum top_list)(list % 3), .has_keys = list & 64, .sort = (int)sort};
    struct live_run run = {0};
    struct dat_scanner scanner;
    struct dat_counts counts = {0};
    size_t first = length * cut / 256;
    int fd = fuzz_file(bytes, first);

    dat_scanner_init(&scanner, live_run_visit, &run, &counts);
    check(dat_scanner_read(&scanner, fd) == 0);
    append(fd, bytes + first, length - first);
    check(dat_scanner_read(&scanner, fd) == 0);
    close(fd);
    check_run(&run);
    show(&run, &view, (int)columns, (int)rows % 80, list & 128);
    dat_scanner_release(&scanner);
    live_run_release(&run);
    return 0;
}
