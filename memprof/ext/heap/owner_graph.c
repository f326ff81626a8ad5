#include "memprof/ext/heap/owner_graph.h"

#include <errno.h>
#include <string.h>

#include "memprof/ext/heap/frame_parts.h"
#include "memprof/ext/heap/heap_roots.h"
#include "memprof/ext/heap/interpreter_parts.h"
#include "memprof/ext/heap/object_children.h"
#include "memprof/ext/heap/object_shape.h"
#include "memprof/machine/pages.h"

#define MOST_LOOKED_BACK 1000           /* so that long chains do not cost their square */
#define MOST_REFERENCES (INT32_MAX / 3) /* of one object, that are counted */
#define FOR_GOOD INT32_MAX              /* so many stay above that */

/* ---- what objects refer to ---- */

static int32_t references_of(PyObject *object)
{
    Py_ssize_t n = Py_REFCNT(object);

#if PY_VERSION_HEX >= 0x030C0000
    if (_Py_IsImmortal(object))
        return FOR_GOOD;
#endif
    return n > MOST_REFERENCES ? MOST_REFERENCES : (int32_t)n;
}

/* Of the node that was begun last. What it refers to may be told later. */
static int refer(PyObject *object, void *context)
{
    struct owner_graph *owners = context;
    uint32_t node = owner_graph_node(owners, object);

    if (node == ADDRESS_BITS_NONE)
        return 0;
    object_graph_refer(&owners->graph, node);
    if (owners->unseen[node] > -MOST_REFERENCES && !owner_graph_is_for_good(owners, node))
        owners->unseen[node]--;
    return 0;
}

static void note_place(struct owner_graph *owners, PyObject *dict, uint8_t names)
{
    uint32_t node = dict == NULL ? ADDRESS_BITS_NONE : owner_graph_node(owners, dict);

    if (node != ADDRESS_BITS_NONE)
        owners->names[node] |= names | (PyDict_CheckExact(dict) ? IS_PLACE : 0);
}

/* Whether what it has is by names: a module's, a class', an instance's, a frame's. */
static void note_names(struct owner_graph *owners, PyObject *object, uint32_t node)
{
    PyTypeObject *type = Py_TYPE(object);

    if (type->tp_flags & Py_TPFLAGS_TYPE_SUBCLASS) {
        note_place(owners, object_shape_type_dict((PyTypeObject *)object), HAS_NAMES);
    } else if (PyModule_Check(object)) {
        owners->names[node] |= IS_PLACE;
        note_place(owners, PyModule_GetDict(object), HAS_NAMES | OF_MODULE);
    } else if (PyFrame_Check(object)) {
        owners->names[node] |= HAS_NAMES | IS_PLACE;
    } else if (frame_of_generator(object) != NULL) {
        owners->names[node] |= HAS_NAMES;
    } else if (type->tp_flags & Py_TPFLAGS_HEAPTYPE || type->tp_dictoffset != 0) {
        owners->names[node] |= HAS_NAMES;
        note_place(owners, instance_dict(object), HAS_NAMES);
    }
}

static int tell(const void *address, void *context)
{
    struct owner_graph *owners = context;
    PyObject *object = object_walk_object(owners->walk, address);
    const struct type_row *row = type_table_find(&owners->walk->types, Py_TYPE(object));
    uint32_t node;

    if (row == NULL)
        return -ENOMEM; /* not reached: each was counted */
    node =
        object_graph_begin(&owners->graph, object_size(&owners->walk->sizes, object, &row->shape));
    owners->unseen[node] += references_of(object);
    if (object_has_children(&row->shape) && object != owners->interned) {
        object_children(object, &row->shape, refer, owners);
        note_names(owners, object, node);
    }
    /* What the collector does not know does not tell of its class, either. */
    if (!(Py_TYPE(object)->tp_flags & Py_TPFLAGS_HAVE_GC) &&
        Py_TYPE(object)->tp_flags & Py_TPFLAGS_HEAPTYPE)
        refer((PyObject *)Py_TYPE(object), owners);
    return owners->graph.to.has_failed ? -ENOMEM : 0;
}

