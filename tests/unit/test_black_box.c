/*
 * Records in memory and in a file: what a crash leaves behind, and what others do to the file. It
 * is longer than 500 lines because whoever changes the box wants all that can happen to it at hand.
 */
#include "box_fixture.h"

#include <pthread.h>
#include <sys/mount.h>

#define KIND 7
#define KIB ((size_t)1 << 10)

/* A record that says its number, and repeats it up to its size. */
static uint64_t *add(struct black_box *box, uint64_t number, size_t size)
{
    uint64_t *record = black_box_reserve(box, size);

    if (record == NULL)
        return NULL;
    for (size_t i = 0; i < size / 8; i++) {
        assert_int_equal(record[i], 0);
        record[i] = number;
    }
    black_box_publish(record, KIND);
    return record;
}

/* How many records there are; each must be whole, and of the number that it has in the order. */
static uint64_t count_records(const void *bytes, size_t size)
{
    struct black_box_cursor cursor;
    struct black_box_record record;
    const uint64_t *at;
    uint64_t n = 0;

    assert_int_equal(black_box_read(&cursor, bytes, size), 0);
    for (; (at = black_box_next(&cursor, &record)) != NULL; n++) {
        assert_int_equal(record.kind, KIND);
        for (size_t i = 0; i < record.size / 8; i++)
            assert_int_equal(at[i], n);
    }
    return n;
}

static uint64_t records_of_file(void)
{
    size_t size;
    unsigned char *bytes = content_of(path, &size);
    uint64_t n = count_records(bytes, size);

    free(bytes);
    return n;
}

/* What black_box_write() gives. */
static unsigned char *image_of(const struct black_box *box, size_t *size)
{
    int fd = memfd_create("image", MFD_CLOEXEC);
    char name[32];
    unsigned char *bytes;

    assert_true(fd >= 0);
    assert_int_equal(black_box_write(box, fd), 0);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    bytes = content_of(name, size);
    close(fd);
    return bytes;
}

static int n_lost;

static void count_lost(void *context)
{
    (void)context;
    n_lost++;
}

static void init(struct black_box *box)
{
    assert_int_equal(black_box_init(box), 0);
    box->lost = count_lost;
    n_lost = 0;
}

/* ---- records ---- */

static void test_records_and_parts_in_memory(void **state)
{
    struct black_box box;
    size_t size;
    unsigned char *bytes;

    (void)state;
    init(&box);
    for (uint64_t i = 0; i < 3000; i++)
        assert_non_null(add(&box, i, 8 * (i % 40)));
    assert_non_null(add(&box, 3000, 700 * KIB)); /* larger than any part so far */
    assert_true(box.n_parts > 2);
    assert_int_equal(box.n_missing, 0);
    bytes = image_of(&box, &size);
    assert_int_equal(count_records(bytes, size), 3001);
    free(bytes);
    black_box_release(&box);
}

static void test_a_record_that_was_not_published_is_none(void **state)
{
    struct black_box box;
    size_t size;
    unsigned char *bytes;

    (void)state;
    init(&box);
    add(&box, 0, 8);
    assert_non_null(black_box_reserve(&box, 8));
    bytes = image_of(&box, &size);
    assert_int_equal(count_records(bytes, size), 1);
    free(bytes);
    black_box_release(&box);
}

static void test_a_record_without_room_is_missing(void **state)
{
    struct black_box box;

    (void)state;
    init(&box);
    assert_null(black_box_reserve(&box, ((size_t)1 << 30) + 1));
    assert_int_equal(box.n_missing, 1);
    assert_non_null(add(&box, 0, 8));
    black_box_release(&box);
}

