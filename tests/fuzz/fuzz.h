/* What the fuzzers share. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Ends the fuzzer, which then keeps the input, where something does not hold. */
static inline void check(int holds)
{
    if (!holds)
        abort();
}

/* Takes one byte of the input to decide by, 0 when there is none. */
static inline unsigned take(const uint8_t **bytes, size_t *length)
{
    if (*length == 0)
        return 0;
    --*length;
    return *(*bytes)++;
}

/* An unnamed file with these bytes, at its begin. */
int fuzz_file(const void *bytes, size_t length);

/* Whether the text, which ends with NUL, is UTF-8 without controls, but for '\n' and what `also`
 * holds. */
bool fuzz_is_clean(const char *text, size_t length, const char *also);

#endif