/* ---- what frames have ---- */

struct frame_filter {
    struct owner_graph *owners;
    PyObject *ours;
};

static bool is_told(const frame_walk *frame, PyObject *ours)
{
    const PyCodeObject *code = frame_walk_code(frame);

    return code != NULL && PyUnicode_Tailmatch(code->co_filename, ours, 0, PY_SSIZE_T_MAX, -1) != 1;
}

static void count_frame(const frame_walk *frame, void *context)
{
    struct frame_filter *filter = context;

    filter->owners->n_frames += is_told(frame, filter->ours);
}

static void note_frame(const frame_walk *frame, void *context)
{
    struct frame_filter *filter = context;

    if (is_told(frame, filter->ours))
        filter->owners->frames[filter->owners->n_frames++] = frame;
}

/* A frame of a generator is the generator's. */
static void tell_frame(struct owner_graph *owners, const frame_walk *frame)
{
    PyObject *generator = generator_of_frame(frame);

    owners->names[object_graph_begin(&owners->graph, 0)] = HAS_NAMES;
    if (generator == NULL)
        heap_roots_in_frame(frame, refer, owners);
    else if (owner_graph_node(owners, generator) != ADDRESS_BITS_NONE)
        object_graph_refer(&owners->graph, owner_graph_node(owners, generator));
}

/* ---- what the root has ---- */

static void hold(struct owner_graph *owners, uint32_t node)
{
    object_graph_refer(&owners->graph, node);
    if (owners->from[node] != OBJECT_GRAPH_NONE)
        return;
    owners->from[node] = owners->root;
    object_graph_reach(&owners->graph, node, owners->from, owners->queue);
}

static int hold_dict(PyObject *dict, void *context)
{
    struct owner_graph *owners = context;
    uint32_t node = owner_graph_node(owners, dict);

    if (node == ADDRESS_BITS_NONE)
        return 0;
    if (owners->dicts.n == 0)
        owners->names[node] |= HAS_NAMES | OF_MODULE | IS_PLACE; /* of all modules */
    number_list_append(&owners->dicts, node);
    hold(owners, node);
    return 0;
}

/* What is reached by a name first: so that is what ways begin with. */
static void tell_root(struct owner_graph *owners)
{
    object_graph_begin(&owners->graph, 0);
    memset(owners->from, 0xff, ((size_t)owners->root + 1) * sizeof *owners->from);
    owners->from[owners->root] = owners->root;
    heap_roots_dicts(hold_dict, owners);
    for (uint32_t i = owners->n_frames; i > 0; i--) /* callers first: callees lead to them */
        hold(owners, owners->n_objects + i - 1);
    for (uint32_t i = 0; i < owners->n_objects; i++)
        owners->is_led_to[i] = owners->from[i] != OBJECT_GRAPH_NONE;
    for (uint32_t i = 0; i < owners->n_objects; i++)
        if (owners->unseen[i] > 0)
            hold(owners, i);
    for (uint32_t i = 0; i < owners->n_objects; i++)
        if (owners->from[i] == OBJECT_GRAPH_NONE)
            hold(owners, i);
}

/* ---- all ---- */

static int allocate(struct owner_graph *owners)
{
    size_t n = (size_t)owners->root + 1;

    owners->frames = pages_map((owners->n_frames + 1) * sizeof(void *));
    owners->unseen = pages_map(n * sizeof *owners->unseen);
    owners->from = pages_map(n * sizeof *owners->from);
    owners->names = pages_map(n * sizeof *owners->names);
    owners->is_led_to = pages_map(n * sizeof *owners->is_led_to);
    if (owners->frames == NULL || owners->unseen == NULL || owners->from == NULL ||
        owners->names == NULL || owners->is_led_to == NULL)
        return -ENOMEM;
    return object_graph_init(&owners->graph, owners->root + 1);
}

