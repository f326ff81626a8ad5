#include "memprof/ext/alloc_places.h"

#include "memprof/ext/heap/frame_stack.h"
#include "memprof/heap/alloc_rows.h"

void alloc_places_release(struct alloc_places *places)
{
    for (uint32_t i = 0; places->lines != NULL && i < frame_stack_codes.n_entries; i++)
        PyMem_RawFree(places->lines[i]);
    PyMem_RawFree(places->numbers);
    PyMem_RawFree(places->lines);
    PyMem_RawFree(places->n_lines);
}

static bool places_make(struct alloc_places *places)
{
    uint32_t n = frame_stack_codes.n_entries;

    places->numbers = PyMem_RawCalloc(n + 1, sizeof *places->numbers);
    places->lines = PyMem_RawCalloc(n + 1, sizeof *places->lines);
    places->n_lines = PyMem_RawCalloc(n + 1, sizeof *places->n_lines);
    if (places->numbers != NULL && places->lines != NULL && places->n_lines != NULL)
        return true;
    PyErr_NoMemory();
    return false;
}

/* The number of an item in a list, at the end of which it is put where it is not in it; -1 with an
 * exception. Takes the item over; NULL is none, with an exception. */
static Py_ssize_t number_of(PyObject *item, PyObject *numbers, PyObject *list)
{
    PyObject *next = item == NULL ? NULL : PyLong_FromSsize_t(PyList_GET_SIZE(list)), *number;
    Py_ssize_t found = -1;

    number = next == NULL ? NULL : PyDict_SetDefault(numbers, item, next);
    if (number != NULL && (number != next || PyList_Append(list, item) == 0))
        found = PyLong_AsSsize_t(number);
    Py_XDECREF(next);
    Py_XDECREF(item);
    return found;
}

PyObject *alloc_places_files(struct alloc_places *places)
{
    PyObject *numbers = PyDict_New(), *names = Py_BuildValue("[O]", Py_None);

    if (numbers != NULL && names != NULL && places_make(places))
        for (uint32_t i = 1; i < frame_stack_codes.n_entries && !PyErr_Occurred(); i++)
            places->numbers[i] = (uint32_t)number_of(
                code_text_object(&code_registry_entry(&frame_stack_codes, i)->file), numbers,
                names);
    Py_XDECREF(numbers);
    if (PyErr_Occurred())
        Py_CLEAR(names);
    return names;
}

/* (number of its file, name) */
static PyObject *function_tuple(const struct code_entry *entry, PyObject *numbers, PyObject *files)
{
    Py_ssize_t file = number_of(code_text_object(&entry->file), numbers, files);

    return file < 0 ? NULL : Py_BuildValue("(nN)", file, code_text_object(&entry->name));
}

PyObject *alloc_places_functions(struct alloc_places *places, PyObject **files)
{
    PyObject *file_numbers = PyDict_New(), *numbers = PyDict_New();
    PyObject *functions = Py_BuildValue("[(is)]", 0, "");

    *files = PyList_New(0);
    if (*files != NULL && file_numbers != NULL && numbers != NULL && functions != NULL &&
        places_make(places))
        for (uint32_t i = 1; i < frame_stack_codes.n_entries && !PyErr_Occurred(); i++)
            places->numbers[i] = (uint32_t)number_of(
                function_tuple(code_registry_entry(&frame_stack_codes, i), file_numbers, *files),
                numbers, functions);
    Py_XDECREF(file_numbers);
    Py_XDECREF(numbers);
    if (PyErr_Occurred()) {
        Py_CLEAR(functions);
        Py_CLEAR(*files);
    } else {
        places->n_functions = (uint32_t)PyList_GET_SIZE(functions);
    }
    return functions;
}

static int line_at(struct alloc_places *places, uint32_t code, uint32_t offset)
{
    uint32_t at = offset / FRAME_CODE_UNIT;

    if (places->lines[code] == NULL) {
        places->lines[code] =
            code_entry_lines(code_registry_entry(&frame_stack_codes, code), &places->n_lines[code]);
        places->has_failed |= places->lines[code] == NULL;
    }
    return places->lines[code] == NULL || at >= places->n_lines[code] ? 0 : places->lines[code][at];
}

uint64_t alloc_places_of(void *context, uint32_t code, uint32_t offset)
{
    struct alloc_places *places = context;

    if (code_registry_entry(&frame_stack_codes, code)->is_library)
        return ALLOC_PLACE_OF_CALLER;
    return (uint64_t)places->numbers[code] << 32 | (uint32_t)line_at(places, code, offset);
}

uint64_t alloc_places_of_function(void *context, uint32_t code, uint32_t offset)
{
    struct alloc_places *places = context;

    if (code == frame_stack_codes.thread)
        return (uint64_t)(places->n_functions + offset) << 32;
    if (code_registry_entry(&frame_stack_codes, code)->is_library)
        return (uint64_t)places->numbers[code] << 32;
    return (uint64_t)places->numbers[code] << 32 | (uint32_t)line_at(places, code, offset);
}