static void test_addresses_are_found_in_the_bytes(void **state)
{
    struct black_box box;
    struct black_box_cursor cursor;
    size_t size;
    unsigned char *bytes;
    uint64_t *first, *far;

    (void)state;
    init(&box);
    first = add(&box, 0, 16);
    far = add(&box, 1, 200 * KIB);
    assert_true(black_box_holds(&box, first) && black_box_holds(&box, far + 5));
    assert_false(black_box_holds(&box, &box));
    bytes = image_of(&box, &size);
    assert_int_equal(black_box_read(&cursor, bytes, size), 0);
    assert_memory_equal(black_box_find(&cursor, (uintptr_t)far, 200 * KIB), far, 200 * KIB);
    assert_null(black_box_find(&cursor, (uintptr_t)&box, 1));
    assert_null(black_box_find(&cursor, (uintptr_t)first, size));
    assert_null(black_box_find(&cursor, 0, 1));
    free(bytes);
    black_box_release(&box);
}

/* ---- the file ---- */

static void test_moved_to_a_file_it_goes_on_there(void **state)
{
    struct black_box box;
    struct stat info;
    size_t size, image_size;
    unsigned char *bytes, *image;

    (void)state;
    init(&box);
    for (uint64_t i = 0; i < 1000; i++)
        add(&box, i, 160);
    move_box(&box);
    assert_int_equal(records_of_file(), 1000);
    for (uint64_t i = 1000; i < 9000; i++)
        add(&box, i, 160);
    assert_int_equal(records_of_file(), 9000);
    bytes = content_of(path, &size);
    image = image_of(&box, &image_size);
    assert_int_equal(size, image_size);
    assert_memory_equal(bytes, image, size);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(black_box_move(&box, "/tmp/another"), -EBUSY);
    assert_int_equal(black_box_is_held(path), 1);
    free(bytes);
    free(image);
    black_box_release(&box);
    assert_false(is_there(path));
}

static void test_without_its_file_it_goes_on_in_memory(void **state)
{
    struct black_box box;

    (void)state;
    init(&box);
    move_box(&box);
    black_box_remove_file(&box);
    assert_false(is_there(path));
    for (uint64_t i = 0; i < 9000; i++)
        assert_non_null(add(&box, i, 160));
    black_box_release(&box);
    assert_int_equal(n_lost, 0);
}

static void test_a_file_of_somebody_else_stays(void **state)
{
    struct black_box box;
    int fd;

    (void)state;
    init(&box);
    move_box(&box);
    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_int_equal(write(fd, "mine", 4), 4);
    close(fd);
    add(&box, 0, 300 * KIB); /* needs the file to grow */
    assert_int_equal(box.n_missing, 1);
    assert_int_equal(box.last_error, -ESTALE);
    black_box_release(&box);
    assert_true(is_there(path));
    assert_int_equal(black_box_is_held(path), -EINVAL);
}

static void test_a_name_that_is_taken(void **state)
{
    struct black_box box;
    char target[112];

    (void)state;
    init(&box);
    close(open(path, O_WRONLY | O_CREAT, 0644));
    assert_int_equal(black_box_move(&box, path), -EEXIST);
    unlink(path);
    snprintf(target, sizeof target, "%s.target", path);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(black_box_move(&box, path), -EEXIST);
    assert_false(is_there(target));
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(black_box_move(&box, path), -EEXIST);
    assert_int_equal(black_box_is_held(path), -EINVAL);
    unlink(path);
    assert_int_equal(black_box_move(&box, "/nowhere/at/all"), -ENOENT);
    move_box(&box); /* as before: it can still be moved */
    black_box_release(&box);
}

static void test_one_box_of_a_process_has_a_file(void **state)
{
    struct black_box box, other;
    char second[112];

    (void)state;
    snprintf(second, sizeof second, "%s.2", path);
    init(&box);
    move_box(&box);
    init(&other);
    assert_int_equal(black_box_move(&other, second), -EBUSY);
    assert_false(is_there(second));
    black_box_release(&other);
    assert_true(is_there(path));
    black_box_release(&box);
}

/* ---- full file systems ---- */