static int reach_all(struct owner_graph *owners)
{
    size_t bytes = ((size_t)owners->root + 1) * sizeof *owners->queue;

    owners->queue = pages_map(bytes);
    if (owners->queue == NULL)
        return -ENOMEM;
    tell_root(owners);
    pages_unmap(owners->queue, bytes);
    return owners->graph.to.has_failed || owners->dicts.has_failed ? -ENOMEM : 0;
}

int owner_graph_build(struct owner_graph *owners, struct object_walk *walk, PyObject *ours)
{
    struct frame_filter filter = {owners, ours};
    int error;

    memset(owners, 0, sizeof *owners);
    owners->walk = walk;
    error = address_bits_number(&walk->seen, &owners->n_objects);
    if (error != 0)
        return error;
    heap_roots_frames(count_frame, &filter);
    owners->root = owners->n_objects + owners->n_frames;
    error = allocate(owners);
    if (error == 0) {
        owners->n_frames = 0;
        heap_roots_frames(note_frame, &filter);
        owners->interned = heap_roots_interned();
        error = address_bits_each(&walk->seen, tell, owners);
    }
    for (uint32_t i = 0; error == 0 && i < owners->n_frames; i++)
        tell_frame(owners, owners->frames[i]);
    return error == 0 ? reach_all(owners) : error;
}

void owner_graph_release(struct owner_graph *owners)
{
    size_t n = (size_t)owners->root + 1;

    object_graph_release(&owners->graph);
    retained_release(&owners->retained);
    number_list_release(&owners->dicts);
    pages_unmap(owners->frames, (owners->n_frames + 1) * sizeof(void *));
    pages_unmap(owners->unseen, n * sizeof *owners->unseen);
    pages_unmap(owners->from, n * sizeof *owners->from);
    pages_unmap(owners->names, n * sizeof *owners->names);
    pages_unmap(owners->is_led_to, n * sizeof *owners->is_led_to);
    memset(owners, 0, sizeof *owners);
}

PyObject *owner_graph_object(const struct owner_graph *owners, uint32_t node)
{
    const void *address =
        node < owners->n_objects ? address_bits_nth(&owners->walk->seen, node) : NULL;

    return address == NULL ? NULL : object_walk_object(owners->walk, address);
}

uint32_t owner_graph_node(const struct owner_graph *owners, PyObject *object)
{
    return address_bits_number_of(&owners->walk->seen, object);
}

bool owner_graph_is_for_good(const struct owner_graph *owners, uint32_t node)
{
    return owners->unseen[node] > MOST_REFERENCES;
}

/* Of one that no name leads to. */
static enum owner_root unnamed_root(const struct owner_graph *owners, uint32_t node)
{
    if (owner_graph_is_for_good(owners, node))
        return ROOT_FOR_GOOD;
    return owners->unseen[node] > 0 ? ROOT_C_CODE : ROOT_GARBAGE;
}

enum owner_root owner_graph_root(const struct owner_graph *owners, uint32_t node)
{
    if (node >= owners->n_objects)
        return ROOT_FRAME;
    for (uint32_t i = 0; i < owners->dicts.n; i++)
        if (number_list_at(&owners->dicts, i) == node)
            return i == 0 ? ROOT_MODULES : ROOT_DICT;
    return unnamed_root(owners, node);
}

enum owner_root owner_graph_begin_of(const struct owner_graph *owners, uint32_t node)
{
    if (owner_graph_is_for_good(owners, node))
        return ROOT_FOR_GOOD;
    for (int i = 0; i < MOST_LOOKED_BACK && owners->from[node] != owners->root; i++)
        node = owners->from[node];
    return owners->from[node] == owners->root ? unnamed_root(owners, node) : ROOT_C_CODE;
}
