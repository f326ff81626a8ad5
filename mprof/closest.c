#include "mprof/closest.h"

#include <string.h>

#define LONGEST 31 /* of a word that is looked at */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many mistakes make `b` of `a`: Damerau's distance, where no part is changed twice. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t rows[LONGEST + 1][LONGEST + 1];

    for (size_t i = 0; i <= n; i++)
        for (size_t j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                rows[i][j] = i + j;
                continue;
            }
            rows[i][j] = least(least(rows[i - 1][j], rows[i][j - 1]) + 1,
                               rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                rows[i][j] = least(rows[i][j], rows[i - 2][j - 2] + 1);
        }
    return rows[n][m];
}

struct closest closest_to(const char *written, size_t length)
{
    return (struct closest){written, length, NULL, length / 3 + 1};
}

void closest_try(struct closest *closest, const char *word)
{
    size_t length = strlen(word), n_mistakes;

    if (length > LONGEST || closest->length > LONGEST)
        return;
    n_mistakes = distance(closest->written, closest->length, word, length);
    if (n_mistakes >= closest->n_mistakes)
        return;
    closest->word = word;
    closest->n_mistakes = n_mistakes;
}
