#include "memprof/ext/heap/object_step.h"

#include <structmember.h>

#include "memprof/ext/heap/frame_parts.h"
#include "memprof/ext/heap/interpreter_parts.h"
#include "memprof/ext/heap/object_children.h"
#include "memprof/ext/heap/object_shape.h"

#define MOST_CHARACTERS 100 /* of a key that is said */

static PyObject *step(const char *kind, PyObject *key)
{
    return Py_BuildValue("(sO)", kind, key == NULL ? Py_None : key);
}

static PyObject *numbered(const char *kind, Py_ssize_t i)
{
    return Py_BuildValue("(sn)", kind, i);
}

/* ---- of dicts ---- */

/* What an expression can say as it is, and short. */
static bool is_plain(PyObject *key)
{
    if (PyUnicode_CheckExact(key))
        return PyUnicode_GET_LENGTH(key) <= MOST_CHARACTERS;
    if (PyBytes_CheckExact(key))
        return PyBytes_GET_SIZE(key) <= MOST_CHARACTERS;
    return (PyLong_CheckExact(key) && _PyLong_NumBits(key) <= 64) || PyBool_Check(key) ||
           key == Py_None;
}

/* The value of an entry; NULL where it is free. */
static PyObject *entry_value(const PyDictObject *dict, PyObject *const *entry, int n_words,
                             Py_ssize_t i)
{
    if (dict->ma_values == NULL)
        return entry[n_words - 1];
#if PY_VERSION_HEX >= 0x030B0000
    return dict->ma_values->values[i];
#else
    return dict->ma_values[i];
#endif
}

static PyObject *step_in_dict(PyObject *from, PyObject *to)
{
    const PyDictObject *dict = (const PyDictObject *)from;
    int n_words;
    PyObject **entry = dict_keys_entries(dict->ma_keys, &n_words);
    bool is_numbered = dict->ma_values == NULL; /* else each dict has an order of its own */

    for (Py_ssize_t i = 0, at = 0; i < dict->ma_keys->dk_nentries; i++, entry += n_words) {
        PyObject *value = entry_value(dict, entry, n_words, i), *key = entry[n_words - 2];

        if (value == NULL || key == NULL)
            continue;
        if (value == to)
            return is_numbered && !is_plain(key) ? numbered("value", at) : step("item", key);
        if (key == to)
            return is_numbered ? numbered("key", at) : step("hidden", NULL);
        at++;
    }
    return NULL;
}

/* ---- of others that have many ---- */

static PyObject *step_in_items(PyObject *const *items, Py_ssize_t n, PyObject *to)
{
    for (Py_ssize_t i = 0; i < n; i++)
        if (items[i] == to)
            return numbered("index", i);
    return NULL;
}

static PyObject *step_in_set(PyObject *from, PyObject *to)
{
    const PySetObject *set = (const PySetObject *)from;

    for (Py_ssize_t i = 0, at = 0; i <= set->mask; i++) {
        if (set->table[i].key == to)
            return numbered("member", at);
        at += set->table[i].key != NULL && set->table[i].hash != -1;
    }
    return NULL;
}

/* ---- of instances ---- */

#if PY_VERSION_HEX >= 0x030B0000

/* Attributes that no dict has been made for. */
static PyObject *step_in_values(PyObject *from, PyObject *to)
{
    const dict_keys *keys = ((PyHeapTypeObject *)Py_TYPE(from))->ht_cached_keys;
    PyObject *const *values;
    int n_words;
    PyObject **entry;

#if PY_VERSION_HEX >= 0x030D0000
    values = ((PyDictValues *)((char *)from + Py_TYPE(from)->tp_basicsize))->values;
#else
    values = (PyObject *const *)managed_values(from);
#endif
    if (keys == NULL || values == NULL)
        return NULL;
    entry = dict_keys_entries(keys, &n_words);
    for (Py_ssize_t i = 0; i < keys->dk_nentries; i++, entry += n_words)
        if (values[i] == to && entry[n_words - 2] != NULL)
            return step("attr", entry[n_words - 2]);
    return NULL;
}

#endif

static bool is_member(PyObject *descriptor, PyObject *from, PyObject *to)
{
    const PyMemberDef *member;

    if (!Py_IS_TYPE(descriptor, &PyMemberDescr_Type))
        return false;
    member = ((PyMemberDescrObject *)descriptor)->d_member;
    return (member->type == T_OBJECT_EX || member->type == T_OBJECT) &&
           *(PyObject **)((char *)from + member->offset) == to;
}