/* A file system of 128 KiB over the folder; skips where it cannot be had. */
static void mount_small(void)
{
    if (geteuid() != 0 || mount("tmpfs", folder, "tmpfs", 0, "size=128k,mode=700") != 0) {
        print_message("skipped: only root may mount a small file system\n");
        skip();
    }
}

static void test_a_full_file_system(void **state)
{
    struct black_box box;
    uint64_t n = 0;

    (void)state;
    mount_small();
    init(&box);
    move_box(&box);
    while (add(&box, n, 1000) != NULL)
        n++;
    assert_true(n > 50);
    assert_int_equal(box.n_missing, 1);
    assert_int_equal(box.last_error, -ENOSPC);
    assert_int_equal(records_of_file(), n);
    black_box_release(&box);
    init(&box);
    add(&box, 0, 100 * KIB);
    assert_int_equal(black_box_move(&box, path), -ENOSPC);
    assert_false(is_there(path));
    assert_non_null(add(&box, 1, 300 * KIB));
    black_box_release(&box);
    assert_int_equal(umount(folder), 0);
}

/* ---- a file that is cut short ---- */

/* Everything that lies in the box is written to again. */
static void write_everywhere(const struct black_box *box)
{
    for (int i = 0; i < box->n_parts; i++)
        memset((char *)(uintptr_t)box->parts[i].address + (i == 0 ? 4096 : 0), 1,
               (size_t)box->parts[i].size - (i == 0 ? 4096 : 0));
}

/* As who keeps counters in the box does when it is told. */
static void write_when_lost(void *context)
{
    n_lost++;
    write_everywhere(context);
}

static void fill(struct black_box *box)
{
    init(box);
    box->lost = write_when_lost;
    box->context = box;
    move_box(box);
    for (uint64_t i = 0; i < 1000; i++)
        add(box, i, 800);
    assert_true(box->n_parts > 3);
}

static void test_a_file_that_is_cut_to_nothing(void **state)
{
    struct black_box box;

    (void)state;
    fill(&box);
    assert_int_equal(truncate(path, 0), 0);
    write_everywhere(&box);
    assert_int_equal(n_lost, 1);
    assert_int_equal(box.was_cut, 1);
    black_box_release(&box);
    assert_false(is_there(path));
}

static void test_a_file_that_is_cut_to_half(void **state)
{
    struct black_box box;
    struct stat info;
    size_t size;
    unsigned char *bytes;

    (void)state;
    fill(&box);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, info.st_size / 2), 0);
    write_everywhere(&box);
    assert_int_equal(n_lost, 1);
    bytes = content_of(path, &size); /* what is left of the file is still the box's */
    assert_int_equal(bytes[64 * KIB], 1);
    free(bytes);
    assert_non_null(black_box_reserve(&box, 2000 * KIB));
    assert_int_equal(box.n_missing, 0);
    black_box_release(&box);
    assert_false(is_there(path));
}

/* Growing would make a file that is cut as long as before, and nobody would be told. */
static void test_a_file_that_is_cut_before_it_grows(void **state)
{
    struct black_box box;

    (void)state;
    fill(&box);
    assert_int_equal(truncate(path, 0), 0);
    black_box_grow(&box, 4000 * KIB);
    assert_int_equal(n_lost, 1);
    write_everywhere(&box);
    assert_int_equal(n_lost, 1);
    black_box_release(&box);
}

static void test_a_file_that_is_moved_away_and_cut(void **state)
{
    struct black_box box;
    char away[112];

    (void)state;
    fill(&box);
    snprintf(away, sizeof away, "%s.away", path);
    assert_int_equal(rename(path, away), 0);
    assert_int_equal(truncate(away, 0), 0);
    write_everywhere(&box);
    assert_int_equal(n_lost, 1);
    black_box_release(&box);
    assert_true(is_there(away));
    unlink(away);
}

/* ---- SIGBUS of the program ---- */

/* An access to a file that has no such page. */
static void touch_missing_page(void)
{
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memfd_create("x", 0), 0);

    *(volatile char *)page = 1;
}

