#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "memprof/machine/cgroup_text.h"
#include "memprof/machine/oom_kills.h"

#define MIB (INT64_C(1) << 20)

/* ---- texts as they were found on machines ---- */

static const char v1_cgroup[] = "9:name=systemd:/\n8:pids:/\n5:devices:/\n"
                                "4:memory:/api/78ceb921\n3:cpuset:/\n1:cpu,cpuacct:/\n0::/\n";
static const char v1_mounts[] =
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
    "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n"
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

static const char v2_cgroup[] = "0::/user.slice/user-1000.slice/session-3.scope\n";
static const char v2_mounts[] =
    "23 29 0:22 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw\n"
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 "
    "rw,nsdelegate,memory_recursiveprot\n";

/* Docker on version 1, without a namespace of groups: only its own part is mounted. */
static const char docker_cgroup[] = "12:memory:/docker/0f3c9a\n1:name=systemd:/docker/0f3c9a\n";
static const char docker_mounts[] =
    "700 690 0:33 /docker/0f3c9a /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime master:17 "
    "- cgroup cgroup rw,memory\n";

/* Where the memory of whoever stands in `cgroup` is counted, as text; NULL: not to be found. */
static const char *folder_of(const char *cgroup, const char *mounts)
{
    static struct cgroup_place place;
    struct cgroup_name name;

    if (!cgroup_text_name(cgroup, &name) || !cgroup_text_place(mounts, &name, &place))
        return NULL;
    return place.folder;
}

static void test_a_group_is_found(void **state)
{
    (void)state;
    assert_string_equal(folder_of(v1_cgroup, v1_mounts), "/sys/fs/cgroup/memory/api/78ceb921");
    assert_string_equal(folder_of(v2_cgroup, v2_mounts),
                        "/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope");
    assert_string_equal(folder_of(docker_cgroup, docker_mounts), "/sys/fs/cgroup/memory");
    assert_string_equal(folder_of("0::/\n", v2_mounts), "/sys/fs/cgroup");
    /* Hybrid with memory in version 2: no line has the controller. */
    assert_string_equal(folder_of("2:cpu:/a\n0::/b\n", v1_mounts), "/sys/fs/cgroup/unified/b");
    assert_string_equal(folder_of("3:cpu,memory:/a:b\n", v1_mounts), "/sys/fs/cgroup/memory/a:b");
}

static void test_escapes_of_mount_points(void **state)
{
    (void)state;
    assert_string_equal(folder_of("0::/x y/z\n", "1 2 0:3 /x\\040y /my\\040\\134place rw shared:1 "
                                                 "master:2 - cgroup2 none rw\n"),
                        "/my \\place/z");
}

static void test_what_leads_elsewhere_is_not_followed(void **state)
{
    static const char *const groups[] = {
        "0::/../other\n",
        "0::/a/../../b\n",
        "0::/..\n",
        "0::relative\n",
        "0::\n",
        "0:\n",
        "0\n",
        "",
        "1:name=memory:/a\n",
        "1:memory2:/a\n",
        "::/a\n",
    };
    static const char *const mounts[] = {
        "",
        "\n\n",
        "30 23 0:26 / /sys/fs/cgroup rw",
        "30 23 0:26 / /sys/fs/cgroup rw - cgroup2\n",
        "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 \n",
        "30 23 0:26 /elsewhere /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        "30 23 0:26 /user /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        "30 23 0:26 / relative rw - cgroup2 cgroup2 rw\n",
        "30 23 0:26 / /a\\000b rw - cgroup2 cgroup2 rw\n",
        "30 23 0:26 / /sys/fs/cgroup rw - tmpfs cgroup2 rw\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (folder_of(groups[i], v2_mounts) != NULL)
            fail_msg("taken: %s", groups[i]);
    for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++)
        if (folder_of(v2_cgroup, mounts[i]) != NULL)
            fail_msg("taken: %s", mounts[i]);
}

static void test_a_path_that_is_too_long_is_none(void **state)
{
    char cgroup[2 * PATH_MAX] = "0::/";

    (void)state;
    memset(cgroup + 4, 'x', PATH_MAX);
    assert_null(folder_of(cgroup, v2_mounts));
    cgroup[4 + 100] = '\0';
    assert_non_null(folder_of(cgroup, v2_mounts));
}

