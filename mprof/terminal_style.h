/* What a terminal can show, by its environment. */
#ifndef MPROF_TERMINAL_STYLE_H
#define MPROF_TERMINAL_STYLE_H

#include <stdbool.h>

#include "plots/text_canvas.h"

bool terminal_style_is_utf8(void);

/* None where NO_COLOR asks for it, and where the descriptor is no terminal or a plain one. */
enum text_colours terminal_style_colours(int fd);

#endif
