/* libFuzzer: whatever stands in the files of /proc, reading them ends, with numbers or an error. */
#include "fuzz.h"

/* Their parsers are their own affair: they have no header. */
#include "memprof/machine/linux/mem_reader.c"
#include "memprof/machine/linux/process.c"
#include "memprof/machine/smaps_text.h"

static void read_stat(char *text)
{
    struct process_info facts = {.parent = -1};

    if (parse_stat(text, &facts) == 0) {
        check(strlen(facts.name) < sizeof facts.name);
        check(facts.zombie == 0 || facts.zombie == 1);
    }
    check(stat_tells_children(text) == 0 || stat_tells_children(text) == 1);
}

static void read_statm(const char *text)
{
    int64_t bytes = -1;

    if (parse_statm(text, &bytes) == 0)
        check(bytes >= 0 && bytes % sysconf(_SC_PAGESIZE) == 0);
    else
        check(bytes == -1);
}

static void read_rollup(const char *text)
{
    int64_t pss = -1, uss = -1, peak = 0;

    check(parse_rollup(MEM_PSS, text, &pss) == 0 ? pss >= 0 && pss % 1024 == 0 : pss == -1);
    check(parse_rollup(MEM_USS, text, &uss) == 0 ? uss >= 0 && uss % 1024 == 0 : uss == -1);
    if (add_kilobytes(text, "VmHWM:", &peak) != 0)
        check(peak == 0);
}

static void read_smaps(char *text)
{
    static const uint64_t stack = 0x5000;
    struct resident_parts parts;
    struct smaps_reader reader;

    smaps_begin(&reader, &stack, 1, &parts);
    for (char *line = text, *next; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        smaps_line(&reader, line);
    }
    check(parts.files >= 0 && parts.shared >= 0 && parts.stacks >= 0 && parts.heap >= 0);
    check(parts.heap_size >= 0 && parts.swap >= 0);
    check(parts.rss == INT64_MAX ||
          parts.rss == parts.files + parts.shared + parts.stacks + parts.heap);
}

/* Entries are looked for one by one; here each place where one may begin is compared. */
static void read_environ(const char *text, size_t length)
{
    static const char name[] = "MPROF_OUTPUT", variable[] = "MPROF_OUTPUT=/a";
    int fd = fuzz_file(text, length);
    FILE *file = fdopen(fd, "r");
    char value[8];
    ssize_t size;
    bool found = false, begun = false;

    for (size_t at = 0; at < length; at++) {
        if (at > 0 && text[at - 1] != '\0')
            continue;
        found |=
            at + sizeof variable <= length && memcmp(text + at, variable, sizeof variable) == 0;
        begun |= at + sizeof name <= length && memcmp(text + at, variable, sizeof name) == 0;
    }
    check(file != NULL);
    check(environment_has(file, variable) == found);
    rewind(file);
    size = environment_value(file, name, value, sizeof value);
    check(begun ? size == -ENAMETOOLONG || (size >= 0 && (size_t)size == strlen(value))
                : size == -ENOENT);
    fclose(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    unsigned kind = take(&bytes, &length) % 5;
    char *text = malloc(length + 1);

    check(text != NULL);
    memcpy(text, bytes, length);
    text[length] = '\0';
    if (kind == 0)
        read_stat(text);
    else if (kind == 1)
        read_statm(text);
    else if (kind == 2)
        read_rollup(text);
    else if (kind == 3)
        read_environ(text, length);
    else
        read_smaps(text);
    free(text);
    return 0;
}
