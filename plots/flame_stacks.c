#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "plots/flame_stack.h"

const char *flame_view_name(enum flame_view view)
{
    static const char *const names[] = {"peak", "left", "allocated"};

    return names[view];
}

const char *flame_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL || slash[1] == '\0' ? path : slash + 1;
}

int flame_stack_of(struct flame_stack *stack, const struct flame_process *process, size_t node)
{
    size_t n = 0;

    for (size_t at = node; at != 0; at = process->nodes[at].parent)
        n++;
    if (n > stack->capacity) {
        uint32_t *grown = realloc(stack->nodes, 2 * n * sizeof *grown);

        if (grown == NULL)
            return -ENOMEM;
        stack->nodes = grown;
        stack->capacity = 2 * n;
    }
    stack->n = n;
    for (size_t at = node; at != 0; at = process->nodes[at].parent)
        stack->nodes[--n] = (uint32_t)at;
    return 0;
}

/* What ends a frame of such a line is shown as an escape. */
static void put_word(FILE *out, const char *word)
{
    for (; *word != '\0'; word++)
        if (*word == ';')
            fputs("\\x3b", out);
        else
            putc(*word, out);
}

static void put_frame(FILE *out, const struct flame_process *process, const struct flame_node *node)
{
    const struct flame_function *function = &process->functions[node->function];
    const char *file;

    if (node->function == FLAME_NO_PYTHON) {
        fputs("(no Python)", out);
        return;
    }
    file = process->files[function->file];
    put_word(out, function->name);
    if (*file == '\0') /* a thread */
        return;
    fputs(" (", out);
    put_word(out, flame_base_name(file));
    if (node->line != 0)
        fprintf(out, ":%" PRIu32, node->line);
    putc(')', out);
}

static void put_stack(FILE *out, const struct flame *flame, const struct flame_process *process,
                      const struct flame_stack *stack)
{
    if (flame->n_processes > 1) {
        put_word(out, process->name);
        putc(';', out);
    }
    if (stack->n == 0)
        fputs("(Python without a frame)", out);
    for (size_t i = 0; i < stack->n; i++) {
        fputs(i > 0 ? ";" : "", out);
        put_frame(out, process, &process->nodes[stack->nodes[i]]);
    }
}

int flame_stacks_write(FILE *out, const struct flame *flame, enum flame_view view)
{
    struct flame_stack stack = {0};
    int error = 0;

    for (size_t p = 0; p < flame->n_processes; p++) {
        const struct flame_process *process = &flame->processes[p];

        for (size_t node = 0; error == 0 && node < process->n_nodes; node++) {
            uint64_t bytes = flame_bytes(&process->nodes[node].own, view);

            if (bytes == 0 || (error = flame_stack_of(&stack, process, node)) != 0)
                continue;
            put_stack(out, flame, process, &stack);
            fprintf(out, " %" PRIu64 "\n", bytes);
        }
    }
    free(stack.nodes);
    return error != 0 ? error : fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
