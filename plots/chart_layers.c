#include "plots/chart_layers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/profile/profile_peak.h"
#include "memprof/profile/sample_buckets.h"
#include "plots/chart_subtitle.h"
#include "plots/limit_text.h"
#include "plots/number.h"

/* ---- layers ---- */

static const struct {
    const char *name;
    uint32_t colour;
} kinds[PROFILE_PARTS] = {
    [PROFILE_ANONYMOUS] = {"anonymous", 0x6fa8dc},
    [PROFILE_FILE] = {"file", 0x93c47d},
    [PROFILE_SHARED] = {"shared", 0xf6b26b},
    [PROFILE_SWAP] = {"swap", 0xb4a7d6},
};

/* A moment and what each part holds then; of several samples what was added up for a mean. */
struct row {
    double moment;
    double parts[PROFILE_PARTS];
    uint64_t count;
};

struct rows {
    struct row *at;
    size_t count;
};

static size_t count_rows(const struct profile *profile)
{
    /* Of each part there are as many. */
    return profile->parts[0].buckets != NULL ? SAMPLE_BUCKETS : profile->parts[0].count;
}

/* Of thinned series the buckets, which are of the same moments in all of them. False: it is empty.
 */
static bool read_row(const struct profile *profile, size_t i, struct row *row)
{
    const struct sample_buckets *buckets = profile->parts[0].buckets;

    row->moment = buckets == NULL ? profile->parts[0].at[i].moment
                                  : buckets->begin + ((double)i + 0.5) * buckets->width;
    row->count = buckets == NULL ? 1 : buckets->at[i].count;
    for (size_t part = 0; part < PROFILE_PARTS && row->count > 0; part++) {
        const struct profile_samples *samples = &profile->parts[part];

        row->parts[part] = buckets == NULL ? samples->at[i].memory : samples->buckets->at[i].sum;
    }
    return row->count > 0;
}

/* Those inside the frame, and the nearest outside on either side: the edges cut the layers. */
static int read_rows(const struct profile *profile, const struct chart_frame *frame,
                     struct rows *rows)
{
    size_t most = count_rows(profile);
    struct row row = {0};

    rows->at = malloc((most + 1) * sizeof *rows->at);
    if (rows->at == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < most; i++) {
        if (!read_row(profile, i, &row))
            continue;
        if (rows->count == 1 && row.moment - frame->zero <= frame->begin)
            rows->count = 0;
        rows->at[rows->count++] = row;
        if (row.moment - frame->zero > frame->end)
            break;
    }
    return 0;
}

/* Adds those of a column up, in place: with a run between them they are columns of their own. */
static void gather_columns(const struct profile *profile, const struct chart_frame *frame,
                           size_t columns, struct rows *rows)
{
    double width = (frame->end - frame->begin) / (double)columns, column = 0;
    size_t kept = 0;

    for (size_t i = 0; i < rows->count; i++) {
        const struct row row = rows->at[i];
        double place = (row.moment - frame->zero - frame->begin) / width;
        struct row *last = kept == 0 ? NULL : &rows->at[kept - 1];

        if (last == NULL || place >= column + 1 ||
            profile_begins_between(profile, last->moment, row.moment)) {
            column = place < 0 ? -1 : (double)(size_t)smaller(place, (double)columns);
            rows->at[kept++] = row;
            continue;
        }
        for (size_t part = 0; part < PROFILE_PARTS; part++)
            last->parts[part] += row.parts[part];
        last->count += row.count;
    }
    rows->count = kept;
}

static struct chart_layer_point point_of(const struct row *row, const struct chart_frame *frame)
{
    struct chart_layer_point point = {.time = row->moment - frame->zero};
    double top = 0;

    for (size_t part = 0; part < PROFILE_PARTS; part++)
        point.top[part] = top += row->parts[part] / (double)row->count;
    return point;
}

/* Where the edges between two points are at the edge of the frame. */
static struct chart_layer_point cut(const struct chart_layer_point *a,
                                    const struct chart_layer_point *b, double time)
{
    struct chart_layer_point point = {.time = time};
    double share = b->time > a->time ? (time - a->time) / (b->time - a->time) : 0;

    for (size_t part = 0; part < PROFILE_PARTS; part++)
        point.top[part] = a->top[part] + share * (b->top[part] - a->top[part]);
    return point;
}

/* One more point, which goes on from the one before unless a run begins. */
static void put(struct chart_layers *layers, const struct chart_layer_point *before,
                const struct chart_layer_point *point, const struct chart_frame *frame)
{
    if (before != NULL && before->time < frame->begin && point->time > frame->begin)
        layers->at[layers->count++] = cut(before, point, frame->begin);
    if (before != NULL && before->time <= frame->end && point->time > frame->end)
        layers->at[layers->count++] = cut(before, point, frame->end);
    if (point->time >= frame->begin && point->time <= frame->end)
        layers->at[layers->count++] = *point;
}

