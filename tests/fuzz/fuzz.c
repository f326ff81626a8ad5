#include "fuzz.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int fuzz_file(const void *bytes, size_t length)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    check(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

#define PRINTABLE                                                                                  \
    " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"                          \
    "abcdefghijklmnopqrstuvwxyz{|}~"

/* How many bytes the character has, 0: it is none. */
static size_t character_size(const unsigned char *at, size_t length)
{
    size_t size = at[0] < 0x80 ? 1 : at[0] < 0xC2 ? 0 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;

    if (size == 0 || size > length || at[0] > 0xF4)
        return 0;
    for (size_t i = 1; i < size; i++)
        if (at[i] >> 6 != 2)
            return 0;
    return size;
}

bool fuzz_is_clean(const char *text, size_t length, const char *also)
{
    const unsigned char *at = (const unsigned char *)text;

    for (size_t size; length > 0; at += size, length -= size) {
        size = strspn((const char *)at, PRINTABLE); /* most of it, and quick */
        if (size > 0)
            continue;
        size = character_size(at, length);
        if (size == 0 || at[0] == 0x7F || (at[0] == 0xC2 && at[1] < 0xA0))
            return 0;
        if (at[0] < ' ' && at[0] != '\n' && (at[0] == '\0' || strchr(also, at[0]) == NULL))
            return 0;
    }
    return 1;
}
