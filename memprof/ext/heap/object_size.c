#include "memprof/ext/heap/object_size.h"

#include <stddef.h>

#include "memprof/ext/heap/interpreter_parts.h"
#include "memprof/ext/heap/object_shape.h"
#include "memprof/machine/malloc_block.h"

#define STEP 16
#define LINK sizeof(PyObject *)

static inline size_t block(const struct object_sizes *sizes, size_t size, const void *address)
{
    return size <= sizes->small ? (size + STEP - 1) / STEP * STEP
                                : malloc_block_bytes(size, address);
}

static inline size_t n_items(PyObject *object)
{
    Py_ssize_t n = ((PyVarObject *)object)->ob_size;

    return (size_t)(n < 0 ? -n : n);
}

static inline size_t items_bytes(PyObject *object, const struct type_shape *shape)
{
    return shape->item_bytes == 0 ? 0 : shape->item_bytes * n_items(object);
}

static size_t n_digits(PyObject *object)
{
#if PY_VERSION_HEX >= 0x030C0000
    return ((PyLongObject *)object)->long_value.lv_tag >> 3;
#else
    return n_items(object);
#endif
}

/* Attributes that stand behind the object are of its block. */
static size_t instance_bytes(const struct object_sizes *sizes, PyObject *object, size_t fixed)
{
#if PY_VERSION_HEX >= 0x030D0000
    return block(sizes, fixed + inline_values_bytes(object), NULL);
#elif PY_VERSION_HEX >= 0x030B0000
    const void *values = managed_values(object);
    const dict_keys *keys = ((PyHeapTypeObject *)Py_TYPE(object))->ht_cached_keys;

    return block(sizes, fixed, NULL) +
           (values == NULL || keys == NULL ? 0 : block(sizes, values_block(values, keys), values));
#else
    (void)object;
    return block(sizes, fixed, NULL);
#endif
}

static size_t own_block(const struct object_sizes *sizes, PyObject *object,
                        const struct type_shape *shape, size_t items)
{
    if (shape->has_values)
        return instance_bytes(sizes, object, shape->fixed_bytes + items);
    return block(sizes, shape->fixed_bytes + items, (char *)object - shape->header_bytes);
}

/* What its own __sizeof__ says, `otherwise` where that fails. */
static size_t called(PyObject *object, const void *size_of, size_t otherwise)
{
    PyCFunction function;
    PyObject *number;
    Py_ssize_t bytes;

    *(const void **)&function = size_of;
    number = function(object, NULL);
    bytes = number == NULL ? -1 : PyLong_AsSsize_t(number);
    Py_XDECREF(number);
    if (bytes >= 0)
        return (size_t)bytes;
    PyErr_Clear();
    return otherwise;
}

/* ---- of built-in types ---- */

static size_t str_bytes(const struct object_sizes *sizes, PyObject *object,
                        const struct type_shape *shape)
{
    const PyASCIIObject *head = (const PyASCIIObject *)object;
    const PyCompactUnicodeObject *compact = (const PyCompactUnicodeObject *)object;
    size_t text = ((size_t)head->length + 1) * head->state.kind, bytes = 0;
    const void *data = NULL;

    if (head->state.compact && head->state.ascii)
        return block(sizes, sizeof *head + text, object);
    if (head->state.compact) {
        bytes = block(sizes, sizeof *compact + text, object);
    } else {
        data = ((const PyUnicodeObject *)object)->data.any;
        bytes = own_block(sizes, object, shape, 0);
        bytes += data == NULL ? 0 : block(sizes, text, data);
    }
    if (compact->utf8 != NULL && compact->utf8 != data)
        bytes += block(sizes, (size_t)compact->utf8_length + 1, compact->utf8);
#if PY_VERSION_HEX < 0x030C0000
    if (head->wstr != NULL && (const void *)head->wstr != data &&
        (!head->state.compact || (const void *)head->wstr != (const void *)(compact + 1)))
        bytes += block(sizes, ((size_t)compact->wstr_length + 1) * sizeof(wchar_t), head->wstr);
#endif
    return bytes;
}

static size_t dict_bytes(const struct object_sizes *sizes, PyObject *object)
{
    const PyDictObject *dict = (const PyDictObject *)object;
    size_t bytes = block(sizes, dict_values_bytes(dict), dict->ma_values);

    if (!dict_keys_shared(dict->ma_keys))
        bytes += block(sizes, dict_keys_bytes(dict->ma_keys), dict->ma_keys);
    return bytes;
}

/* Objects/odictobject.c: a node for each item, and the beginning of the object. */
struct ordered_node {
    PyObject *key;
    Py_hash_t hash;
    struct ordered_node *next, *before;
};

struct ordered_dict {
    PyDictObject dict;
    struct ordered_node *first, *last;
    void **nodes;
    Py_ssize_t n_nodes;
};

static size_t ordered_bytes(const struct object_sizes *sizes, PyObject *object)
{
    const struct ordered_dict *dict = (const struct ordered_dict *)object;

    return block(sizes, (size_t)dict->n_nodes * LINK, dict->nodes) +
           (size_t)dict->dict.ma_used * block(sizes, sizeof(struct ordered_node), NULL);
}

