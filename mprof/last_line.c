#include "mprof/last_line.h"

#include <stdio.h>
#include <stdlib.h>

#include "mprof/error_line.h"
#include "mprof/shell_word.h"
#include "plots/ending_text.h"
#include "plots/limit_text.h"

static void print_memory(FILE *out, int64_t bytes)
{
    double mebibytes = (double)bytes / (1 << 20);

    if (mebibytes >= 1024)
        fprintf(out, "%.2f GiB", mebibytes / 1024);
    else
        fprintf(out, "%.2f MiB", mebibytes);
}

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

static void print_peak(const char *what, int64_t bytes, int64_t at_ns,
                       const struct sampler *sampler)
{
    fprintf(stderr, "%s ", what);
    print_memory(stderr, bytes);
    fprintf(stderr, " at %.1f s", seconds(at_ns > 0 ? at_ns - sampler->start_ns : 0));
}

/* Where there were descendants, also of the sum, which is no less than the program's own. */
static void print_peaks(const struct sampler *sampler)
{
    const struct sample_target *root = &sampler->targets[0];
    int is_hwm = root->hwm > root->largest;
    int64_t own = is_hwm ? root->hwm : root->largest,
            own_ns = is_hwm ? root->hwm_ns : root->largest_ns;
    int is_own = own > sampler->sum_bytes;

    if (sampler->descendants == 0) {
        print_peak("peak", sampler->peak_bytes, sampler->peak_ns, sampler);
        return;
    }
    print_peak("peak of the sum", is_own ? own : sampler->sum_bytes,
               is_own ? own_ns : sampler->sum_ns, sampler);
    print_peak(" · main process", own, own_ns, sampler);
}

static void print_limits(const int64_t *limits)
{
    char text[PLOT_NUMBER_SIZE];

    for (int i = 0; i < PROFILE_LIMITS; i++)
        if (limits[i] > 0) {
            limit_text(limits[i], text);
            fprintf(stderr, " · %s %s", limit_text_name((enum profile_limit)i), text);
        }
}

void last_line_print(const struct last_line *line)
{
    const struct sampler *sampler = line->sampler;
    char *visible = error_line_visible(line->file), *word = shell_word(line->file);
    char ending[ENDING_TEXT_SIZE];

    fprintf(stderr, "mprof: ");
    print_peaks(sampler);
    ending_text_brief(line->ending, ending);
    if (*ending != '\0')
        fprintf(stderr, " · %s", ending);
    fprintf(stderr, " · real %.2f", seconds(line->real_ns));
    if (line->end != NULL)
        fprintf(stderr, " user %.2f sys %.2f", seconds(line->end->user_ns),
                seconds(line->end->system_ns));
    fprintf(stderr, " · %lld samples", (long long)sampler->samples);
    if (sampler->missed > 0)
        fprintf(stderr, " (%lld deadlines missed)", (long long)sampler->missed);
    print_limits(line->limits);
    fprintf(stderr, " · %s · next: mprof plot", visible != NULL ? visible : "");
    fprintf(stderr, line->named_by_us ? "\n" : " %s\n", word != NULL ? word : "");
    free(visible);
    free(word);
}
