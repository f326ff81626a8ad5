/*
 * libFuzzer: of any profile and any options a chart is made, or none, and each form of it is
 * harmless: a gnuplot script, a page, a text; so are a trace and metrics. An input is four bytes of
 * options, a line that is the title, and the file.
 */
#include "fuzz.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check_outputs.h"
#include "memprof/profile/dat_reader.h"
#include "plots/chart_make.h"
#include "plots/gnuplot_script.h"
#include "plots/layout_make.h"
#include "plots/metrics_write.h"
#include "plots/page.h"
#include "plots/plot_text.h"
#include "plots/text_plan.h"
#include "plots/text_plot.h"
#include "plots/trace_write.h"

struct request {
    struct plot_spec spec;
    struct text_plot_style style;
    enum gnuplot_terminal terminal;
    int several, thinned;
};

/* A side of a window, open or of any size that mprof takes. */
static double side(unsigned byte, double open)
{
    static const double sides[] = {0, 1e-9, 0.5, 3, 1e5, 1e12, -1, -1e12};

    return byte % 16 < 8 ? open : sides[byte % 8];
}

static void read_request(struct request *request, const uint8_t **bytes, size_t *length)
{
    /* Small ones: time goes with the columns, and what can go wrong does not. */
    static const int widths[] = {PLOT_LEAST_WIDTH, 320, 400, 777};
    unsigned flags = take(bytes, length), window = take(bytes, length);
    unsigned size = take(bytes, length), style = take(bytes, length);

    *request = (struct request){
        .spec = {.no_functions = flags & 1,
                 .flame = flags >> 1 & 1,
                 .slope = flags >> 2 & 1,
                 .has_window = flags >> 3 & 1,
                 .window_begin = side(window >> 4, -INFINITY),
                 .window_end = side(window & 15, INFINITY),
                 .width = widths[size & 3],
                 .height = (size >> 2 & 1) ? PLOT_LEAST_HEIGHT : PLOT_HEIGHT,
                 .columns = (size >> 3 & 1) ? 50 : 0},
        .style = {(int)(size >> 4) * 9, (int)(style & 15) * 3, style >> 4 & 1, style >> 5 & 3},
        .terminal = (flags >> 5) % 8,
        .several = flags >> 4 & 1,
        .thinned = style >> 7 & 1,
    };
    if (!(request->spec.window_begin < request->spec.window_end))
        request->spec.has_window = 0; /* mprof refuses these */
}

static FILE *open_text(char **text, size_t *size)
{
    FILE *out = open_memstream(text, size);

    check(out != NULL);
    return out;
}

static void write_script(const struct chart *chart, const struct request *request)
{
    struct layout layout;
    char *text;
    size_t size;
    FILE *out = open_text(&text, &size);

    check(layout_make(&layout, chart, &request->spec) == 0);
    check(gnuplot_script_write(out, &layout, request->terminal) == 0 && fclose(out) == 0);
    layout_release(&layout);
    check_gnuplot(text, size);
    free(text);
}

static void write_page(const struct chart *chart)
{
    char *text;
    size_t size;
    FILE *out = open_text(&text, &size);

    check(page_write(out, chart) == 0 && fclose(out) == 0);
    check_page(text, size);
    free(text);
}

static void write_data(const struct profile *profile, const struct plot_spec *spec)
{
    char *text;
    size_t size;
    FILE *out = open_text(&text, &size);
    int error = trace_write(out, profile, spec->title, spec->no_functions);

    check((error == 0 || error == -ENODATA) && fclose(out) == 0);
    if (error == 0)
        check_trace(text, size);
    free(text);
    out = open_text(&text, &size);
    error = metrics_write(out, profile);
    check((error == 0 || error == -ENODATA) && fclose(out) == 0);
    check_metrics(text, size);
    free(text);
}

/* Takes out "ESC [ … m". The length of what is left. */
static size_t without_colours(char *text)
{
    char *to = text;

    for (const char *at = text; *at != '\0'; at++)
        if (at[0] == '\033' && at[1] == '[') {
            at += 2 + strspn(at + 2, "0123456789;");
            check(*at == 'm');
        } else {
            *to++ = *at;
        }
    *to = '\0';
    return (size_t)(to - text);
}

static void write_text(const struct chart *chart, const struct text_plot_style *style)
{
    char *text, *rest, *line;
    size_t size;
    FILE *out = open_text(&text, &size);
    int lines = 0;
    int most = style->columns > TEXT_PLOT_LEAST_COLUMNS ? style->columns : TEXT_PLOT_LEAST_COLUMNS;

    check(text_plot_write(out, chart, style) == 0 && fclose(out) == 0);
    check(strlen(text) == size);
    if (style->colours != TEXT_PLAIN)
        size = without_colours(text);
    check(fuzz_is_clean(text, size, ""));
    for (size_t i = 0; i < size && !style->utf8; i++)
        check((unsigned char)text[i] < 0x80);
    for (rest = text; (line = strsep(&rest, "\n")) != NULL; lines++)
        check(plot_text_columns(line) <= most);
    /* What stands behind the last line's end was counted, too: the row of the prompt. */
    check(style->rows < TEXT_PLAN_LEAST_ROWS || chart->n_profiles > 1 || lines <= style->rows);
    free(text);
}

static void read_profile(struct profile *profile, const struct request *request,
                         const uint8_t *bytes, size_t length)
{
    struct sample_window window = {-INFINITY, INFINITY};
    int fd = fuzz_file(bytes, length);

    if (request->spec.has_window)
        window = (struct sample_window){request->spec.window_begin, request->spec.window_end};
    check((request->thinned ? dat_read_thinned(fd, &window, profile) : dat_read(fd, profile)) == 0);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct request request;
    struct profile profile;
    struct chart chart;
    const uint8_t *end;
    char *title;
    int error;

    read_request(&request, &bytes, &length);
    end = length == 0 ? NULL : memchr(bytes, '\n', length);
    if (end == NULL)
        return 0;
    title = strndup((const char *)bytes, (size_t)(end - bytes));
    if (*title != '\0')
        request.spec.title = title;
    read_profile(&profile, &request, end + 1, length - (size_t)(end + 1 - bytes));
    const struct chart_source sources[] = {{&profile, title}, {&profile, "other.dat"}};
    error = chart_make(&chart, sources, request.several ? 2 : 1, &request.spec);
    check(error == 0 || error == -ENODATA);
    if (error == 0) {
        write_script(&chart, &request);
        write_page(&chart);
        write_text(&chart, &request.style);
    }
    write_data(&profile, &request.spec);
    chart_release(&chart);
    profile_release(&profile);
    free(title);
    return 0;
}
