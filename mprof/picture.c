#include "mprof/picture.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mprof/base_name.h"
#include "mprof/error_line.h"
#include "mprof/glyphs.h"
#include "mprof/gnuplot.h"
#include "mprof/helper.h"
#include "mprof/open_limit.h"
#include "mprof/picture_file.h"
#include "mprof/terminal_style.h"
#include "plots/layout_make.h"
#include "plots/metrics_write.h"
#include "plots/page.h"
#include "plots/text_plot.h"
#include "plots/trace_write.h"

/* ---- which form ---- */

static const struct suffix {
    const char *text;
    enum picture_form form;
    enum gnuplot_terminal terminal;
    const char *trailer; /* what a whole file of it ends with; NULL: nothing tells */
} suffixes[] = {
    {".png", PICTURE_GNUPLOT, GNUPLOT_PNG, "IEND"},
    {".svg", PICTURE_GNUPLOT, GNUPLOT_SVG, "</svg>"},
    {".pdf", PICTURE_GNUPLOT, GNUPLOT_PDF, "%%EOF"},
    {".jpg", PICTURE_GNUPLOT, GNUPLOT_JPEG, "\xff\xd9"},
    {".jpeg", PICTURE_GNUPLOT, GNUPLOT_JPEG, "\xff\xd9"},
    {".eps", PICTURE_GNUPLOT, GNUPLOT_EPS, "%%EOF"},
    {".ps", PICTURE_GNUPLOT, GNUPLOT_PS, "%%EOF"},
    {".html", PICTURE_PAGE, GNUPLOT_SVG, "</html>"},
    {".gp", PICTURE_SCRIPT, GNUPLOT_PNG, NULL},
    {".txt", PICTURE_TEXT, GNUPLOT_DUMB, NULL},
    {".json", PICTURE_TRACE, GNUPLOT_DUMB, "}}"},
    {".prom", PICTURE_METRICS, GNUPLOT_DUMB, NULL},
};

/* From the last point on, which is not the first character; NULL: there is none. */
static const char *suffix_text(const char *name)
{
    const char *base = base_name(name), *point = strrchr(base, '.');

    return point == base ? NULL : point;
}

