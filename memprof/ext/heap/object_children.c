#include "memprof/ext/heap/object_children.h"

#include <datetime.h>
#include <string.h>

#include "memprof/ext/heap/interpreter_parts.h"
#include "memprof/ext/heap/object_shape.h"

#define MOST_DIMENSIONS 64

/* Objects/rangeobject.c */
struct range {
    PyObject head;
    PyObject *start, *stop, *step, *length;
};

/* Modules/_datetimemodule.c */
struct time_zone {
    PyObject head;
    PyObject *offset, *name;
};

static void visit_one(PyObject *object, visitproc visit, void *context)
{
    if (object != NULL)
        visit(object, context);
}

static void visit_keys(const dict_keys *keys, PyObject *const *values, visitproc visit,
                       void *context)
{
    int n_words;
    PyObject **entry = dict_keys_entries(keys, &n_words);
    Py_ssize_t n = keys->dk_nentries;

    for (Py_ssize_t i = 0; i < n; i++, entry += n_words) {
        visit_one(entry[n_words - 2], visit, context);
        visit_one(values == NULL ? entry[n_words - 1] : values[i], visit, context);
    }
}

/* What the tp_traverse of a class derived from dict leaves out: keys, where all are str; and those
 * that an OrderedDict has once more. Before 3.11 it is not known where all are. */
static void visit_other_keys(PyObject *object, visitproc visit, void *context)
{
    const dict_keys *keys = ((const PyDictObject *)object)->ma_keys;
    int n_words, n_times = PyODict_Check(object);
    PyObject **entry = dict_keys_entries(keys, &n_words);

#if PY_VERSION_HEX >= 0x030B0000
    n_times += DK_IS_UNICODE(keys);
#else
    n_times++;
#endif
    for (Py_ssize_t i = 0; i < keys->dk_nentries; i++, entry += n_words)
        for (int j = 0; j < n_times; j++)
            visit_one(entry[n_words - 2], visit, context);
}

static void visit_dict(PyObject *object, visitproc visit, void *context)
{
    const PyDictObject *dict = (const PyDictObject *)object;
    PyObject *const *values = NULL;

    if (dict->ma_values != NULL)
#if PY_VERSION_HEX >= 0x030B0000
        values = dict->ma_values->values;
#else
        values = dict->ma_values;
#endif
    visit_keys(dict->ma_keys, values, visit, context);
}

static void visit_type(PyObject *object, visitproc visit, void *context)
{
    PyTypeObject *type = (PyTypeObject *)object;
    PyHeapTypeObject *heap_type = (PyHeapTypeObject *)object;

    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        visit_one(heap_type->ht_name, visit, context);
        visit_one(heap_type->ht_qualname, visit, context);
        visit_one(heap_type->ht_slots, visit, context);
        if (heap_type->ht_cached_keys != NULL)
            visit_keys(heap_type->ht_cached_keys, NULL, visit, context);
    } else if (type->tp_flags & Py_TPFLAGS_READY) {
        visit_one(object_shape_type_dict(type), visit, context);
        visit_one((PyObject *)type->tp_base, visit, context);
        visit_one(type->tp_bases, visit, context);
        visit_one(type->tp_mro, visit, context);
    }
}

static void visit_code(PyObject *object, visitproc visit, void *context)
{
    const PyCodeObject *code = (const PyCodeObject *)object;
    PyObject *parts[] = {
        code->co_consts,
        code->co_names,
        code->co_filename,
        code->co_name,
        code->co_linetable,
#if PY_VERSION_HEX < 0x030B0000
        code->co_code,
        code->co_varnames,
        code->co_freevars,
        code->co_cellvars,
#else
        code->co_exceptiontable,
        code->co_localsplusnames,
        code->co_localspluskinds,
        code->co_qualname,
#if PY_VERSION_HEX < 0x030C0000
        code->_co_code,
#else
        code->_co_cached == NULL ? NULL : code->_co_cached->_co_code,
        code->_co_cached == NULL ? NULL : code->_co_cached->_co_varnames,
        code->_co_cached == NULL ? NULL : code->_co_cached->_co_cellvars,
        code->_co_cached == NULL ? NULL : code->_co_cached->_co_freevars,
#endif
#endif
    };

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        visit_one(parts[i], visit, context);
}

