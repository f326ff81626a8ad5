#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "plots/flame_fold.h"
#include "plots/json_text.h"
#include "plots/page_text.h"
#include "plots/page_words.h"

#define UNUSED UINT32_MAX

/* New numbers of what a page shows of a process; of the rest UNUSED. */
struct numbers {
    uint32_t *files, *functions, *nodes; /* owned, the first of one block */
};

static bool numbers_make(struct numbers *numbers, const struct flame_process *process)
{
    size_t n = process->n_files + process->n_functions + process->n_nodes;

    numbers->files = malloc(n * sizeof *numbers->files);
    if (numbers->files == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        numbers->files[i] = UNUSED;
    numbers->functions = numbers->files + process->n_files;
    numbers->nodes = numbers->functions + process->n_functions;
    return true;
}

/* ---- what a page shows, in the order of its numbers ---- */

/* [file, name], and the file's name where it is the first of that file. */
static void put_function(FILE *out, const struct flame_process *process, uint32_t number,
                         struct numbers *numbers, uint32_t *n_files)
{
    const struct flame_function *function = &process->functions[number];
    bool is_first = number != FLAME_NO_PYTHON && numbers->files[function->file] == UNUSED;

    if (number == FLAME_NO_PYTHON) {
        fputs("[-1,\"\"]", out);
        return;
    }
    if (is_first)
        numbers->files[function->file] = (*n_files)++;
    fprintf(out, "[%" PRIu32 ",", numbers->files[function->file]);
    json_text_string(out, function->name);
    if (is_first) {
        putc(',', out);
        json_text_string(out, process->files[function->file]);
    }
    putc(']', out);
}

static void put_functions(FILE *out, const struct flame_process *process,
                          const struct flame_fold *fold, struct numbers *numbers)
{
    uint32_t n = 0, n_files = 0;

    fputs(",\"functions\":[", out);
    for (size_t i = 1; i < process->n_nodes; i++) {
        uint32_t number = process->nodes[i].function;

        if (!fold->is_kept[i] || numbers->functions[number] != UNUSED)
            continue;
        fputs(n > 0 ? "," : "", out);
        numbers->functions[number] = n++;
        put_function(out, process, number, numbers, &n_files);
    }
    putc(']', out);
}

/* parent, function, line, and bytes and blocks of each view; numbers one behind the other */
static void put_node(FILE *out, int64_t parent, int64_t function, uint32_t line,
                     const struct heap_sums *own)
{
    fprintf(out, "%s%" PRId64 ",%" PRId64 ",%" PRIu32, parent < 0 ? "" : ",\n", parent, function,
            line);
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
            own->at_peak_bytes, own->at_peak_blocks, own->left_bytes, own->left_blocks,
            own->allocated_bytes, own->allocations);
}

static void put_nodes(FILE *out, const struct flame_process *process, const struct flame_fold *fold,
                      struct numbers *numbers)
{
    const struct flame_node *nodes = process->nodes;
    uint32_t n = 0;

    fputs(",\"nodes\":[", out);
    for (size_t i = 0; i < process->n_nodes; i++) {
        if (!fold->is_kept[i])
            continue;
        numbers->nodes[i] = n++;
        put_node(out, i == 0 ? -1 : (int64_t)numbers->nodes[nodes[i].parent],
                 i == 0 ? -1 : (int64_t)numbers->functions[nodes[i].function], nodes[i].line,
                 &nodes[i].own);
    }
    for (size_t i = 0; i < process->n_nodes; i++) /* no function; how many in the place of a line */
        if (fold->rest[i].n_folded > 0)
            put_node(out, numbers->nodes[i], -1, fold->rest[i].n_folded, &fold->rest[i].own);
    putc(']', out);
}

static int put_process(FILE *out, const struct flame_process *process,
                       const struct flame_fold *fold)
{
    struct numbers numbers;

    if (!numbers_make(&numbers, process))
        return -ENOMEM;
    fputs("{\"name\":", out);
    json_text_string(out, process->name);
    put_functions(out, process, fold, &numbers);
    put_nodes(out, process, fold, &numbers);
    putc('}', out);
    free(numbers.files);
    return 0;
}

/* ---- the page ---- */

static const char controls[] =
    "<noscript><p>These stacks are drawn by the script in this file: allow scripts to see "
    "them.</p></noscript>\n<div id=\"controls\" class=\"hidden\">"
    "<span id=\"views\" role=\"group\" aria-label=\"what is shown\"></span>"
    "<span id=\"shapes\" role=\"group\" aria-label=\"how it is shown\"></span>"
    "<span id=\"joins\" role=\"group\" aria-label=\"what is merged\"></span>"
    "<label>search <input id=\"search\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\">"
    "</label></div>\n<p id=\"total\"></p>\n<p id=\"found\" role=\"status\"></p>\n"
    "<p id=\"path\"></p>\n<div id=\"icicle\" tabindex=\"0\" role=\"application\" "
    "aria-describedby=\"said\"></div>\n<div id=\"tip\" class=\"hidden\"></div>\n"
    "<div id=\"said\" class=\"away\" role=\"status\" aria-live=\"polite\"></div>\n"
    "<table id=\"table\" class=\"hidden\"></table>\n<p id=\"keys\" class=\"hidden\">click or Enter "
    "zooms, double click, 0 or Esc shows all, Backspace goes up; arrow keys move, / "
    "searches</p>\n<script type=\"application/json\" id=\"data\">";

static int put_data(FILE *out, const struct flame *flame)
{
    struct flame_fold *folds = flame_folds_make(flame, FLAME_PAGE_NODES);
    int error = folds == NULL ? -ENOMEM : 0;

    fputs("{\"title\":", out);
    json_text_string(out, flame->title);
    fprintf(out, ",\"first\":\"%s\",\"processes\":[", flame_view_name(flame->first));
    for (size_t p = 0; error == 0 && p < flame->n_processes; p++) {
        fputs(p > 0 ? "," : "", out);
        error = put_process(out, &flame->processes[p], &folds[p]);
    }
    fputs("]}", out);
    flame_folds_free(folds, flame->n_processes);
    return error;
}

int flame_page_write(FILE *out, const struct flame *flame)
{
    int error;

    page_put_head(out, flame->title, flame_script_source, flame_style_source);
    fwrite(flame_style, 1, flame_style_size, out);
    fputs("</style>\n</head>\n<body>\n<h1>", out);
    page_put_html(out, flame->title);
    fputs("</h1>\n<p>", out);
    page_put_html(out, flame->subtitle);
    fputs("</p>\n", out);
    fputs(controls, out);
    error = put_data(out, flame);
    fputs("</script>\n<script>", out);
    fwrite(flame_script, 1, flame_script_size, out);
    fputs("</script>\n</body>\n</html>\n", out);
    return error != 0 ? error : fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