static int put_rows(struct chart_layers *layers, const struct profile *profile,
                    const struct rows *rows, const struct chart_frame *frame)
{
    struct chart_layer_point point, before = {0};

    /* Each may have an edge before it. */
    layers->at = calloc(2 * rows->count + 1, sizeof *layers->at);
    layers->lifts = calloc(rows->count + 1, sizeof *layers->lifts);
    if (layers->at == NULL || layers->lifts == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < rows->count; i++, before = point) {
        bool apart =
            i > 0 && profile_begins_between(profile, rows->at[i - 1].moment, rows->at[i].moment);

        point = point_of(&rows->at[i], frame);
        if (apart && layers->count > 0)
            layers->lifts[layers->n_lifts++] = layers->count;
        put(layers, i == 0 || apart ? NULL : &before, &point, frame);
    }
    /* A lift at the end of all leads to nothing. */
    while (layers->n_lifts > 0 && layers->lifts[layers->n_lifts - 1] == layers->count)
        layers->n_lifts--;
    return 0;
}

/* The last values of all that is drawn. */
static int make_legends(struct chart_layers *layers)
{
    const struct chart_layer_point *last = &layers->at[layers->count - 1];
    int error = 0;

    for (size_t part = 0; part < PROFILE_PARTS && error == 0; part++) {
        double below = part == 0 ? 0 : last->top[part - 1];
        char memory[PLOT_NUMBER_SIZE];

        plot_text_memory(last->top[part] - below, memory);
        layers->kinds[part].last = last->top[part] - below;
        layers->kinds[part].name = kinds[part].name;
        layers->kinds[part].colour = kinds[part].colour;
        error = chart_text_append(&layers->kinds[part].legend, "%s   %s at the end",
                                  kinds[part].name, memory);
    }
    return error;
}

int chart_layers_make(struct chart *chart, const struct profile *profile,
                      const struct chart_frame *frame, size_t columns)
{
    struct rows rows = {NULL, 0};
    int error;

    if (profile->parts[0].count == 0)
        return 0;
    error = read_rows(profile, frame, &rows);
    if (error == 0) {
        if (rows.count > columns)
            gather_columns(profile, frame, columns, &rows);
        error = put_rows(&chart->layers, profile, &rows, frame);
    }
    free(rows.at);
    return error == 0 && chart->layers.count > 0 ? make_legends(&chart->layers) : error;
}

/* ---- limits ---- */

/* What counts against a limit: against that of groups all that were recorded, against RLIMIT_AS one
 * process. */
static double peak_against(const struct profile *profile, enum profile_limit limit)
{
    struct profile_sample root = {0}, sum = {0}, alone = {0};

    (void)profile_peak_root(profile, &root);
    if (limit == PROFILE_CGROUP)
        return profile_peak_sum(profile, &sum) == 0 ? larger(sum.memory, root.memory) : root.memory;
    if (!profile->is_sum)
        return root.memory;
    return profile_peak_alone(profile, &alone) == 0 ? alone.memory : 0;
}

/* The pieces of the line that lie in the frame, and the value of the last of them. */
static double put_pieces(struct chart_limit *line, const struct profile_notes *notes, double peak,
                         const struct chart_frame *frame)
{
    double last = 0;

    for (size_t i = 0; i < notes->count; i++) {
        double value = notes->at[i].value;
        double until = i + 1 < notes->count ? notes->at[i + 1].moment - frame->zero : frame->end;
        double begin = larger(notes->at[i].moment - frame->zero, frame->begin);
        double end = smaller(until, frame->end);

        if (!(value > 0) || peak < value / 2 || !(begin < end))
            continue;
        line->pieces[line->n_pieces++] = (struct chart_piece){begin, end, value};
        last = value;
    }
    return last;
}

int chart_limits_make(struct chart *chart, const struct profile *profile,
                      const struct chart_frame *frame)
{
    int error = 0;

    for (int i = 0; i < PROFILE_LIMITS && error == 0; i++) {
        const struct profile_notes *notes = &profile->limits[i];
        struct chart_limit *line = &chart->limits[i];
        char memory[PLOT_NUMBER_SIZE];
        double last;

        if (notes->count == 0)
            continue;
        line->pieces = calloc(notes->count, sizeof *line->pieces);
        if (line->pieces == NULL)
            return -ENOMEM;
        last = put_pieces(line, notes, peak_against(profile, (enum profile_limit)i), frame);
        /* Whole bytes: a record holds no more than 53 bits of them. */
        limit_text((int64_t)(last * (1 << 20)), memory);
        if (line->n_pieces > 0)
            error = chart_text_append(&line->text, "%s %s", limit_text_name((enum profile_limit)i),
                                      memory);
    }
    return error;
}
