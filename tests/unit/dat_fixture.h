/* What the tests of a profile's lines have in common. */
#ifndef TESTS_DAT_FIXTURE_H
#define TESTS_DAT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "memprof/profile/dat_record.h"

/* The parser writes into the line it reads. */
static inline enum dat_kind kind_of(const char *text)
{
    char line[200];
    struct dat_record record;

    assert_true(strlen(text) < sizeof line);
    memcpy(line, text, strlen(text) + 1);
    dat_record_parse(line, strlen(line), &record);
    return record.kind;
}

#endif
