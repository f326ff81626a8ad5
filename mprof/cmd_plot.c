#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/profile/dat_reader.h"
#include "mprof/command.h"
#include "mprof/error_line.h"
#include "mprof/picture.h"
#include "mprof/profile_input.h"
#include "plots/chart_make.h"

struct plot_options {
    const char *title, *output, *window, *backend, *size;
    int no_functions, flame, slope;
};

static int plot(const struct command *self, int argc, char **argv);

static const struct option_spec options[] = {
    OPT_TEXT(
        'o', "output", struct plot_options, output, "FILE",
        "Write the chart to FILE; its suffix says what: .png .svg .pdf .jpg .eps .ps (drawn "
        "by gnuplot), .html (one page to explore, offline), .gp (a gnuplot script), .txt; .json (a "
        "trace for Perfetto, every sample in it), .prom (the last values for Prometheus). A "
        "name without one gets .png."),
    OPT_TEXT('t', "title", struct plot_options, title, "TEXT",
             "The title, instead of the command line."),
    OPT_FLAG('n', "no-function-ts", struct plot_options, no_functions,
             "Show neither functions nor blocks."),
    OPT_TEXT('w', "window", struct plot_options, window, "A,B",
             "Draw only what lies between A and B seconds after the start; one of them may be "
             "left out."),
    OPT_FLAG('f', "flame", struct plot_options, flame,
             "Draw functions as a flame graph behind the curve."),
    OPT_FLAG('s', "slope", struct plot_options, slope,
             "Draw the straight line nearest to all samples, and say its slope."),
    OPT_TEXT(0, "backend", struct plot_options, backend, "NAME",
             "Without -o: a window of gnuplot (qt wxt x11), or its picture in this terminal (dumb "
             "sixel); "
             "block is the chart that mprof draws itself."),
    OPT_TEXT(0, "size", struct plot_options, size, "WxH",
             "Pixels of a picture, 1400x760 by default; columns and rows of a .txt."),
    OPTIONS_END,
};

const struct command cmd_plot = {
    .name = "plot",
    .arguments = "[index-or-name...]",
    .summary = "Draw profiles as a chart, by default the last one.",
    .notes = "Without -o the chart opens in the browser where there is a display, and is drawn as\n"
             "text where there is none. Several profiles are drawn over each other from a common\n"
             "start. '-' reads a profile from standard input.\n",
    .options = options,
    .run = plot,
};

static int wrong(const char *what, const char *value)
{
    error_line("mprof plot: %s, not '%s'", what, value);
    return -1;
}

/* In seconds: no run is longer, and a scale can still tell its ticks apart. */
#define FARTHEST_SIDE 1e12

/* An empty side leaves what is there. 0 or -EINVAL. */
static int read_side(const char *text, double *side)
{
    if (*text == '\0')
        return 0;
    return parse_number(text, side) == 0 && fabs(*side) <= FARTHEST_SIDE ? 0 : -EINVAL;
}

/* "A,B", either of which may be left out. */
static int read_window(const char *text, struct plot_spec *spec)
{
    const char *comma = strchr(text, ',');
    char begin[64];

    spec->window_begin = -INFINITY;
    spec->window_end = INFINITY;
    if (comma == NULL || strcmp(text, ",") == 0 || (size_t)(comma - text) >= sizeof begin)
        return wrong("--window takes two numbers of seconds, like 2,7.5", text);
    memcpy(begin, text, (size_t)(comma - text));
    begin[comma - text] = '\0';
    if (read_side(begin, &spec->window_begin) != 0 || read_side(comma + 1, &spec->window_end) != 0)
        return wrong("--window takes two numbers of seconds, like 2,7.5", text);
    if (!(spec->window_begin < spec->window_end))
        return wrong("--window must end after it begins", text);
    spec->has_window = 1;
    return 0;
}

/* "1400x760". */
static int read_size(const char *text, struct plot_spec *spec)
{
    char end;

    /* Five digits fit into an int whatever they are; %c finds what must not follow. */
    if (sscanf(text, "%5dx%5d%c", &spec->width, &spec->height, &end) != 2 || spec->width < 1 ||
        spec->height < 1)
        return wrong("--size takes two numbers, like 1400x760", text);
    return 0;
}

/* Says what is wrong with one of the values; 0 when nothing is. */
static int read_options(const struct plot_options *values, struct plot_spec *spec)
{
    spec->title = values->title;
    spec->no_functions = values->no_functions;
    spec->flame = values->flame;
    spec->slope = values->slope;
    if (values->window != NULL && read_window(values->window, spec) != 0)
        return -1;
    return values->size != NULL ? read_size(values->size, spec) : 0;
}

/* ---- profiles ---- */

struct inputs {
    struct profile *profiles;
    struct chart_source *sources;
    size_t count;
    bool needs_all; /* nothing is thinned */
};

static void inputs_release(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++)
        profile_release(&inputs->profiles[i]);
    free(inputs->profiles);
    free(inputs->sources);
}

static int read_one(struct inputs *inputs, const char *name, const struct plot_spec *spec)
{
    bool all = inputs->needs_all;
    struct sample_window window = {-INFINITY, INFINITY};
    struct profile *profile = &inputs->profiles[inputs->count];
    int fd = profile_input_open(name), error;

    if (spec->has_window)
        window = (struct sample_window){spec->window_begin, spec->window_end};
    profile_init(profile);
    error = fd < 0 ? fd : all ? dat_read(fd, profile) : dat_read_thinned(fd, &window, profile);
    if (fd >= 0)
        profile_input_close(fd);
    inputs->sources[inputs->count] =
        (struct chart_source){profile, strcmp(name, "-") == 0 ? "standard input" : name};
    inputs->count++;
    if (error != 0)
        error_line("mprof plot: cannot read %s: %s", name, profile_input_why(error));
    else if (profile->lines == 0)
        error_line("mprof plot: %s is empty", name);
    else if (profile->broken > 0)
        error_line("mprof plot: %s: skipped %llu damaged or truncated line%s", name,
                   (unsigned long long)profile->broken, profile->broken == 1 ? "" : "s");
    return error != 0 || profile->lines == 0 ? 1 : 0;
}

