/*
 * What a walk over the heap reads of the interpreter and has no function for: the collector's
 * state, tables of dicts, attributes of instances. Of the Python that this was built for.
 */
#ifndef MEMPROF_EXT_INTERPRETER_PARTS_H
#define MEMPROF_EXT_INTERPRETER_PARTS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#define Py_BUILD_CORE 1
#undef _PyGC_FINALIZED /* 3.12 has it as a macro outside, and as a function inside */
#if PY_VERSION_HEX >= 0x030B0000
#include <internal/pycore_dict.h>
#endif
#include <internal/pycore_gc.h>
#include <internal/pycore_interp.h>
#undef Py_BUILD_CORE

#if PY_VERSION_HEX < 0x030B0000
/* Objects/dict-common.h, which is not installed. */
typedef struct {
    Py_hash_t me_hash;
    PyObject *me_key, *me_value;
} PyDictKeyEntry;

struct _dictkeysobject {
    Py_ssize_t dk_refcnt, dk_size;
    void *dk_lookup;
    Py_ssize_t dk_usable, dk_nentries;
    char dk_indices[];
};
#endif

#ifndef Py_TPFLAGS_MANAGED_DICT
#define Py_TPFLAGS_MANAGED_DICT 0
#endif
#ifndef Py_TPFLAGS_INLINE_VALUES
#define Py_TPFLAGS_INLINE_VALUES 0
#endif
#ifndef Py_TPFLAGS_PREHEADER
#define Py_TPFLAGS_PREHEADER Py_TPFLAGS_MANAGED_DICT /* 3.11; earlier ones have none */
#endif

typedef struct _dictkeysobject dict_keys;

/* ---- tables of dicts ---- */

/* The first of its entries, which are of this many words: the last two of each are key and value.
 */
static inline PyObject **dict_keys_entries(const dict_keys *keys, int *n_words)
{
#if PY_VERSION_HEX < 0x030B0000
    Py_ssize_t index = keys->dk_size <= 0xff ? 1 : keys->dk_size <= 0xffff ? 2 : 4;

    if (keys->dk_size > (Py_ssize_t)0xffffffff)
        index = 8;
    *n_words = 3;
    return (PyObject **)(keys->dk_indices + keys->dk_size * index);
#else
    *n_words = keys->dk_kind == DICT_KEYS_GENERAL ? 3 : 2;
    return (PyObject **)((char *)keys->dk_indices + ((size_t)1 << keys->dk_log2_index_bytes));
#endif
}

/* The value of an interned str in a dict that is not split, or NULL; borrowed. A look-up of
 * Python's would call the __eq__() of a key that is no plain str. */
static inline PyObject *dict_value_of(PyObject *dict, PyObject *name)
{
    const dict_keys *keys = ((PyDictObject *)dict)->ma_keys;
    Py_ssize_t n = ((PyDictObject *)dict)->ma_values == NULL ? keys->dk_nentries : 0;
    int n_words;
    PyObject **entry = dict_keys_entries(keys, &n_words);

#if PY_VERSION_HEX >= 0x030B0000
    if (DK_IS_UNICODE(keys))
        return PyDict_GetItemWithError(dict, name);
#endif
    for (Py_ssize_t i = 0; i < n; i++, entry += n_words) {
        PyObject *key = entry[n_words - 2];

        if (entry[n_words - 1] != NULL && key != NULL && PyUnicode_CheckExact(key) &&
            (key == name || PyUnicode_Compare(key, name) == 0))
            return entry[n_words - 1];
    }
    return NULL;
}

/* Bytes of the block. */
static inline size_t dict_keys_bytes(const dict_keys *keys)
{
    int n_words;
    PyObject **entries = dict_keys_entries(keys, &n_words);
#if PY_VERSION_HEX < 0x030B0000
    size_t n_slots = (size_t)keys->dk_size;
#else
    size_t n_slots = (size_t)1 << keys->dk_log2_size;
#endif

    return (size_t)((const char *)entries - (const char *)keys) +
           (n_slots * 2 / 3) * (size_t)n_words * sizeof(PyObject *);
}

