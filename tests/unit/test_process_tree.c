#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "memprof/machine/process.h"
#include "memprof/machine/process_tree.h"

/* A family: a root with a child, which has a child; each ends when its line is closed. */
struct family {
    pid_t root, child, grandchild;
    int root_line, child_line, grandchild_line;
};

static void wait_for_end_of(int fd)
{
    char byte;

    while (read(fd, &byte, 1) < 0 && errno == EINTR)
        ;
}

/* Forks; the child reports its pid to `report` and gets the reading end of a line. */
static pid_t fork_on_line(int line[2], int report)
{
    pid_t pid;

    assert_int_equal(pipe(line), 0);
    pid = fork();
    if (pid == 0) {
        pid_t own = getpid();

        if (write(report, &own, sizeof own) != sizeof own)
            _exit(1);
        return 0;
    }
    return pid;
}

/* All lines are made by the test, so that each end can be closed by it alone. */
static void start_family(struct family *family)
{
    int lines[3][2], report[2];

    for (int i = 0; i < 3; i++)
        assert_int_equal(pipe(lines[i]), 0);
    assert_int_equal(pipe(report), 0);
    family->root = fork();
    if (family->root == 0) {
        pid_t child = fork(), grandchild = child == 0 ? fork() : -1, own = getpid();
        int depth = child != 0 ? 0 : grandchild != 0 ? 1 : 2;

        for (int i = 0; i < 3; i++)
            close(lines[i][1]);
        if (depth > 0) {
            pid_t told[2] = {depth, own};

            if (write(report[1], told, sizeof told) != sizeof told)
                _exit(1);
        }
        wait_for_end_of(lines[depth][0]);
        _exit(0);
    }
    for (int i = 0; i < 2; i++) {
        pid_t told[2];

        assert_int_equal(read(report[0], told, sizeof told), sizeof told);
        *(told[0] == 1 ? &family->child : &family->grandchild) = told[1];
    }
    close(report[0]);
    close(report[1]);
    for (int i = 0; i < 3; i++)
        close(lines[i][0]);
    family->root_line = lines[0][1];
    family->child_line = lines[1][1];
    family->grandchild_line = lines[2][1];
}

static void wait_until_gone(pid_t pid)
{
    struct process_info info;

    for (int i = 0; i < 2000; i++) {
        if (process_read(pid, &info) != 0 || info.zombie)
            return;
        usleep(1000);
    }
    fail_msg("process %d does not end", (int)pid);
}

static void end_family(struct family *family)
{
    close(family->grandchild_line);
    if (family->child_line >= 0)
        close(family->child_line);
    close(family->root_line);
    assert_int_equal(waitpid(family->root, NULL, 0), family->root);
    wait_until_gone(family->grandchild);
}

static int was_added(const struct process_tree *tree, pid_t pid)
{
    for (size_t i = 0; i < tree->n_added; i++)
        if (tree->added[i].pid == pid)
            return 1;
    return 0;
}

static void test_descendants_are_found_once(void **state)
{
    struct process_tree tree;
    struct family family;

    (void)state;
    start_family(&family);
    assert_int_equal(process_tree_init(&tree, family.root, getpid(), NULL), 0);
    assert_int_equal(process_tree_scan(&tree), 0);
    assert_int_equal(tree.n_added, 2);
    assert_true(was_added(&tree, family.child));
    assert_true(was_added(&tree, family.grandchild));
    assert_int_equal(process_tree_scan(&tree), 0);
    assert_int_equal(tree.n_added, 0);
    process_tree_release(&tree);
    end_family(&family);
}

static void test_children_of_an_orphan_once_seen_are_found(void **state)
{
    struct process_tree tree;
    struct family family;

    (void)state;
    start_family(&family);
    assert_int_equal(process_tree_init(&tree, family.root, getpid(), NULL), 0);
    assert_int_equal(process_tree_scan(&tree), 0);
    close(family.child_line);
    family.child_line = -1;
    wait_until_gone(family.child);
    /* The grandchild is known: losing its parent makes no stranger and no newcomer of it. */
    assert_int_equal(process_tree_scan(&tree), 0);
    assert_int_equal(tree.n_added, 0);
    process_tree_release(&tree);
    end_family(&family);
}