static void leave_with_3(int number)
{
    (void)number;
    _exit(3);
}

static void leave_with_code(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    _exit(info->si_code == BUS_ADRERR ? 4 : 5);
}

enum how { DEFAULT, IGNORED, HANDLER, HANDLER_WITH_INFO, HANDLER_OVER_OURS };

static void set_handler(enum how how)
{
    struct sigaction action = {.sa_handler = how == IGNORED   ? SIG_IGN
                                             : how == DEFAULT ? SIG_DFL
                                                              : leave_with_3};

    if (how == HANDLER_WITH_INFO) {
        action.sa_sigaction = leave_with_code;
        action.sa_flags = SA_SIGINFO;
    }
    sigaction(SIGBUS, &action, NULL);
}

/* How a child ends that has such a handler, with a box or without, and meets a SIGBUS. */
static int end_by_bus_error(enum how how, int has_box, int is_sent)
{
    pid_t child = fork();
    struct black_box box;

    if (child != 0)
        return end_of_child(child);
    if (how != HANDLER_OVER_OURS)
        set_handler(how);
    if (has_box && (black_box_init(&box) != 0 || black_box_move(&box, path) != 0))
        _exit(99);
    if (how == HANDLER_OVER_OURS)
        set_handler(how);
    if (is_sent)
        raise(SIGBUS);
    else
        touch_missing_page();
    _exit(0);
}

static void test_bus_errors_of_the_program_are_its_own(void **state)
{
    struct black_box box;

    (void)state;
    init(&box);
    move_box(&box); /* or the test is skipped */
    black_box_release(&box);
    for (enum how how = DEFAULT; how <= HANDLER_OVER_OURS; how++)
        for (int is_sent = 0; is_sent < 2; is_sent++) {
            int expected = end_by_bus_error(how, 0, is_sent);

            assert_int_equal(end_by_bus_error(how, 1, is_sent), expected);
            assert_int_equal(expected == 0, how == IGNORED && is_sent);
            unlink(path);
        }
}

static void *handler_of_bus_errors(void)
{
    struct sigaction now;

    sigaction(SIGBUS, NULL, &now);
    return (void *)(uintptr_t)now.sa_sigaction;
}

static void test_the_handler_of_before_is_back(void **state)
{
    void *before = handler_of_bus_errors();
    struct black_box box;

    (void)state;
    init(&box);
    move_box(&box);
    black_box_release(&box);
    assert_ptr_equal(handler_of_bus_errors(), before);
}

/* ---- forks ---- */

/* What a child does with the box; it ends with 0 where all it finds is as it was. */
static void be_child(struct black_box *box, uint64_t *record, uint64_t n)
{
    char other[112];

    if (record[0] != 1 || box->path != NULL)
        _exit(1);
    record[0] = 99;
    for (uint64_t i = 0; i < 1000; i++)
        if (add(box, n + i, 800) == NULL)
            _exit(2);
    if (handler_of_bus_errors() != box->context)
        _exit(3);
    snprintf(other, sizeof other, "%s.child", path);
    if (black_box_move(box, other) != 0 || black_box_is_held(other) != 1)
        _exit(4);
    black_box_release(box);
    _exit(is_there(path) && !is_there(other) && n_lost == 0 ? 0 : 5);
}

static void test_a_child_has_a_box_of_its_own(void **state)
{
    struct black_box box;
    uint64_t *record;
    pid_t child;

    (void)state;
    init(&box);
    box.context = handler_of_bus_errors();
    move_box(&box);
    add(&box, 0, 8);
    record = add(&box, 1, 8);
    for (uint64_t i = 2; i < 500; i++)
        add(&box, i, 800);
    child = fork();
    if (child == 0)
        be_child(&box, record, 500);
    assert_int_equal(end_of_child(child), 0);
    assert_int_equal(records_of_file(), 500);
    for (uint64_t i = 500; i < 900; i++)
        add(&box, i, 800);
    assert_int_equal(records_of_file(), 900);
    assert_int_equal(n_lost, 0);
    black_box_release(&box);
    assert_false(is_there(path));
}

