#include "plots/page_types.h"

#include <inttypes.h>

#include "plots/json_text.h"

/* A number of bytes, or that nobody knows it. */
static void put_bytes(FILE *out, int64_t bytes)
{
    if (bytes < 0)
        fputs("null", out);
    else
        fprintf(out, "%" PRId64, bytes);
}

/* [name, objects, bytes now, least, most, grown by, [bytes at each time]] */
static void put_type(FILE *out, const struct chart_type *type, size_t n_times)
{
    putc('[', out);
    json_text_string(out, type->name);
    putc(',', out);
    put_bytes(out, type->is_told ? type->now.objects : -1);
    putc(',', out);
    put_bytes(out, type->is_told ? type->now.bytes : -1);
    fprintf(out, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",[", type->least, type->most, type->grown);
    for (size_t i = 0; i < n_times; i++) {
        fputs(i > 0 ? "," : "", out);
        put_bytes(out, type->bytes[i]);
    }
    fputs("]]", out);
}

static void put_process(FILE *out, const struct chart_types *types, int decimals)
{
    fputs("{\"process\":", out);
    json_text_string(out, types->process);
    fputs(",\"times\":[", out);
    for (size_t i = 0; i < types->n_times; i++) {
        fputs(i > 0 ? "," : "", out);
        json_text_number(out, types->times[i], decimals);
    }
    fputs("],\"rows\":[", out);
    for (size_t i = 0; i < types->count; i++) {
        fputs(i > 0 ? "," : "", out);
        put_type(out, &types->at[i], types->n_times);
    }
    fputs("]}", out);
}

void page_put_types(FILE *out, const struct chart *chart, int decimals)
{
    if (chart->n_types == 0)
        return;
    fputs(",\"types\":[", out);
    for (size_t i = 0; i < chart->n_types; i++) {
        fputs(i > 0 ? "," : "", out);
        put_process(out, &chart->types[i], decimals);
    }
    putc(']', out);
}