static size_t set_bytes(const struct object_sizes *sizes, PyObject *object)
{
    const PySetObject *set = (const PySetObject *)object;

    return set->table == set->smalltable
               ? 0
               : block(sizes, (size_t)(set->mask + 1) * sizeof *set->table, set->table);
}

static size_t type_bytes(const struct object_sizes *sizes, PyObject *object,
                         const struct type_shape *shape)
{
    const dict_keys *keys;

    if (!(((PyTypeObject *)object)->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return 0;
    keys = ((PyHeapTypeObject *)object)->ht_cached_keys;
    return block(sizes, shape->fixed_bytes + items_bytes(object, shape), NULL) +
           (keys == NULL ? 0 : block(sizes, dict_keys_bytes(keys), keys));
}

/* ---- of others ---- */

static size_t array_bytes(const struct object_sizes *sizes, PyObject *object,
                          const struct type_shape *shape)
{
    const struct ndarray *array = (const struct ndarray *)object;
    size_t lengths = 2 * sizeof *array->lengths * (size_t)array->n_dimensions;
    size_t known = (size_t)Py_TYPE(object)->tp_basicsize + lengths;
    size_t all = called(object, shape->size_of, known);

    return own_block(sizes, object, shape, 0) + malloc_block_bytes(lengths, NULL) +
           (all <= known ? 0 : malloc_block_bytes(all - known, array->data));
}

static size_t text_file_bytes(const struct object_sizes *sizes, PyObject *object)
{
    const struct text_file *file = (const struct text_file *)object;

    return file->text == NULL ? 0 : block(sizes, file->room * sizeof *file->text, file->text);
}

/* Small data stands in the object. */
static size_t ctypes_bytes(const struct object_sizes *sizes, PyObject *object)
{
    const struct ctypes_data *data = (const struct ctypes_data *)object;
    size_t at = (size_t)((uintptr_t)data->data - (uintptr_t)object);

    if (!data->is_owned || data->data == NULL || at < (size_t)Py_TYPE(object)->tp_basicsize)
        return 0;
    return block(sizes, (size_t)data->size, data->data);
}

static size_t called_bytes(const struct object_sizes *sizes, PyObject *object,
                           const struct type_shape *shape)
{
    size_t known = (size_t)Py_TYPE(object)->tp_basicsize;
    size_t all = called(object, shape->size_of, known);
    size_t more = all <= known ? 0 : all - known;
    size_t bytes;

    if (shape->item_bytes != 0) /* items are of its block; of a frame ob_size is not theirs */
        return own_block(sizes, object, shape, more);
    bytes = own_block(sizes, object, shape, 0);
    if (shape->part_bytes == 0)
        return bytes + block(sizes, more, NULL);
    return bytes + more / shape->part_bytes * block(sizes, shape->part_bytes, NULL);
}

static size_t getsizeof_bytes(PyObject *object, const struct type_shape *shape)
{
    size_t bytes = (size_t)Py_TYPE(object)->tp_basicsize + items_bytes(object, shape);

    if (shape->size_of != NULL)
        bytes = called(object, shape->size_of, bytes);
    if (shape->may_be_static && !PyObject_IS_GC(object))
        return bytes;
    return bytes + shape->header_bytes;
}

/* What stands beside the object's own block. */
static size_t beside_bytes(const struct object_sizes *sizes, PyObject *object,
                           const struct type_shape *shape)
{
    const PyListObject *list = (const PyListObject *)object;
    const PyByteArrayObject *array = (const PyByteArrayObject *)object;

    switch ((enum shape_size)shape->size) {
    case SIZE_LIST:
        return block(sizes, (size_t)list->allocated * LINK, list->ob_item);
    case SIZE_BYTEARRAY:
        return block(sizes, (size_t)array->ob_alloc, array->ob_bytes);
    case SIZE_DICT:
        return dict_bytes(sizes, object);
    case SIZE_ODICT:
        return dict_bytes(sizes, object) + ordered_bytes(sizes, object);
    case SIZE_SET:
        return set_bytes(sizes, object);
    case SIZE_TEXT_FILE:
        return text_file_bytes(sizes, object);
    case SIZE_CTYPES:
        return ctypes_bytes(sizes, object);
    default:
        return shape->beside_bytes;
    }
}

size_t object_size(const struct object_sizes *sizes, PyObject *object,
                   const struct type_shape *shape)
{
    size_t items;

    if (shape->size == SIZE_GETSIZEOF)
        return getsizeof_bytes(object, shape);
    if ((uintptr_t)object - sizes->python.from < sizes->python.to - sizes->python.from)
        return 0;
    switch ((enum shape_size)shape->size) {
    case SIZE_INT:
        items = n_digits(object);
        return own_block(sizes, object, shape, (items == 0 ? 1 : items) * sizeof(digit));
    case SIZE_STR:
        return str_bytes(sizes, object, shape);
    case SIZE_TYPE:
        return type_bytes(sizes, object, shape);
    case SIZE_NDARRAY:
        return array_bytes(sizes, object, shape);
    case SIZE_CALLED:
        return called_bytes(sizes, object, shape);
    default:
        items = items_bytes(object, shape);
        return own_block(sizes, object, shape, items) + beside_bytes(sizes, object, shape);
    }
}
