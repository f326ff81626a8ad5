#include "plots/gnuplot_script.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "plots/gnuplot_data.h"
#include "plots/gnuplot_number.h"
#include "plots/gnuplot_quote.h"

#define PIXELS_OF_AN_INCH 96.0

/* What printers can reach of A4 and of letter paper. */
#define INCHES_OF_A_SHEET 7.5

/* Its first line does not show: headings stand one lower, in pixels of the layout. */
#define LINE_OF_DUMB 22.0

static const struct {
    const char *name;
    const char *set; /* behind "set terminal", before the size */
} terminals[] = {
    [GNUPLOT_PNG] = {"png", "pngcairo"},
    [GNUPLOT_SVG] = {"svg", "svg"},
    [GNUPLOT_PDF] = {"pdf", "pdfcairo"},
    [GNUPLOT_EPS] = {"eps", "epscairo"},
    [GNUPLOT_PS] = {"ps", "epscairo"},
    [GNUPLOT_JPEG] = {"jpeg", "jpeg"},
    [GNUPLOT_QT] = {"qt", "qt"},
    [GNUPLOT_WXT] = {"wxt", "wxt"},
    [GNUPLOT_X11] = {"x11", "x11"},
    [GNUPLOT_DUMB] = {"dumb", "dumb"},
    [GNUPLOT_SIXEL] = {"sixel", "sixelgd"},
};