/* Who asks for a page by --flame means stacks that allocated, which are no profile. */
static bool wants_flame_file(const struct plot_options *values, int count, char **names)
{
    for (int i = 0; values->flame && i < count; i++) {
        const char *end = strrchr(names[i], '.');

        if (end == NULL || strcmp(end, ".html") != 0)
            continue;
        error_line("mprof plot: %s is no profile; --flame draws calls over time, on a page with -o "
                   "%s. Stacks that allocate: python -m memory_profiler --flame %s script.py",
                   names[i], names[i], names[i]);
        return true;
    }
    return false;
}

/* Reads what the arguments name. An exit status: 0 when all could be read. */
static int read_inputs(struct inputs *inputs, const struct profile_dir *dir, int count,
                       char **names, const struct plot_spec *spec)
{
    size_t room = count > 0 ? (size_t)count : 1;
    int status = 0;

    inputs->profiles = calloc(room, sizeof *inputs->profiles);
    inputs->sources = calloc(room, sizeof *inputs->sources);
    if (inputs->profiles == NULL || inputs->sources == NULL) {
        error_line("mprof plot: no memory");
        return 1;
    }
    if (count == 0) {
        const char *last = profile_input_last(dir);

        return last == NULL ? PROFILE_INPUT_NONE : read_one(inputs, last, spec);
    }
    for (int i = 0; i < count && status == 0; i++) {
        const char *name =
            strcmp(names[i], "-") == 0 ? names[i] : profile_input_named(dir, names[i]);

        status = name == NULL ? PROFILE_INPUT_NONE : read_one(inputs, name, spec);
    }
    return status;
}

/* ---- the command ---- */

/* What belongs to drawing says nothing about data. */
static int check_data(const struct inputs *inputs, const struct plot_options *values,
                      bool is_metrics)
{
    const char *name = values->window != NULL                ? "--window"
                       : values->flame                       ? "--flame"
                       : values->slope                       ? "--slope"
                       : values->size != NULL                ? "--size"
                       : is_metrics && values->title != NULL ? "--title"
                                                             : NULL;

    if (name != NULL)
        error_line("mprof plot: %s is for charts, not for %s", name,
                   error_line_name(values->output));
    else if (inputs->count != 1)
        error_line("mprof plot: %s holds one profile, not %zu", error_line_name(values->output),
                   inputs->count);
    return name != NULL || inputs->count != 1 ? 2 : 0;
}

static int write_data(const struct inputs *inputs, const struct plot_options *values,
                      struct picture_request *request, const struct plot_spec *spec)
{
    int status = check_data(inputs, values, request->form == PICTURE_METRICS);

    request->profile = &inputs->profiles[0];
    return status != 0 ? status : picture_draw(request, NULL, spec);
}

/* Only a page has room for them. */
static void tell_types(const struct chart *chart, const struct picture_request *request)
{
    if (chart->n_types > 0 && request->form != PICTURE_PAGE)
        error_line(
            "mprof plot: types were recorded, too: -o NAME.html lists them, mprof peak --types "
            "tells what grew");
}

static int draw(const struct inputs *inputs, const struct plot_options *values,
                struct plot_spec *spec)
{
    struct picture_request request = {
        .output = values->output, .backend = values->backend, .sized = values->size != NULL};
    struct chart chart;
    int status, error;

    status = picture_choose(&request, spec);
    if (status == 0 && picture_is_data(request.form))
        status = write_data(inputs, values, &request, spec);
    if (status != 0 || picture_is_data(request.form)) {
        picture_release(&request, spec);
        return status;
    }
    error = chart_make(&chart, inputs->sources, inputs->count, spec);
    if (error == -ENODATA && spec->has_window)
        error_line("mprof plot: there is nothing in that window");
    else if (error == -ENODATA)
        error_line("mprof plot: %s holds nothing to draw",
                   inputs->count == 1 ? inputs->sources[0].name : "one of the profiles");
    else if (error != 0)
        error_line("mprof plot: %s", strerror(-error));
    status = error != 0 ? 1 : picture_draw(&request, &chart, spec);
    if (status == 0)
        tell_types(&chart, &request);
    chart_release(&chart);
    picture_release(&request, spec);
    return status;
}

static int plot(const struct command *self, int argc, char **argv)
{
    struct plot_options values = {0};
    struct plot_spec spec = {.width = PLOT_WIDTH, .height = PLOT_HEIGHT};
    struct inputs inputs = {0};
    struct profile_dir dir;
    int count = command_parse(self, argc, argv, &values), error, status;

    if (count < 0)
        return command_status(count);
    if (read_options(&values, &spec) != 0 || wants_flame_file(&values, count, argv + 1))
        return 2;
    inputs.needs_all = picture_needs_all(values.output);
    error = profile_dir_read(&dir);
    if (error != 0) {
        error_line("mprof plot: cannot read this folder: %s", strerror(-error));
        return 1;
    }
    status = read_inputs(&inputs, &dir, count, argv + 1, &spec);
    if (status == 0)
        status = draw(&inputs, &values, &spec);
    inputs_release(&inputs);
    profile_dir_release(&dir);
    return status;
}