static const struct suffix *suffix_of(const char *name)
{
    const char *text = suffix_text(name);

    for (size_t i = 0; text != NULL && i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (strcasecmp(text, suffixes[i].text) == 0)
            return &suffixes[i];
    return NULL;
}

bool picture_needs_all(const char *output)
{
    const struct suffix *suffix = output == NULL ? NULL : suffix_of(output);

    return suffix != NULL && suffix->form == PICTURE_TRACE;
}

/* What is there and is neither a file nor a folder: a device, a pipe. */
static bool is_other(const char *name)
{
    struct stat info;

    return stat(name, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

/* As with 0.61: NAME is NAME.png. */
static int add_suffix(struct picture_request *request)
{
    size_t size = strlen(request->output) + strlen(suffixes[0].text) + 1;

    request->named = malloc(size);
    if (request->named == NULL) {
        error_line("mprof plot: no memory");
        return 1;
    }
    snprintf(request->named, size, "%s%s", request->output, suffixes[0].text);
    request->output = request->named;
    return 0;
}

static bool has_display(void)
{
    const char *x11 = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");

    return (x11 != NULL && *x11 != '\0') || (wayland != NULL && *wayland != '\0');
}

static int choose_by_suffix(struct picture_request *request)
{
    const struct suffix *suffix = suffix_of(request->output);

    if (*base_name(request->output) == '\0') {
        error_line("mprof plot: -o needs the name of a file, not: %s",
                   error_line_name(request->output));
        return 2;
    }
    if (suffix == NULL && suffix_text(request->output) != NULL) {
        error_line(
            "mprof plot: a chart must end in .png .svg .pdf .jpg .eps .ps .html .gp or .txt, a "
            "trace in .json, metrics in .prom, not: %s",
            error_line_name(request->output));
        return 2;
    }
    request->form = suffix != NULL ? suffix->form : suffixes[0].form;
    request->terminal = suffix != NULL ? suffix->terminal : suffixes[0].terminal;
    return suffix != NULL || is_other(request->output) ? 0 : add_suffix(request);
}

static int choose_by_backend(struct picture_request *request)
{
    int terminal = gnuplot_terminal_find(request->backend);

    if (strcmp(request->backend, "block") == 0) {
        request->form = PICTURE_TEXT;
        return 0;
    }
    if (terminal < GNUPLOT_QT) {
        error_line("mprof plot: unknown backend '%s': one of qt wxt x11 dumb sixel block",
                   request->backend);
        return 2;
    }
    request->form = PICTURE_GNUPLOT;
    request->terminal = (enum gnuplot_terminal)terminal;
    return 0;
}

static int choose_by_place(struct picture_request *request)
{
    /* Into a pipe as well: what a job without a terminal draws is read in its log. */
    request->form = has_display() ? PICTURE_PAGE : PICTURE_TEXT;
    return 0;
}

/*
 * After gnuplot has failed: whether that was because there is none, or an old one, which then is
 * said. It is not asked before: that would take a fifth of the time of a picture.
 */
static int blame_gnuplot(void)
{
    struct gnuplot_version version;
    int error = gnuplot_find(&version);

    if (error == -ENOENT)
        error_line("mprof plot: gnuplot is not installed (Debian: apt install gnuplot-nox); "
                   "-o FILE.html, .txt and .gp work without it");
    else if (error != 0)
        error_line("mprof plot: gnuplot cannot be run: %s",
                   error == -EPROTO ? "its --version is none" : strerror(-error));
    else if (version.major < GNUPLOT_OLDEST_MAJOR)
        error_line("mprof plot: gnuplot %d.%d is too old: %d.0 is the oldest that will do",
                   version.major, version.minor, GNUPLOT_OLDEST_MAJOR);
    else
        return 0;
    return 1;
}

/* Pictures that are made of the machine's fonts can show only what these have. */
static bool is_of_fonts(const struct picture_request *request)
{
    return request->form == PICTURE_GNUPLOT && request->terminal < GNUPLOT_QT &&
           request->terminal != GNUPLOT_SVG;
}

static int ask_fonts(struct picture_request *request, struct plot_spec *spec)
{
    int fonts;

    request->glyphs = glyphs_open(&fonts);
    if (request->glyphs == NULL)
        return 0;
    if (fonts == 0) {
        error_line("mprof plot: no fonts are installed, so there would be no text (Debian: "
                   "apt install fonts-dejavu-core); -o FILE.svg and .html need none");
        return 1;
    }
    spec->can_show = glyphs_can_show;
    spec->context = request->glyphs;
    return 0;
}

static int check_size(const struct picture_request *request, const struct plot_spec *spec)
{
    bool is_text = request->form == PICTURE_TEXT;
    bool is_large = spec->width > PLOT_MOST_SIZE || spec->height > PLOT_MOST_SIZE;
    bool is_small = spec->width < PLOT_LEAST_WIDTH || spec->height < PLOT_LEAST_HEIGHT;

    if (!is_large && (is_text || !is_small))
        return 0;
    if (is_text) {
        error_line("mprof plot: --size of a chart of text is up to %dx%d characters, not %dx%d",
                   PLOT_MOST_SIZE, PLOT_MOST_SIZE, spec->width, spec->height);
        return 2;
    }
    error_line("mprof plot: --size of a picture is from %dx%d to %dx%d pixels, not %dx%d",
               PLOT_LEAST_WIDTH, PLOT_LEAST_HEIGHT, PLOT_MOST_SIZE, PLOT_MOST_SIZE, spec->width,
               spec->height);
    return 2;
}

int picture_choose(struct picture_request *request, struct plot_spec *spec)
{
    int status = request->output != NULL    ? choose_by_suffix(request)
                 : request->backend != NULL ? choose_by_backend(request)
                                            : choose_by_place(request);

    if (request->form == PICTURE_PAGE)
        spec->columns = PAGE_COLUMNS;
    if (status == 0)
        status = check_size(request, spec);
    if (status == 0 && is_of_fonts(request))
        status = ask_fonts(request, spec);
    return status;
}

void picture_release(struct picture_request *request, struct plot_spec *spec)
{
    glyphs_close(request->glyphs);
    request->glyphs = NULL;
    free(request->named);
    request->named = NULL;
    spec->can_show = NULL;
}

/* ---- drawing ---- */

static int write_script(FILE *out, const struct picture_request *request, const struct chart *chart,
                        const struct plot_spec *spec)
{
    struct layout layout;
    int error = layout_make(&layout, chart, spec);

    if (error == 0)
        error = gnuplot_script_write(out, &layout, request->terminal);
    layout_release(&layout);
    return error;
}

/* The script is drawn to `fd`. `message` gets what gnuplot said when it failed. */
static int draw_with_gnuplot(const struct picture_request *request, const struct chart *chart,
                             const struct plot_spec *spec, int fd, const sigset_t *mask,
                             char *message, size_t size)
{
    FILE *script = tmpfile();
    int error;

    message[0] = '\0';
    if (script == NULL)
        return -errno;
    error = write_script(script, request, chart, spec);
    if (error == 0)
        error = gnuplot_run(fileno(script), fd, mask, message, size);
    fclose(script);
    return error;
}

static int positive_number(const char *variable, int otherwise)
{
    const char *text = getenv(variable);
    int number = text == NULL ? 0 : atoi(text);

    return number > 0 ? number : otherwise;
}

static struct text_plot_style style_of(const struct picture_request *request,
                                       const struct plot_spec *spec)
{
    /* In a file and in a pipe nothing has to fit: there, all is shown. */
    struct text_plot_style style = {.columns = 100, .utf8 = 1};
    struct winsize window;

    if (request->output == NULL) {
        style.utf8 = terminal_style_is_utf8();
        style.colours = terminal_style_colours(STDOUT_FILENO);
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0) {
            style.columns = window.ws_col;
            style.rows = window.ws_row;
        }
        style.columns = positive_number("COLUMNS", style.columns);
        style.rows = positive_number("LINES", style.rows);
    }
    if (request->sized) {
        style.columns = spec->width;
        style.rows = spec->height;
    }
    return style;
}

struct drawing {
    const struct picture_request *request;
    const struct chart *chart;
    const struct plot_spec *spec;
};

/* Writes any form that needs no gnuplot. */
static int write_text(FILE *out, const void *context)
{
    const struct drawing *drawing = context;
    const struct picture_request *request = drawing->request;
    struct text_plot_style style;

    if (request->form == PICTURE_TRACE)
        return trace_write(out, request->profile, drawing->spec->title,
                           drawing->spec->no_functions);
    if (request->form == PICTURE_METRICS)
        return metrics_write(out, request->profile);
    if (request->form == PICTURE_SCRIPT)
        return write_script(out, request, drawing->chart, drawing->spec);
    if (request->form == PICTURE_PAGE)
        return page_write(out, drawing->chart);
    style = style_of(request, drawing->spec);
    return text_plot_write(out, drawing->chart, &style);
}

static int complain(const char *target, int error, const char *message)
{
    if (error == -ENODATA)
        error_line("mprof plot: there is nothing to write to %s", target);
    else if (error == -EPROTO)
        error_line("mprof plot: gnuplot failed, %s was not written: %s", target,
                   *message == '\0' ? "it was killed" : message);
    else if (error == -EBADMSG)
        error_line("mprof plot: %s was not written: gnuplot stopped before its end (is the "
                   "disk full?)%s%s",
                   target, *message == '\0' ? "" : ": ", message);
    else
        error_line("mprof plot: cannot write %s: %s", target, open_limit_why(error));
    return 1;
}

static int draw_to_file(const struct picture_request *request, const char *target,
                        const struct chart *chart, const struct plot_spec *spec)
{
    const struct suffix *suffix = suffix_of(target);
    struct drawing drawing = {request, chart, spec};
    struct picture_file file;
    char message[240] = "";
    int error = picture_file_open(&file, target);

    if (error != 0)
        return complain(target, error, message);
    if (request->form == PICTURE_GNUPLOT)
        error =
            draw_with_gnuplot(request, chart, spec, file.fd, &file.mask, message, sizeof message);
    else
        error = picture_file_write(&file, write_text, &drawing);
    error = picture_file_close(&file, error, suffix == NULL ? NULL : suffix->trailer);
    if (error != 0 && request->form == PICTURE_GNUPLOT && blame_gnuplot())
        return 1;
    if (error == 0 && is_of_fonts(request) && !glyphs_can_load())
        error_line(
            "mprof plot: this mprof is linked statically and cannot ask for fonts: characters "
            "that these lack are boxes in %s",
            target);
    return error != 0 ? complain(target, error, message) : 0;
}

/* Hands the page to the desktop. The file stays: the browser reads it when it likes. */
static int open_page(const char *path)
{
    char *const argv[] = {"xdg-open", (char *)(uintptr_t)path, NULL};
    pid_t pid = helper_start(argv, STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, NULL);

    if (pid > 0 && helper_wait(pid) == 0)
        return 0;
    error_line("mprof plot: xdg-open could not show %s: open it in a browser", path);
    return 1;
}

static int draw_in_browser(const struct picture_request *request, const struct chart *chart,
                           const struct plot_spec *spec)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];
    int fd, status;

    if (snprintf(path, sizeof path, "%s/mprof-XXXXXX.html",
                 folder != NULL && *folder != '\0' ? folder : "/tmp") >= (int)sizeof path)
        return complain("TMPDIR", -ENAMETOOLONG, "");
    /* Only takes the name: draw_to_file() writes beside it and renames. */
    fd = mkstemps(path, (int)strlen(".html"));
    if (fd < 0)
        return complain(path, -errno, "");
    close(fd);
    status = draw_to_file(request, path, chart, spec);
    if (status != 0)
        unlink(path);
    return status != 0 ? status : open_page(path);
}

int picture_draw(const struct picture_request *request, const struct chart *chart,
                 const struct plot_spec *spec)
{
    struct drawing drawing = {request, chart, spec};
    char message[240] = "";
    int error;

    if (request->output != NULL)
        return draw_to_file(request, request->output, chart, spec);
    if (request->form == PICTURE_PAGE)
        return draw_in_browser(request, chart, spec);
    /* gnuplot writes to the same descriptor, not through our buffer. */
    fflush(stdout);
    if (request->form == PICTURE_GNUPLOT)
        error =
            draw_with_gnuplot(request, chart, spec, STDOUT_FILENO, NULL, message, sizeof message);
    else
        error = write_text(stdout, &drawing);
    if (error != 0 && request->form == PICTURE_GNUPLOT && blame_gnuplot())
        return 1;
    return error != 0 ? complain("the chart", error, message) : 0;
}