int gnuplot_terminal_find(const char *name)
{
    for (size_t i = 0; i < sizeof terminals / sizeof terminals[0]; i++)
        if (strcmp(terminals[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* A pixel as part of the picture, which gnuplot counts from the lower left. */
static void put_screen(FILE *out, const struct layout *layout, double x, double y)
{
    fputs("screen ", out);
    gnuplot_number(out, x / layout->width);
    fputs(", screen ", out);
    gnuplot_number(out, 1 - y / layout->height);
}

static void put_colour(FILE *out, uint32_t colour)
{
    fprintf(out, "rgb '#%06x'", (unsigned)colour);
}

/* ---- the sheet ---- */

static const char *font_of(enum layout_font font, enum gnuplot_terminal terminal)
{
    int svg = terminal == GNUPLOT_SVG; /* counts in pixels, the others in points */

    switch (font) {
    case LAYOUT_TITLE:
        return svg ? "Sans Bold,17" : "Sans Bold,13";
    case LAYOUT_AXIS:
    case LAYOUT_PEAK:
        return svg ? "Sans,14" : "Sans,10.5";
    case LAYOUT_SMALL:
        break;
    }
    return svg ? "Sans,12" : "Sans,9";
}

/* The size in inches; what else these terminals have by themselves is for slides. */
static void put_inches(FILE *out, const struct layout *layout, enum gnuplot_terminal terminal)
{
    double inches = layout->width / PIXELS_OF_AN_INCH, scale = 1;

    if (terminal == GNUPLOT_PS && inches > INCHES_OF_A_SHEET)
        scale = INCHES_OF_A_SHEET / inches;
    gnuplot_number(out, inches * scale);
    fputs("in,", out);
    gnuplot_number(out, layout->height / PIXELS_OF_AN_INCH * scale);
    fputs("in fontscale ", out);
    gnuplot_number(out, 0.75 * scale);
    fputs(" linewidth ", out);
    gnuplot_number(out, 1.7 * scale);
    fputs(" dashlength 0.7", out);
}

static void put_terminal(FILE *out, const struct layout *layout, enum gnuplot_terminal terminal)
{
    fprintf(out, "set encoding utf8\nset terminal %s", terminals[terminal].set);
    if (terminal == GNUPLOT_DUMB) {
        fputs(" noenhanced\n", out);
        return;
    }
    fputs(" size ", out);
    if (terminal >= GNUPLOT_PDF && terminal <= GNUPLOT_PS)
        put_inches(out, layout, terminal);
    else
        fprintf(out, "%d,%d", layout->width, layout->height);
    fprintf(out, " font '%s'", font_of(LAYOUT_SMALL, terminal));
    if (terminal < GNUPLOT_QT || terminal == GNUPLOT_SIXEL)
        fputs(" background rgb '#ffffff'", out);
    fputs(" noenhanced\n", out);
}

static void put_ticks(FILE *out, const struct axis *axis, const char *name)
{
    char label[PLOT_NUMBER_SIZE];
    const char *between = "";

    fprintf(out, "set %s (", name);
    /* Steps are added up: a millionth of one makes good what that rounds off the last. */
    for (double at = axis_first_tick(axis); at <= axis->high + axis->step * 1e-6;
         at += axis->step) {
        axis_label(axis, at, label);
        fputs(between, out);
        gnuplot_quote(out, label);
        putc(' ', out);
        gnuplot_number(out, at);
        between = ", ";
    }
    fputs(")\n", out);
}

static void put_sheet(FILE *out, const struct layout *layout, enum gnuplot_terminal terminal)
{
    const struct chart *chart = layout->chart;

    fputs("set lmargin at screen ", out);
    gnuplot_number(out, layout->area.left / layout->width);
    fputs("; set rmargin at screen ", out);
    gnuplot_number(out, layout->area.right / layout->width);
    fputs("\nset tmargin at screen ", out);
    gnuplot_number(out, 1 - layout->area.top / layout->height);
    fputs("; set bmargin at screen ", out);
    gnuplot_number(out, 1 - layout->area.bottom / layout->height);
    fputs("\nset xrange [", out);
    gnuplot_pair(out, chart->time.low, ':', chart->time.high);
    fputs("] noextend\nset yrange [", out);
    gnuplot_pair(out, gnuplot_memory_at(layout, layout->area.bottom), ':', chart->memory.high);
    fputs("] noextend\nset border 0\nset key off\n", out);
    fprintf(out, "set tics nomirror scale 0.6 textcolor rgb '#4d4d4d' font '%s'\n",
            font_of(LAYOUT_SMALL, terminal));
    put_ticks(out, &chart->time, "xtics");
    put_ticks(out, &chart->memory, "ytics");
    fputs("set grid back xtics ytics lt 1 lc rgb '#e0e0e0' lw 1, lt 1 lc rgb '#e0e0e0' lw 1\n",
          out);
    fputs("set arrow from graph 0, first 0 to graph 1, first 0 nohead lc rgb '#8a8a8a' lw 1\n",
          out);
}

static void put_texts(FILE *out, const struct layout *layout, enum gnuplot_terminal terminal)
{
    static const char *const anchors[] = {"left", "center", "right"};
    int dumb = terminal == GNUPLOT_DUMB;

    for (size_t i = 0; i < layout->n_texts; i++) {
        const struct layout_text *text = &layout->texts[i];
        bool is_heading = text->y < layout->area.top;

        fputs("set label ", out);
        gnuplot_quote(out, text->text);
        fputs(" at ", out);
        put_screen(out, layout, text->x, text->y + (is_heading && dumb ? LINE_OF_DUMB : 0));
        fprintf(out, " %s noenhanced%s font '%s' textcolor ", anchors[text->anchor],
                text->is_upright ? " rotate by 90" : "", font_of(text->font, terminal));
        put_colour(out, text->colour);
        fputs(" front\n", out);
    }
}

static void put_rectangle(FILE *out, const struct layout *layout, const struct layout_box *box,
                          const char *how)
{
    fputs("set object rectangle from ", out);
    put_screen(out, layout, box->left, box->bottom);
    fputs(" to ", out);
    put_screen(out, layout, box->right, box->top);
    fprintf(out, " %s\n", how);
}

static void put_legend(FILE *out, const struct layout *layout)
{
    if (layout->n_legend_entries == 0)
        return;
    put_rectangle(out, layout, &layout->legend,
                  "front fs transparent solid 0.8 noborder fc rgb '#ffffff'");
    for (size_t i = 0; i < layout->n_legend_entries; i++) {
        const struct layout_legend_entry *key = &layout->legend_entries[i];

        fputs("set arrow from ", out);
        put_screen(out, layout, key->x, key->y);
        fputs(" to ", out);
        put_screen(out, layout, key->x + key->width, key->y);
        fputs(" nohead front lc ", out);
        put_colour(out, key->colour);
        fputs(" lw ", out);
        gnuplot_number(out, key->weight);
        putc('\n', out);
    }
}

int gnuplot_script_write(FILE *out, const struct layout *layout, enum gnuplot_terminal terminal)
{
    fputs("# Made by mprof plot. Self-contained: gnuplot FILE > picture\n", out);
    put_terminal(out, layout, terminal);
    put_sheet(out, layout, terminal);
    put_legend(out, layout);
    put_texts(out, layout, terminal);
    gnuplot_data(out, layout);
    if (terminal == GNUPLOT_QT || terminal == GNUPLOT_WXT || terminal == GNUPLOT_X11)
        /* A window goes with gnuplot: the script ends when the user closes it. */
        fputs("pause mouse close\n", out);
    return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
