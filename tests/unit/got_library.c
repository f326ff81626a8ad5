/* A library that allocates by all ways of calling: for test_got_patch.c, which opens it. */
#include <stdlib.h>

void *library_allocate(size_t size);
void library_free(void *block);
void *library_allocate_by_pointer(size_t size);

/* Data that holds the address, relocated by itself. */
void *(*volatile library_pointer)(size_t) = malloc;

void *library_allocate(size_t size)
{
    return malloc(size);
}

void library_free(void *block)
{
    free(block);
}

void *library_allocate_by_pointer(size_t size)
{
    return library_pointer(size);
}