static void test_groups_around_each_other(void **state)
{
    struct cgroup_place left = {"/m/a/b/c", 2, true}, right = {"/m/a/bb", 2, true};

    (void)state;
    assert_int_equal(cgroup_place_depth(&left), 3);
    assert_int_equal(cgroup_place_length(&left, 0), strlen("/m"));
    assert_int_equal(cgroup_place_length(&left, 2), strlen("/m/a/b"));
    assert_int_equal(cgroup_place_length(&left, 3), strlen("/m/a/b/c"));
    assert_int_equal(cgroup_place_shared(&left, &left), 3);
    assert_int_equal(cgroup_place_shared(&left, &right), 1);
    strcpy(right.folder, "/n/a/b");
    assert_int_equal(cgroup_place_shared(&left, &right), -1);
    right = left;
    right.is_v2 = false;
    assert_int_equal(cgroup_place_shared(&left, &right), -1);
}

static void test_counts(void **state)
{
    static const char events[] =
        "low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 1\nsock_throttled 0\n";
    int64_t value = -1;

    (void)state;
    assert_true(cgroup_text_value(events, "oom_kill", &value));
    assert_int_equal(value, 2);
    assert_true(cgroup_text_value(events, "oom", &value));
    assert_int_equal(value, 3);
    assert_true(
        cgroup_text_value("oom_kill_disable 0\nunder_oom 0\noom_kill 41", "oom_kill", &value));
    assert_int_equal(value, 41);
    value = -1;
    assert_false(cgroup_text_value("oom_kill_disable 0\nunder_oom 0\n", "oom_kill", &value));
    assert_false(cgroup_text_value("\n\n\noom_kill\n", "oom_kill", &value));
    assert_false(cgroup_text_value("oom_kill -1\n", "oom_kill", &value));
    assert_false(cgroup_text_value("oom_kill 1x\n", "oom_kill", &value));
    assert_false(cgroup_text_value("oom_kill 9223372036854775808\n", "oom_kill", &value));
    assert_false(cgroup_text_number("max\n", &value));
    assert_false(cgroup_text_number("", &value));
    assert_int_equal(value, -1);
    assert_true(cgroup_text_number("9223372036854775807\n", &value));
    assert_int_equal(value, INT64_MAX);
}

/* ---- a system of files ---- */

static char root[] = "/tmp/test_oom_kills_XXXXXX";

