#include "memprof/ext/type_names.h"

#include <string.h>

#include "memprof/ext/heap/interpreter_parts.h"
#include "memprof/ext/heap/object_shape.h"

/* The module that a class says it is of, or NULL. Borrowed. */
static PyObject *module_of(PyTypeObject *type)
{
    PyObject *dict = object_shape_type_dict(type);
    PyObject *name = PyUnicode_InternFromString("__module__");
    PyObject *module = dict == NULL || name == NULL ? NULL : dict_value_of(dict, name);

    Py_XDECREF(name); /* it is interned, and the class has it */
    return module != NULL && PyUnicode_CheckExact(module) ? module : NULL;
}

PyObject *type_name(PyTypeObject *type)
{
    PyObject *name, *module;

    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return PyUnicode_DecodeUTF8(type->tp_name, (Py_ssize_t)strlen(type->tp_name), "replace");
    name = ((PyHeapTypeObject *)type)->ht_qualname;
    if (name == NULL || !PyUnicode_Check(name))
        return PyUnicode_FromString("?"); /* it is half made */
    module = module_of(type);
    if (module == NULL || PyUnicode_CompareWithASCIIString(module, "builtins") == 0)
        return PyUnicode_FromObject(name);
    return PyUnicode_FromFormat("%U.%U", module, name);
}
