/* A library that allocates by all ways of calling: for test_got_patch.c, which opens it. */
#include <stdlib.h>

extern void (*got_meanwhile)(void);
int library_chosen(void);
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

static int one(void)
{
    return 1;
}

/* The loader asks for a function while it relocates: the last of all, so much else is done. */
static int (*choose(void))(void)
{
    if (got_meanwhile != NULL)
        got_meanwhile();
    return one;
}

/* Hidden, not static: clang would give it a slot that is filled when it is first called. */
__attribute__((visibility("hidden"), ifunc("choose"))) int chosen(void);

#ifdef CHOSEN_IN_DATA
/* Then no slot of a call waits for it. */
static int (*volatile const choice)(void) = chosen;
#define chosen choice
#endif

int library_chosen(void)
{
    return chosen();
}
