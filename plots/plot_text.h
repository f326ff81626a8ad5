/*
 * Text that stands in charts: made harmless, measured, cut to a width, and numbers as text. Text is
 * UTF-8 and ends with NUL. Nothing here depends on the locale.
 */
#ifndef PLOTS_PLOT_TEXT_H
#define PLOTS_PLOT_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "plots/plot_spec.h"

/*
 * A copy of any bytes as valid UTF-8 that no terminal and no viewer acts upon: what is not UTF-8
 * becomes U+FFFD; controls, marks of direction and line separators become a middle dot; "]]>",
 * which ends a CDATA section, gets another bracket; what the fonts lack becomes '?'. The caller
 * frees it. NULL: no memory.
 */
char *plot_text_scrub(const char *bytes, size_t length, const struct plot_spec *spec);

/*
 * A copy of any bytes as one line of UTF-8 that shows what is in it: controls, marks of direction
 * and line separators as \x1b or \u202e, bytes that are no UTF-8 as \xff. The caller frees it.
 * NULL: no memory.
 */
char *plot_text_visible(const char *bytes, size_t length);

/* The character at *text, which is moved to the next one; 0 at the end. The text must be scrubbed.
 */
uint32_t plot_text_next(const char **text);

/* How wide the text is drawn with a font of `size` pixels (DejaVu Sans, or bold). */
double plot_text_width(const char *text, double size, int bold);

/* How many columns of a terminal the text takes. */
int plot_text_columns(const char *text);

/* Letters of a text that is cut, with "…" behind them; fewer would say nothing. */
#define PLOT_LEAST_LETTERS 3

/* A copy of what fits into `width` pixels; "…" stands for the rest. Empty where that would be fewer
 * than PLOT_LEAST_LETTERS. The caller frees it. NULL: no memory. */
char *plot_text_fit(const char *text, double size, int bold, double width);

#define PLOT_NUMBER_SIZE 40

/* "1.87 GiB", "376 MiB", "0.40 MiB". */
void plot_text_memory(double mebibytes, char text[PLOT_NUMBER_SIZE]);

/* "48.1 s", "3:07 min", "2:05 h"; "340 ms" and "25 µs" below a second. */
void plot_text_duration(double seconds, char text[PLOT_NUMBER_SIZE]);

/* "1 000 000". */
void plot_text_count(uint64_t count, char text[PLOT_NUMBER_SIZE]);

#endif