/* Whether others have them, too: its type, for one, whose they are then. */
static inline bool dict_keys_shared(const dict_keys *keys)
{
    return keys->dk_refcnt != 1;
}

/* Values that a table of keys has room for, where values stand apart from it. */
static inline size_t dict_keys_room(const dict_keys *keys)
{
#if PY_VERSION_HEX < 0x030B0000
    return (size_t)keys->dk_size * 2 / 3;
#else
    return (size_t)(keys->dk_usable + keys->dk_nentries);
#endif
}

/* ---- values that stand apart ---- */

#if PY_VERSION_HEX >= 0x030D0000

static inline size_t values_block(const PyDictValues *values)
{
    size_t n = values->capacity;

    return (n + 1 + (n + 7) / 8) * sizeof(PyObject *);
}

/* Bytes of the block of a dict's values, or of an instance's; 0 where they stand in the object. */
static inline size_t dict_values_bytes(const PyDictObject *dict)
{
    return dict->ma_values == NULL || dict->ma_values->embedded ? 0 : values_block(dict->ma_values);
}

/* What stands behind an instance. */
static inline size_t inline_values_bytes(PyObject *object)
{
    return values_block((PyDictValues *)((char *)object + Py_TYPE(object)->tp_basicsize));
}

static inline PyObject *managed_dict(PyObject *object)
{
    return (PyObject *)_PyObject_ManagedDictPointer(object)->dict;
}

#else

static inline size_t values_block(const void *values, const dict_keys *keys)
{
    size_t n = dict_keys_room(keys);
#if PY_VERSION_HEX >= 0x030B0000
    size_t before = ((const uint8_t *)values)[-1]; /* room for two bytes and one for each value */

    /* The room of the keys has become less with the first instances. */
    if (before > n + 9)
        n = before - 9;
    return before + n * sizeof(PyObject *);
#else
    (void)values;
    return n * sizeof(PyObject *);
#endif
}

static inline size_t dict_values_bytes(const PyDictObject *dict)
{
    return dict->ma_values == NULL ? 0 : values_block(dict->ma_values, dict->ma_keys);
}

#if PY_VERSION_HEX >= 0x030B0000
/* The attributes of an instance, NULL where they are a dict's. */
static inline const void *managed_values(PyObject *object)
{
#if PY_VERSION_HEX >= 0x030C0000
    const char *either = ((const char **)object)[-3]; /* a dict, or one less than values */

    return (uintptr_t)either & 1 ? either + 1 : NULL;
#else
    return ((const void **)object)[-4];
#endif
}
#endif

#endif

/* The dict of an instance's attributes, or NULL where it has none, or has not made it. Borrowed. */
static inline PyObject *instance_dict(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    Py_ssize_t at = type->tp_dictoffset;

#if PY_VERSION_HEX >= 0x030D0000
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT)
        return managed_dict(object);
#elif PY_VERSION_HEX >= 0x030C0000
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT)
        return managed_values(object) != NULL ? NULL : ((PyObject **)object)[-3];
#elif PY_VERSION_HEX >= 0x030B0000
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT)
        return ((PyObject **)object)[-3];
#endif
    if (at < 0) { /* behind the items; an int has its sign in their number */
        Py_ssize_t n = ((PyVarObject *)object)->ob_size;

#if PY_VERSION_HEX >= 0x030C0000
        if (type->tp_flags & Py_TPFLAGS_LONG_SUBCLASS)
            n = (Py_ssize_t)(((PyLongObject *)object)->long_value.lv_tag >> 3);
#endif
        at += (Py_ssize_t)_PyObject_VAR_SIZE(type, n < 0 ? -n : n);
    }
    return at <= 0 ? NULL : *(PyObject **)((char *)object + at);
}

#endif