static void make(const char *path, const char *text)
{
    char whole[PATH_MAX];
    FILE *file;

    for (const char *at = path + 1; (at = strchr(at, '/')) != NULL; at++) {
        snprintf(whole, sizeof whole, "%s%.*s", root, (int)(at - path), path);
        mkdir(whole, 0700);
    }
    snprintf(whole, sizeof whole, "%s%s", root, path);
    file = fopen(whole, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int remove_all(void)
{
    char command[PATH_MAX];

    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command);
}

static int make_root(void **state)
{
    (void)state;
    strcpy(root + strlen(root) - 6, "XXXXXX");
    return mkdtemp(root) == NULL;
}

static int remove_root(void **state)
{
    (void)state;
    return remove_all();
}

static void make_v2(const char *group, int kills, int oom, const char *limit)
{
    char path[200], text[200];

    snprintf(path, sizeof path, "/cg%s/memory.events", group);
    snprintf(text, sizeof text, "low 0\nmax 9\noom 99\noom_kill %d\n", kills);
    make(path, text);
    snprintf(path, sizeof path, "/cg%s/memory.events.local", group);
    snprintf(text, sizeof text, "low 0\nmax 9\noom %d\noom_kill 0\n", oom);
    make(path, text);
    snprintf(path, sizeof path, "/cg%s/memory.max", group);
    make(path, limit);
}

static void make_v2_system(void)
{
    make("/proc/self/mountinfo", "30 23 0:26 / /cg rw shared:4 - cgroup2 cgroup2 rw\n");
    make("/proc/self/cgroup", "0::/user/shell\n");
    make("/proc/17/cgroup", "0::/user/shell\n");
    make_v2("/user/shell", 1, 1, "max\n");
    make_v2("/user", 2, 1, "1073741824\n");
}

static void assert_news(struct oom_kills *kills, pid_t pid, int64_t number, int64_t limit)
{
    struct oom_news news;

    oom_kills_look(kills, pid, &news);
    assert_int_equal(news.kills, number);
    assert_int_equal(news.limit, limit);
}

static void test_v2_tells_kills_and_whose_limit(void **state)
{
    struct oom_kills kills;

    (void)state;
    make_v2_system();
    assert_int_equal(oom_kills_init(&kills, root, 0), 0);
    assert_news(&kills, 17, 0, 0);
    /* The group has no limit, the one around it has; both count the kill. */
    make_v2("/user/shell", 2, 1, "max\n");
    make_v2("/user", 3, 2, "1073741824\n");
    assert_news(&kills, 17, 1, 1024 * MIB);
    assert_news(&kills, 17, 0, 0);
    assert_news(&kills, 17, 0, 0);
    /* Killed, and no limit was hit: the machine had no memory. */
    make_v2("/user/shell", 4, 1, "max\n");
    assert_news(&kills, 17, 2, 0);
    /* In another group below the one around: not where the process is. */
    make_v2("/user", 6, 3, "1073741824\n");
    assert_news(&kills, 17, 0, 0);
}

static void test_v2_process_that_moves(void **state)
{
    struct oom_kills kills;

    (void)state;
    make_v2_system();
    make_v2("/user/run.scope", 5, 5, "67108864\n");
    assert_int_equal(oom_kills_init(&kills, root, 0), 0);
    make("/proc/17/cgroup", "0::/user/run.scope\n");
    assert_news(&kills, 17, 0, 0);
    make_v2("/user/run.scope", 6, 6, "67108864\n");
    assert_news(&kills, 17, 1, 64 * MIB);
    /* It moved and was killed between two looks: the group around both tells. */
    make("/proc/17/cgroup", "0::/user/other.scope (deleted)\n");
    make_v2("/user", 3, 1, "1073741824\n");
    assert_news(&kills, 17, 1, 0);
    /* Its group is gone, as is the process. */
    make_v2("/user", 4, 1, "1073741824\n");
    assert_news(&kills, 0, 1, 0);
}

static void make_v1(const char *group, int kills, int hits, const char *limit)
{
    char path[200], text[200];

    snprintf(path, sizeof path, "/cg%s/memory.oom_control", group);
    snprintf(text, sizeof text, "oom_kill_disable 0\nunder_oom 0\noom_kill %d\n", kills);
    make(path, text);
    snprintf(path, sizeof path, "/cg%s/memory.failcnt", group);
    snprintf(text, sizeof text, "%d\n", hits);
    make(path, text);
    snprintf(path, sizeof path, "/cg%s/memory.limit_in_bytes", group);
    make(path, limit);
}

static void test_v1_counts_the_group_itself_alone(void **state)
{
    static const char none[] = "9223372036854771712\n";
    struct oom_kills kills;

    (void)state;
    make("/proc/self/mountinfo", "30 23 0:26 / /cg rw - cgroup cgroup rw,memory\n");
    make("/proc/self/cgroup", "4:memory:/a/b\n0::/\n");
    make("/proc/17/cgroup", "4:memory:/a/b\n0::/\n");
    make_v1("", 0, 0, none);
    make_v1("/a", 0, 5, "134217728\n");
    make("/cg/a/memory.max_usage_in_bytes", "134213632\n");
    make_v1("/a/b", 0, 0, none);
    assert_int_equal(oom_kills_init(&kills, root, 0), 0);
    make_v1("/a", 7, 5, "134217728\n");
    assert_news(&kills, 17, 0, 0);
    /* A look between the hit of the limit and the kill loses the limit not. */
    make_v1("/a", 7, 6, "134217728\n");
    assert_news(&kills, 17, 0, 0);
    make_v1("/a/b", 1, 0, none);
    assert_news(&kills, 17, 1, 128 * MIB);
    /* Reached for the first time, and not counted: that of memory and swap was hit. */
    make("/cg/a/memory.max_usage_in_bytes", "134217728\n");
    make_v1("/a/b", 2, 0, none);
    assert_news(&kills, 17, 1, 128 * MIB);
    assert_news(&kills, 17, 0, 0);
    /* A process that has ended seems to be at the top. */
    make("/proc/17/cgroup", "4:memory:/\n0::/\n");
    make_v1("/a/b", 3, 9, none);
    assert_news(&kills, 17, 1, 0);
}

static void test_the_least_limit_of_the_whole_path(void **state)
{
    struct oom_kills kills;

    (void)state;
    make_v2_system();
    assert_int_equal(oom_kills_init(&kills, root, 0), 0);
    assert_int_equal(oom_kills_limit(&kills), 1024 * MIB);
    /* The group's own counts where it is less, and is read anew. */
    make_v2("/user/shell", 1, 1, "536870912\n");
    assert_int_equal(oom_kills_limit(&kills), 512 * MIB);
    make_v2("/user/shell", 1, 1, "2147483648\n");
    assert_int_equal(oom_kills_limit(&kills), 1024 * MIB);
    make_v2("/user", 2, 1, "max\n");
    make_v2("/user/shell", 1, 1, "99999999999999999999\n");
    assert_int_equal(oom_kills_limit(&kills), 0);
    /* In another group another holds. */
    make_v2("/user/run.scope", 0, 0, "67108864\n");
    make("/proc/17/cgroup", "0::/user/run.scope\n");
    assert_news(&kills, 17, 0, 0);
    assert_int_equal(oom_kills_limit(&kills), 64 * MIB);
}

static void test_limits_of_version_1(void **state)
{
    static const char none[] = "9223372036854771712\n";
    struct oom_kills kills;

    (void)state;
    make("/proc/self/mountinfo", "30 23 0:26 / /cg rw - cgroup cgroup rw,memory\n");
    make("/proc/self/cgroup", "4:memory:/a/b\n0::/\n");
    make_v1("", 0, 0, none);
    make_v1("/a", 0, 5, none);
    make_v1("/a/b", 0, 0, none);
    assert_int_equal(oom_kills_init(&kills, root, 0), 0);
    assert_int_equal(oom_kills_limit(&kills), 0);
    make_v1("/a", 0, 5, "134217728\n");
    assert_int_equal(oom_kills_limit(&kills), 128 * MIB);
}

static void test_where_nothing_can_be_seen(void **state)
{
    struct oom_kills kills;

    (void)state;
    assert_int_equal(oom_kills_init(&kills, root, 0), -ENOENT);
    make("/proc/self/cgroup", "0::/user\n");
    assert_int_equal(oom_kills_init(&kills, root, 0), -ENOENT);
    make("/proc/self/mountinfo", "30 23 0:26 / /cg rw - tmpfs tmpfs rw\n");
    assert_int_equal(oom_kills_init(&kills, root, 0), -ENOENT);
    /* A group without files: memory is not counted there. */
    make("/proc/self/mountinfo", "30 23 0:26 / /cg rw - cgroup2 cgroup2 rw\n");
    assert_int_equal(oom_kills_init(&kills, root, 0), 0);
    assert_news(&kills, 17, 0, 0);
    /* One that begins to tell has told nothing before. */
    make_v2("/user", 9, 9, "max\n");
    assert_news(&kills, 17, 0, 0);
    make_v2("/user", 10, 9, "max\n");
    assert_news(&kills, 17, 1, 0);
}

static void test_groups_too_deep_and_a_long_list_of_mounts(void **state)
{
    char deep[OOM_DEPTH * 4 + 40] = "0::", *mounts = calloc(1, 100000);
    struct oom_kills kills;

    (void)state;
    assert_non_null(mounts);
    for (int i = 0; i < 1500; i++)
        strcat(mounts, "1 2 0:3 / /overlay rw - overlay overlay rw\n");
    strcat(mounts, "30 23 0:26 / /cg rw - cgroup2 cgroup2 rw\n");
    make("/proc/self/mountinfo", mounts);
    free(mounts);
    for (int i = 0; i < OOM_DEPTH; i++)
        strcat(deep, "/a");
    make("/proc/self/cgroup", deep);
    assert_int_equal(oom_kills_init(&kills, root, 0), 0);
    strcat(deep, "/a");
    make("/proc/self/cgroup", deep);
    assert_int_equal(oom_kills_init(&kills, root, 0), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_group_is_found),
        cmocka_unit_test(test_escapes_of_mount_points),
        cmocka_unit_test(test_what_leads_elsewhere_is_not_followed),
        cmocka_unit_test(test_a_path_that_is_too_long_is_none),
        cmocka_unit_test(test_groups_around_each_other),
        cmocka_unit_test(test_counts),
        cmocka_unit_test_setup_teardown(test_v2_tells_kills_and_whose_limit, make_root,
                                        remove_root),
        cmocka_unit_test_setup_teardown(test_v2_process_that_moves, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_v1_counts_the_group_itself_alone, make_root,
                                        remove_root),
        cmocka_unit_test_setup_teardown(test_the_least_limit_of_the_whole_path, make_root,
                                        remove_root),
        cmocka_unit_test_setup_teardown(test_limits_of_version_1, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_where_nothing_can_be_seen, make_root, remove_root),
        cmocka_unit_test_setup_teardown(test_groups_too_deep_and_a_long_list_of_mounts, make_root,
                                        remove_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
