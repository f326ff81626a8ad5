#include "memprof/ext/heap/heap_roots.h"

#include "memprof/ext/heap/frame_parts.h"
#include "memprof/ext/heap/interpreter_parts.h"

bool heap_roots_collecting(void)
{
    return PyThreadState_Get()->interp->gc.collecting;
}

struct visitor {
    visitproc visit;
    void *context;
};

/* ---- what is tracked ---- */

#if PY_VERSION_HEX < 0x030E0000

static void visit_list(const PyGC_Head *list, visitproc visit, void *context)
{
    const PyGC_Head *head = (const PyGC_Head *)list->_gc_next;

    for (; head != list; head = (const PyGC_Head *)head->_gc_next) {
        __builtin_prefetch((const void *)head->_gc_next);
        visit((PyObject *)(head + 1), context);
    }
}

void heap_roots_tracked(visitproc visit, void *context)
{
    struct _gc_runtime_state *collector = &PyThreadState_Get()->interp->gc;

    visit_list(&collector->permanent_generation.head, visit, context);
    for (int i = NUM_GENERATIONS - 1; i >= 0; i--)
        visit_list(&collector->generations[i].head, visit, context);
}

#else

static int visit_tracked(PyObject *object, void *context)
{
    struct visitor *visitor = context;

    visitor->visit(object, visitor->context);
    return 1;
}

void heap_roots_tracked(visitproc visit, void *context)
{
    struct visitor visitor = {visit, context};

    PyUnstable_GC_VisitObjects(visit_tracked, &visitor);
}

#endif

/* ---- what runs ---- */

static void visit_one(PyObject *object, visitproc visit, void *context)
{
    if (object != NULL)
        visit(object, context);
}

#if PY_VERSION_HEX < 0x030B0000

/* Frames that run are not tracked; they are traversed as others are, without their stack. */
void heap_roots_in_frame(const frame_walk *frame, visitproc visit, void *context)
{
    visit((PyObject *)frame, context);
}

#else

#if PY_VERSION_HEX < 0x030C0000
#define FUNCTION f_func
#define LOCALS f_locals
#define FRAME_OBJECT frame_obj
#else
#define FUNCTION function
#define LOCALS locals
#define FRAME_OBJECT frame_object
#endif

/* How many words of a frame are known to be set: its locals; its stack too while it calls another
 * function of Python, which is when its height has been written down. */
static Py_ssize_t n_words(const frame_walk *frame, const PyCodeObject *code)
{
    Py_ssize_t n = code->co_nlocalsplus;
#if PY_VERSION_HEX < 0x030E0000
    Py_ssize_t height = frame->stacktop;
#else
    const uintptr_t *top = frame->stack_pointer;
    Py_ssize_t height = top == NULL ? 0 : top - frame->localsplus;
#endif

    return height > n && height <= n + code->co_stacksize ? height : n;
}

void heap_roots_in_frame(const frame_walk *frame, visitproc visit, void *context)
{
    PyCodeObject *code = frame_walk_code(frame);

    if (code == NULL)
        return; /* of the interpreter itself */
    visit((PyObject *)code, context);
    visit_one(frame_word_object((uintptr_t)frame->FUNCTION), visit, context);
    visit_one(frame_word_object((uintptr_t)frame->LOCALS), visit, context);
    visit_one((PyObject *)frame->FRAME_OBJECT, visit, context);
    for (Py_ssize_t i = 0, n = n_words(frame, code); i < n; i++)
        visit_one(frame_local(frame, i), visit, context);
}

#endif

PyObject *heap_roots_interned(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyThreadState_Get()->interp->cached_objects.interned_strings;
#else
    return NULL;
#endif
}

void heap_roots_frames(void (*visit)(const frame_walk *, void *), void *context)
{
    PyThreadState *thread = PyInterpreterState_ThreadHead(PyThreadState_Get()->interp);

    for (; thread != NULL; thread = PyThreadState_Next(thread))
        for (const frame_walk *frame = frame_walk_top(thread); frame != NULL;
             frame = frame_walk_caller(frame))
            visit(frame, context);
}

void heap_roots_dicts(visitproc visit, void *context)
{
    PyInterpreterState *interpreter = PyThreadState_Get()->interp;
    PyThreadState *thread = PyInterpreterState_ThreadHead(interpreter);

    visit_one(PyImport_GetModuleDict(), visit, context);
    visit_one(interpreter->sysdict, visit, context);
    visit_one(interpreter->builtins, visit, context);
    for (; thread != NULL; thread = PyThreadState_Next(thread))
        visit_one(thread->dict, visit, context);
}

static void visit_in_frame(const frame_walk *frame, void *context)
{
    struct visitor *visitor = context;

    heap_roots_in_frame(frame, visitor->visit, visitor->context);
}

void heap_roots_others(visitproc visit, void *context)
{
    struct visitor visitor = {visit, context};

    heap_roots_frames(visit_in_frame, &visitor);
    heap_roots_dicts(visit, context);
    visit_one(heap_roots_interned(), visit, context);
}
