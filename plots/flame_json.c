#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "plots/flame_stack.h"
#include "plots/json_text.h"

/* Frames of a process: functions and lines, each once, sorted. */
struct frames {
    uint64_t *keys; /* function << 32 | line; owned */
    size_t n;
    size_t first; /* the number of the first one in the file */
};

static uint64_t key_of(const struct flame_node *node)
{
    return (uint64_t)node->function << 32 | node->line;
}

static int compare_keys(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

static bool frames_make(struct frames *frames, const struct flame_process *process, size_t first)
{
    size_t n = 0;

    frames->first = first;
    frames->keys = malloc(process->n_nodes * sizeof *frames->keys);
    if (frames->keys == NULL)
        return false;
    for (size_t i = 1; i < process->n_nodes; i++)
        frames->keys[i - 1] = key_of(&process->nodes[i]);
    qsort(frames->keys, process->n_nodes - 1, sizeof *frames->keys, compare_keys);
    for (size_t i = 0; i + 1 < process->n_nodes; i++)
        if (n == 0 || frames->keys[i] != frames->keys[n - 1])
            frames->keys[n++] = frames->keys[i];
    frames->n = n;
    return true;
}

static size_t frame_of(const struct frames *frames, const struct flame_node *node)
{
    uint64_t key = key_of(node);
    const uint64_t *found =
        bsearch(&key, frames->keys, frames->n, sizeof *frames->keys, compare_keys);

    return frames->first + (size_t)(found - frames->keys);
}

/* Before those of processes: one for each process, and one for Python without a frame. */
static void put_first_frames(FILE *out, const struct flame *flame)
{
    for (size_t p = 0; p < flame->n_processes; p++) {
        fputs("{\"name\":", out);
        json_text_string(out, flame->processes[p].name);
        fputs("},", out);
    }
    fputs("{\"name\":\"(Python without a frame)\"}", out);
}

static void put_frames(FILE *out, const struct flame_process *process, const struct frames *frames)
{
    for (size_t i = 0; i < frames->n; i++) {
        uint32_t number = (uint32_t)(frames->keys[i] >> 32), line = (uint32_t)frames->keys[i];
        const struct flame_function *function = &process->functions[number];

        if (number == FLAME_NO_PYTHON) {
            fputs(",\n{\"name\":\"(no Python)\"}", out);
            continue;
        }
        fputs(",\n{\"name\":", out);
        json_text_string(out, function->name);
        if (*process->files[function->file] != '\0') { /* a thread has none */
            fputs(",\"file\":", out);
            json_text_string(out, process->files[function->file]);
        }
        if (line != 0)
            fprintf(out, ",\"line\":%" PRIu32, line);
        putc('}', out);
    }
}

/* ---- profiles ---- */

/* What is written for each stack that has some in a view: its frames, or its bytes. */
static int put_stacks(FILE *out, const struct flame *flame, const struct frames *frames,
                      enum flame_view view, bool is_weights)
{
    struct flame_stack stack = {0};
    bool is_first = true;
    int error = 0;

    for (size_t p = 0; p < flame->n_processes; p++) {
        const struct flame_process *process = &flame->processes[p];

        for (size_t node = 0; error == 0 && node < process->n_nodes; node++) {
            uint64_t bytes = flame_bytes(&process->nodes[node].own, view);

            if (bytes == 0)
                continue;
            fputs(is_first ? "" : ",", out);
            is_first = false;
            if (is_weights) {
                fprintf(out, "%" PRIu64, bytes);
                continue;
            }
            error = flame_stack_of(&stack, process, node);
            fprintf(out, "[%zu", node == 0 && flame->n_processes == 1 ? flame->n_processes : p);
            for (size_t i = 0; error == 0 && i < stack.n; i++)
                fprintf(out, ",%zu", frame_of(&frames[p], &process->nodes[stack.nodes[i]]));
            putc(']', out);
        }
    }
    free(stack.nodes);
    return error;
}

static int put_profile(FILE *out, const struct flame *flame, const struct frames *frames,
                       enum flame_view view)
{
    uint64_t total = 0;
    int error;

    for (size_t p = 0; p < flame->n_processes; p++)
        for (size_t i = 0; i < flame->processes[p].n_nodes; i++)
            total += flame_bytes(&flame->processes[p].nodes[i].own, view);
    fprintf(out,
            "{\"type\":\"sampled\",\"name\":\"%s\",\"unit\":\"bytes\",\"startValue\":0,"
            "\"endValue\":%" PRIu64 ",\"samples\":[",
            flame_view_name(view), total);
    error = put_stacks(out, flame, frames, view, false);
    fputs("],\n\"weights\":[", out);
    if (error == 0)
        error = put_stacks(out, flame, frames, view, true);
    fputs("]}", out);
    return error;
}

static int put_all(FILE *out, const struct flame *flame, const struct frames *frames)
{
    int error = 0;

    fputs("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n\"exporter\":"
          "\"memory_profiler\",\"name\":",
          out);
    json_text_string(out, flame->title);
    fprintf(out, ",\"activeProfileIndex\":%d,\n\"shared\":{\"frames\":[", (int)flame->first);
    put_first_frames(out, flame);
    for (size_t p = 0; p < flame->n_processes; p++)
        put_frames(out, &flame->processes[p], &frames[p]);
    fputs("]},\n\"profiles\":[", out);
    for (int view = 0; error == 0 && view < FLAME_VIEWS; view++) {
        fputs(view > 0 ? ",\n" : "", out);
        error = put_profile(out, flame, frames, (enum flame_view)view);
    }
    fputs("]}\n", out);
    return error;
}

int flame_json_write(FILE *out, const struct flame *flame)
{
    struct frames *frames = calloc(flame->n_processes, sizeof *frames);
    size_t first = flame->n_processes + 1;
    int error = frames == NULL ? -ENOMEM : 0;

    for (size_t p = 0; error == 0 && p < flame->n_processes; p++) {
        if (!frames_make(&frames[p], &flame->processes[p], first))
            error = -ENOMEM;
        first += frames[p].n;
    }
    if (error == 0)
        error = put_all(out, flame, frames);
    for (size_t p = 0; frames != NULL && p < flame->n_processes; p++)
        free(frames[p].keys);
    free(frames);
    return error != 0 ? error : fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
