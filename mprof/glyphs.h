/* Which characters the installed fonts have: a picture shows others as large black boxes. */
#ifndef MPROF_GLYPHS_H
#define MPROF_GLYPHS_H

#include <stdbool.h>
#include <stdint.h>

struct glyphs;

/*
 * Asks the fontconfig library, which is loaded for it. NULL where there is none; then nothing is
 * known. *fonts: how many fonts there are.
 */
struct glyphs *glyphs_open(int *fonts);
void glyphs_close(struct glyphs *glyphs);

/* Whether it can be asked at all: a program that is linked statically loads no library. */
bool glyphs_can_load(void);

/* Whether any font has the character; `context` is the struct glyphs. */
bool glyphs_can_show(void *context, uint32_t character);

#endif