/* The box of the thread that grows it, and whether it goes on. */
struct grower {
    struct black_box box;
    uint64_t n;
    int ends;
};

static void *grow_all_the_time(void *context)
{
    struct grower *grower = context;

    while (!__atomic_load_n(&grower->ends, __ATOMIC_RELAXED) && grower->n < 200000) {
        uint64_t *record = black_box_reserve(&grower->box, 160);

        for (int i = 0; i < 20; i++)
            record[i] = grower->n;
        black_box_publish(record, KIND);
        grower->n++;
    }
    return NULL;
}

/* The parent may be anywhere in its box: no byte of the file is the child's. */
static void test_a_fork_while_another_thread_grows_the_box(void **state)
{
    static struct grower grower;
    pthread_t thread;

    (void)state;
    memset(&grower, 0, sizeof grower);
    init(&grower.box);
    move_box(&grower.box);
    assert_int_equal(pthread_create(&thread, NULL, grow_all_the_time, &grower), 0);
    for (int i = 0; i < 100; i++) {
        pid_t child = fork();

        if (child == 0) {
            write_everywhere(&grower.box);
            _exit(0);
        }
        assert_int_equal(end_of_child(child), 0);
    }
    __atomic_store_n(&grower.ends, 1, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    assert_int_equal(records_of_file(), grower.n);
    assert_int_equal(n_lost, 0);
    black_box_release(&grower.box);
}

/* ---- hostile bytes ---- */

static void test_what_is_no_box(void **state)
{
    struct black_box_cursor cursor;
    struct black_box box;
    size_t size;
    unsigned char *bytes;

    (void)state;
    init(&box);
    add(&box, 0, 8);
    bytes = image_of(&box, &size);
    assert_int_equal(black_box_read(&cursor, bytes, 0), -EINVAL);
    assert_int_equal(black_box_read(&cursor, bytes, sizeof(struct black_box_header) - 1), -EINVAL);
    assert_int_equal(black_box_read(&cursor, bytes, sizeof(struct black_box_header)), 0);
    assert_null(black_box_next(&cursor, &(struct black_box_record){0}));
    bytes[7]++;
    assert_int_equal(black_box_read(&cursor, bytes, size), -EINVAL);
    free(bytes);
    black_box_release(&box);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up_folder, tear_down_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_and_parts_in_memory),
        cmocka_unit_test(test_a_record_that_was_not_published_is_none),
        cmocka_unit_test(test_a_record_without_room_is_missing),
        cmocka_unit_test(test_addresses_are_found_in_the_bytes),
        IN_A_FOLDER(test_moved_to_a_file_it_goes_on_there),
        IN_A_FOLDER(test_without_its_file_it_goes_on_in_memory),
        IN_A_FOLDER(test_a_file_of_somebody_else_stays),
        IN_A_FOLDER(test_a_name_that_is_taken),
        IN_A_FOLDER(test_one_box_of_a_process_has_a_file),
        IN_A_FOLDER(test_a_full_file_system),
        IN_A_FOLDER(test_a_file_that_is_cut_to_nothing),
        IN_A_FOLDER(test_a_file_that_is_cut_to_half),
        IN_A_FOLDER(test_a_file_that_is_cut_before_it_grows),
        IN_A_FOLDER(test_a_file_that_is_moved_away_and_cut),
        IN_A_FOLDER(test_bus_errors_of_the_program_are_its_own),
        IN_A_FOLDER(test_the_handler_of_before_is_back),
        IN_A_FOLDER(test_a_child_has_a_box_of_its_own),
        IN_A_FOLDER(test_a_fork_while_another_thread_grows_the_box),
        cmocka_unit_test(test_what_is_no_box),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
