/* Calls the clocks and the readers of memory: linking it proves that a platform has them all. */
#include <stdio.h>

#include "memprof/machine/clock.h"
#include "memprof/machine/got_patch.h"
#include "memprof/machine/mem_reader.h"
#include "memprof/machine/oom_kills.h"

static void print(const char *name, int error, int64_t value)
{
    if (error != 0)
        printf("%s: error %d\n", name, error);
    else
        printf("%s: %lld\n", name, (long long)value);
}

static void print_reading(const char *name, enum mem_backend backend)
{
    struct mem_reader reader;
    int64_t bytes = 0;
    int error = mem_reader_init(&reader, 0, backend);

    if (error == 0) {
        mem_reader_verify(&reader);
        error = mem_reader_read(&reader, &bytes);
        mem_reader_release(&reader);
    }
    print(name, error, bytes);
}

static void print_kills(void)
{
    struct oom_news news = {0, 0};
    struct oom_kills kills;
    int error = oom_kills_init(&kills, "", 0);

    if (error == 0)
        oom_kills_look(&kills, 0, &news);
    print("kills for memory", error, news.kills);
    oom_kills_spare_me();
}

static void print_patch(void)
{
    struct got_patch patch = {0};
    int slots = got_patch_all(&patch, NULL, 0, NULL);

    print("slots", slots < 0 ? slots : 0, slots);
    print("slots later", 0, got_patch_new(&patch));
    print("bytes of slots", 0, (int64_t)got_patch_bytes(&patch));
    got_patch_restore(&patch);
    print("original", got_original("malloc") == NULL, 0);
}

int main(void)
{
    int64_t bytes = 0;
    int error;

    print_reading("rss", MEM_RSS);
    print_reading("pss", MEM_PSS);
    print_reading("uss", MEM_USS);
    error = mem_peak_read(0, &bytes);
    print("peak", error, bytes);
    print_kills();
    print_patch();
    print("peak reset", mem_peak_reset(0), 0);
    print("resolution", 0, mem_resolution());
    print("threads", 0, mem_thread_count());
    print("wall", 0, clock_wall_ns());
    print("sleep", clock_sleep_until_ns(clock_monotonic_ns() + 1000000), 0);
    print("steady ticks", 0, clock_ticks_are_steady());
    print("ticks per second", 0, (int64_t)clock_ticks_per_second(1000000));
    return 0;
}
