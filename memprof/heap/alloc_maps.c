#include "memprof/heap/alloc_maps.h"

#include <errno.h>

#include "memprof/machine/pages.h"

/* The writer, for a moment. */
struct writer {
    struct alloc_thread *thread;
    void *context;
    bool holds;
    int error; /* the program's errno */
};

static bool begin(struct alloc_log *log, struct writer *writer)
{
    writer->error = errno;
    writer->thread = alloc_thread_get(log);
    if (writer->thread == NULL)
        return false;
    writer->holds = log->holds(&writer->context);
    return writer->holds || alloc_log_go_in(log, writer->thread);
}

static void enter(struct alloc_log *log, const struct writer *writer)
{
    if (writer->holds)
        alloc_log_enter(log);
    else
        alloc_log_lock(log);
}

static void leave(struct alloc_log *log, const struct writer *writer)
{
    if (writer->holds) {
        alloc_log_leave(log);
    } else {
        alloc_log_unlock(log);
        alloc_log_come_out(writer->thread);
    }
    errno = writer->error;
}

static uintptr_t end_of(uintptr_t start, size_t size)
{
    return start + size < start ? UINTPTR_MAX : start + size;
}

/* Takes all out that lies there. */
static void take(struct alloc_log *log, uintptr_t start, size_t size,
                 struct alloc_maps_taken *taken, bool is_seen)
{
    struct map_piece piece;
    bool is_last;

    while (map_table_take(&log->maps, start, end_of(start, size), &piece, &is_last)) {
        struct heap_owner *owner = alloc_tree_owner(log->tree, piece.node);
        size_t bytes = map_piece_bytes(&piece);

        if (heap_owner_lacks(owner, bytes))
            alloc_log_settle(log, owner, bytes);
        alloc_spans_free(log->spans, log->tree, piece.node, bytes);
        if (!is_last)
            heap_ledger_trim(&log->ledger, owner, bytes);
        else if (is_seen)
            heap_ledger_free(&log->ledger, owner, bytes);
        else
            heap_ledger_replace(&log->ledger, owner, bytes);
        if (taken != NULL && taken->n < ALLOC_MAPS_KEPT) {
            taken->was_last[taken->n] = is_last;
            taken->pieces[taken->n++] = piece;
        }
    }
}

static void add(struct alloc_log *log, const void *address, size_t size, uint32_t node)
{
    uintptr_t start = (uintptr_t)address;
    size_t pages = pages_round(size);
    struct map_piece piece = {
        .start = start, .end = start + pages, .node = node, .slack = (uint32_t)(pages - size)};

    if (!map_table_add(&log->maps, &piece)) {
        log->n_unfollowed++;
        return;
    }
    alloc_spans_alloc(log->spans, log->tree, node, size);
    heap_ledger_alloc(&log->ledger, alloc_tree_owner(log->tree, node), size);
}

/* The node of a library below that of the stack. The writer's. */
static uint32_t below(struct alloc_log *log, uint32_t node, const char *library)
{
    uint32_t code = library == NULL || node == ALLOC_NONE ? 0 : log->library_code(library);

    return code == 0 ? node : alloc_tree_child(log->tree, node, code, 0);
}

void alloc_maps_mapped(struct alloc_log *log, const void *address, size_t size, const void *caller)
{
    struct writer writer;
    const char *library = NULL;
    uint32_t node = ALLOC_NONE;

    if (!begin(log, &writer))
        return;
    if (caller != NULL && log->library != NULL)
        library = log->library(caller);  /* waits for the loader: who has that may wait for us */
    if (caller != NULL && !writer.holds) /* it locks where it has to */
        node = log->node(writer.thread, writer.context, false);
    enter(log, &writer);
    if (caller != NULL && writer.holds) {
        node = log->node(writer.thread, writer.context, true);
        log->latest = address;
    }
    take(log, (uintptr_t)address, pages_round(size), NULL, false);
    node = below(log, node, library);
    if (node != ALLOC_NONE)
        add(log, address, size, node);
    leave(log, &writer);
}

void alloc_maps_gone(struct alloc_log *log, const void *address, size_t size,
                     struct alloc_maps_taken *taken)
{
    struct writer writer;

    if (!begin(log, &writer))
        return;
    enter(log, &writer);
    take(log, (uintptr_t)address, pages_round(size), taken, true);
    leave(log, &writer);
}

void alloc_maps_put_back(struct alloc_log *log, const struct alloc_maps_taken *taken)
{
    struct writer writer;

    if (taken->n == 0 || !begin(log, &writer))
        return;
    enter(log, &writer);
    for (size_t i = 0; i < taken->n; i++) {
        const struct map_piece *piece = &taken->pieces[i];
        struct heap_owner *owner = alloc_tree_owner(log->tree, piece->node);

        if (!map_table_add(&log->maps, piece))
            continue;
        alloc_spans_put_back(log->spans, log->tree, piece->node, map_piece_bytes(piece));
        if (taken->was_last[i])
            heap_ledger_put_back(&log->ledger, owner, map_piece_bytes(piece));
        else
            heap_ledger_untrim(&log->ledger, owner, map_piece_bytes(piece));
    }
    leave(log, &writer);
}

void alloc_maps_undo(const void *address)
{
    struct alloc_log *log = alloc_hook_free();
    const struct map_piece *found;
    struct map_piece piece;
    bool is_last;

    if (log == NULL)
        return;
    alloc_log_enter(log);
    found = address == log->latest ? map_table_at(&log->maps, (uintptr_t)address) : NULL;
    if (found != NULL && map_table_take(&log->maps, found->start, found->end, &piece, &is_last)) {
        alloc_spans_undo(log->spans, piece.node, map_piece_bytes(&piece));
        heap_ledger_undo(&log->ledger, alloc_tree_owner(log->tree, piece.node),
                         map_piece_bytes(&piece));
        log->latest = NULL;
    }
    alloc_log_leave(log);
    alloc_hook_end();
}