/* ---- numpy ---- */

/* Whatever its strides. Elements of a view are those of what it is a view of. */
static void visit_elements(const struct ndarray *array, visitproc visit, void *context)
{
    Py_ssize_t at[MOST_DIMENSIONS] = {0};
    int last = array->n_dimensions - 1, axis;
    const char *element = array->data;
    PyObject *object;

    if (array->base != NULL || element == NULL || last >= MOST_DIMENSIONS)
        return;
    for (axis = 0; axis <= last; axis++)
        if (array->lengths[axis] == 0)
            return;
    do {
        memcpy(&object, element, sizeof object);
        visit_one(object, visit, context);
        for (axis = last; axis >= 0; axis--) {
            element += array->strides[axis];
            if (++at[axis] < array->lengths[axis])
                break;
            element -= array->strides[axis] * at[axis];
            at[axis] = 0;
        }
    } while (axis >= 0);
}

static void visit_array(PyObject *object, visitproc visit, void *context)
{
    const struct ndarray *array = (const struct ndarray *)object;

    visit_one(array->base, visit, context);
    visit_one(array->dtype, visit, context);
    if (array->dtype != NULL && ((const struct ndarray_dtype *)array->dtype)->kind == 'O')
        visit_elements(array, visit, context);
}

/* ---- all ---- */

static void visit_small(PyObject *object, enum shape_children children, visitproc visit,
                        void *context)
{
    const PyDateTime_DateTime *datetime = (const PyDateTime_DateTime *)object;
    const PyDateTime_Time *time = (const PyDateTime_Time *)object;
    const struct time_zone *zone = (const struct time_zone *)object;
    const struct range *range = (const struct range *)object;

    if (children == CHILDREN_OF_DATETIME && datetime->hastzinfo) {
        visit_one(datetime->tzinfo, visit, context);
    } else if (children == CHILDREN_OF_TIME && time->hastzinfo) {
        visit_one(time->tzinfo, visit, context);
    } else if (children == CHILDREN_OF_TIMEZONE) {
        visit_one(zone->offset, visit, context);
        visit_one(zone->name, visit, context);
    } else if (children == CHILDREN_OF_RANGE) {
        visit_one(range->start, visit, context);
        visit_one(range->stop, visit, context);
        visit_one(range->step, visit, context);
        visit_one(range->length, visit, context);
    }
}

void object_children(PyObject *object, const struct type_shape *shape, visitproc visit,
                     void *context)
{
    enum shape_children children = (enum shape_children)shape->children;

    /* That of a static type would abort. */
    if (shape->is_traversed && (!shape->may_be_static || PyObject_IS_GC(object)))
        Py_TYPE(object)->tp_traverse(object, visit, context);
    switch (children) {
    case CHILDREN_OF_NONE:
        break;
    case CHILDREN_OF_DICT:
        if (shape->is_traversed)
            visit_other_keys(object, visit, context);
        else
            visit_dict(object, visit, context);
        break;
    case CHILDREN_OF_TYPE:
        visit_type(object, visit, context);
        break;
    case CHILDREN_OF_CODE:
        visit_code(object, visit, context);
        break;
    case CHILDREN_OF_NDARRAY:
        visit_array(object, visit, context);
        break;
    case CHILDREN_OF_INSTANCE: /* where its attributes stand in it as well, nobody visits it */
#if PY_VERSION_HEX >= 0x030D0000
        visit_one(managed_dict(object), visit, context);
#endif
        break;
    default:
        visit_small(object, children, visit, context);
    }
}