/* A slot, or what a type of C calls a member: its name, and whose it is of the type's order. */
static PyObject *step_in_members(PyObject *from, PyObject *to)
{
    PyObject *order = Py_TYPE(from)->tp_mro;

    for (Py_ssize_t i = 0; order != NULL && i < PyTuple_GET_SIZE(order); i++) {
        PyObject *base = PyTuple_GET_ITEM(order, i), *key, *descriptor;
        PyObject *dict = PyType_Check(base) ? object_shape_type_dict((PyTypeObject *)base) : NULL;
        Py_ssize_t at = 0;

        while (dict != NULL && PyDict_CheckExact(dict) && PyDict_Next(dict, &at, &key, &descriptor))
            if (PyUnicode_CheckExact(key) && is_member(descriptor, from, to))
                return Py_BuildValue("(s(nO))", "slot", i, key);
    }
    return NULL;
}

static PyObject *attributes_of(PyObject *from)
{
    if (PyType_Check(from))
        return object_shape_type_dict((PyTypeObject *)from);
    return PyModule_Check(from) ? PyModule_GetDict(from) : instance_dict(from);
}

static PyObject *step_in_instance(PyObject *from, PyObject *to, const struct type_shape *shape)
{
    PyObject *found = NULL;

    if (attributes_of(from) == to)
        return step("dict", NULL);
#if PY_VERSION_HEX >= 0x030B0000
    if (shape->has_values)
        found = step_in_values(from, to);
#else
    (void)shape;
#endif
    return found != NULL || PyErr_Occurred() ? found : step_in_members(from, to);
}

/* ---- of frames ---- */

/* What a coroutine or generator waits for stands on its frame's stack, and has a name besides. */
static PyObject *step_to_awaited(PyObject *from, PyObject *to)
{
    const char *name = PyCoro_CheckExact(from)       ? "cr_await"
                       : PyAsyncGen_CheckExact(from) ? "ag_await"
                                                     : "gi_yieldfrom";
    PyObject *awaited = PyObject_GetAttrString(from, name);

    Py_XDECREF(awaited);
    return awaited == to ? Py_BuildValue("(ss)", "awaited", name) : NULL;
}

static PyObject *step_to_local(const frame_walk *frame, PyObject *to)
{
    const PyCodeObject *code = frame_walk_code(frame);

    if (code == NULL)
        return NULL;
    for (Py_ssize_t i = 0; i < frame_n_locals(code); i++)
        if (frame_local(frame, i) == to)
            return step("local", frame_local_name(code, i));
    return NULL;
}

static PyObject *step_in_generator(PyObject *from, PyObject *to)
{
    PyObject *found = step_to_local(frame_of_generator(from), to);

    return found != NULL || PyErr_Occurred() ? found : step_to_awaited(from, to);
}

PyObject *object_step_of_frame(const frame_walk *frame, PyObject *to)
{
    PyObject *found = step_to_local(frame, to);

#if PY_VERSION_HEX < 0x030B0000
    if (to == (const PyObject *)frame)
        return step("frame", NULL);
#endif
    if (found != NULL || PyErr_Occurred())
        return found;
    return step(frame_locals_dict(frame) == to ? "dict" : "expression", NULL);
}

/* ---- what is left ---- */

struct search {
    PyObject *to;
    Py_ssize_t at, found;
};

static int look(PyObject *object, void *context)
{
    struct search *search = context;

    if (object == search->to && search->found < 0)
        search->found = search->at;
    search->at++;
    return 0;
}

static PyObject *step_by_number(PyObject *from, PyObject *to)
{
    struct search search = {.to = to, .found = -1};

    if (PyObject_IS_GC(from) && Py_TYPE(from)->tp_traverse != NULL)
        Py_TYPE(from)->tp_traverse(from, look, &search);
    return search.found < 0 ? step("hidden", NULL) : numbered("referent", search.found);
}

static PyObject *step_by_type(PyObject *from, PyObject *to)
{
    if (PyDict_Check(from))
        return step_in_dict(from, to);
    if (PyList_Check(from))
        return step_in_items(((PyListObject *)from)->ob_item, PyList_GET_SIZE(from), to);
    if (PyTuple_Check(from))
        return step_in_items(((PyTupleObject *)from)->ob_item, PyTuple_GET_SIZE(from), to);
    if (PyAnySet_Check(from))
        return step_in_set(from, to);
    if (PyCell_Check(from))
        return step("cell", NULL);
#if PY_VERSION_HEX < 0x030B0000
    if (PyFrame_Check(from))
        return step_to_local((PyFrameObject *)from, to);
#endif
    return frame_of_generator(from) == NULL ? NULL : step_in_generator(from, to);
}

PyObject *object_step(PyObject *from, PyObject *to, const struct type_shape *shape)
{
    PyObject *found = step_by_type(from, to);

    if (found == NULL && !PyErr_Occurred())
        found = step_in_instance(from, to, shape);
    if (found == NULL && !PyErr_Occurred())
        found = step_by_number(from, to);
    return found;
}