static void test_orphan_is_known_by_its_environment(void **state)
{
    char *argv[] = {"sleep", "100", NULL}, *environment[] = {"A=b", "FAMILY=this one", NULL};
    struct process_tree tree;
    struct process_info info;
    pid_t root, orphan = 0;
    int report[2];

    (void)state;
    assert_int_equal(pipe(report), 0);
    root = fork();
    if (root == 0) {
        /* The middle one ends at once, before anybody can look. */
        if (fork() == 0) {
            pid_t pid = fork();

            if (pid == 0) {
                execve("/bin/sleep", argv, environment);
                _exit(1);
            }
            _exit(write(report[1], &pid, sizeof pid) == sizeof pid ? 0 : 1);
        }
        wait(NULL);
        pause();
        _exit(0);
    }
    assert_int_equal(read(report[0], &orphan, sizeof orphan), sizeof orphan);
    for (int i = 0; i < 2000 && !process_has_variable(orphan, "FAMILY=this one"); i++)
        usleep(1000);
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(process_read(orphan, &info), 0);
        if (info.parent != root && getpgid(info.parent) != getpgrp())
            break;
        usleep(1000);
    }
    assert_false(process_has_variable(orphan, "FAMILY=this"));
    assert_false(process_has_variable(orphan, "AMILY=this one"));
    assert_int_equal(process_tree_init(&tree, root, getpid(), "FAMILY=another"), 0);
    assert_int_equal(process_tree_scan(&tree), 0);
    assert_false(was_added(&tree, orphan));
    process_tree_release(&tree);
    assert_int_equal(process_tree_init(&tree, root, getpid(), "FAMILY=this one"), 0);
    assert_int_equal(process_tree_scan(&tree), 0);
    assert_true(was_added(&tree, orphan));
    process_tree_release(&tree);
    kill(orphan, SIGKILL);
    kill(root, SIGKILL);
    waitpid(root, NULL, 0);
    close(report[0]);
    close(report[1]);
}

static void test_the_observer_and_its_children_do_not_count(void **state)
{
    struct process_tree tree;
    int line[2], report[2];
    pid_t observer, inner = 0;

    (void)state;
    assert_int_equal(pipe(report), 0);
    observer = fork_on_line(line, report[1]);
    if (observer == 0) {
        close(line[1]);
        if (fork() == 0) {
            pid_t own = getpid();

            if (write(report[1], &own, sizeof own) != sizeof own)
                _exit(1);
        }
        wait_for_end_of(line[0]);
        _exit(0);
    }
    close(line[0]);
    for (int i = 0; i < 2; i++) {
        pid_t told;

        assert_int_equal(read(report[0], &told, sizeof told), sizeof told);
        if (told != observer)
            inner = told;
    }
    assert_int_equal(process_tree_init(&tree, getpid(), observer, NULL), 0);
    assert_int_equal(process_tree_scan(&tree), 0);
    assert_false(was_added(&tree, observer));
    assert_false(was_added(&tree, inner));
    process_tree_release(&tree);
    assert_int_equal(process_tree_init(&tree, getpid(), 0, NULL), 0);
    assert_int_equal(process_tree_scan(&tree), 0);
    assert_true(was_added(&tree, observer));
    assert_true(was_added(&tree, inner));
    process_tree_release(&tree);
    close(line[1]);
    waitpid(observer, NULL, 0);
    wait_until_gone(inner);
    close(report[0]);
    close(report[1]);
}

static void test_facts(void **state)
{
    struct process_info info;
    char path[4096], line[4096];
    pid_t pid;

    (void)state;
    assert_int_equal(process_read(getpid(), &info), 0);
    assert_int_equal(info.pid, getpid());
    assert_int_equal(info.parent, getppid());
    assert_false(info.zombie);
    assert_true(info.start > 0);
    assert_string_equal(info.name, "test_process_tr");
    assert_true(process_own_path(path, sizeof path) > 0);
    assert_non_null(strstr(path, "test_process_tree"));
    assert_true(process_command_line(getpid(), line, sizeof line) > 0);
    assert_non_null(strstr(line, "test_process_tree"));
    assert_int_equal(process_living_task(getpid()), getpid());
    pid = fork();
    if (pid == 0)
        _exit(0);
    wait_until_gone(pid);
    assert_int_equal(process_read(pid, &info), 0);
    assert_true(info.zombie);
    assert_int_equal(process_living_task(pid), 0);
    waitpid(pid, NULL, 0);
    assert_int_equal(process_read(pid, &info), -ESRCH);
}

static void test_peak_of_a_child_is_its_own(void **state)
{
    struct process_end end;
    const size_t size = 32 << 20;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        char *block = malloc(size);

        for (size_t i = 0; i < size; i += 4096)
            ((volatile char *)block)[i] = 1;
        _exit(3);
    }
    assert_int_equal(process_collect(pid, 0, &end), 0);
    assert_true(WIFEXITED(end.status) && WEXITSTATUS(end.status) == 3);
    assert_true(end.peak_bytes >= (int64_t)size);
    /* What it had inherited may be the larger part: then it is not known. */
    pid = fork();
    if (pid == 0)
        _exit(0);
    assert_int_equal(process_collect(pid, INT64_C(1) << 40, &end), 0);
    assert_int_equal(end.peak_bytes, -1);
    /* The system's number also counts collected grandchildren. */
    pid = fork();
    if (pid == 0) {
        pid_t inner = fork();

        if (inner == 0)
            _exit(0);
        waitpid(inner, NULL, 0);
        _exit(0);
    }
    assert_int_equal(process_collect(pid, 0, &end), 0);
    assert_int_equal(end.peak_bytes, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descendants_are_found_once),
        cmocka_unit_test(test_children_of_an_orphan_once_seen_are_found),
        cmocka_unit_test(test_orphan_is_known_by_its_environment),
        cmocka_unit_test(test_the_observer_and_its_children_do_not_count),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_peak_of_a_child_is_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
