/*
 * Text in a gnuplot script: the only place where it is made safe (pages: page.c). A script can run
 * commands, so no byte that means anything to gnuplot may reach it as itself.
 */
#ifndef PLOTS_GNUPLOT_QUOTE_H
#define PLOTS_GNUPLOT_QUOTE_H

#include <stdio.h>

/*
 * Writes a double-quoted literal that gnuplot reads as just this text: of ASCII only letters,
 * digits and a few signs stand for themselves, all else is an octal escape. The text is scrubbed
 * UTF-8 (plot_text.h); labels and keys that show it must be `noenhanced`.
 */
void gnuplot_quote(FILE *out, const char *text);

#endif
