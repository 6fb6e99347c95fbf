// SPDX-License-Identifier: MIT
// Looking ahead: the entries of the intake in its order, counted, without ever waiting for them, and not too many at a time.
#include "coordinator/intake/intake_ahead.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/clock.h"
#include "scratch.h"
#include "unit.h"

static struct intake *intake;
static struct intake_ahead *ahead;

static void create(char *input)
{
    static char *inputs[1];
    inputs[0] = input;
    UNIT_OK(intake_create(&intake, &(struct intake_options){.output = scratch, .inputs = inputs, .count = 1}));
    UNIT_OK(intake_ahead_create(&ahead, intake));
}

static void destroy(void)
{
    intake_ahead_destroy(&ahead);
    intake_destroy(&intake);
    CU_ASSERT_PTR_NULL(ahead);
}

// Entries until the end, waiting for them; at most so many.
static int64_t take(int64_t most)
{
    static struct intake_entry entry;
    int64_t count = 0;
    while (count < most) {
        bool given, end;
        UNIT_OK(intake_ahead_next(ahead, &entry, &given, &end));
        CU_ASSERT_FATAL(!(given && end));
        if (end)
            break;
        if (given)
            count++;
        else
            poll(NULL, 0, 1);
    }
    return count;
}

// `length`: of the folder's name in each line.
static void write_list(char path[FILE_PATH_MAX + 1], int lines, int length)
{
    path[0] = '@';
    UNIT_OK(file_join(path + 1, scratch, "list"));
    FILE *stream = fopen(path + 1, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    for (int i = 0; i < lines; i++)
        fprintf(stream, "http://example.org/%0*d/%07d.png\n", length, 0, i);
    fclose(stream);
}

static void test_order(void)
{
    char list[FILE_PATH_MAX + 1];
    static struct intake_entry entry;
    bool given = false, end;
    write_list(list, 3, 50);
    create(list);
    for (int i = 0; i < 3; i++) {
        char name[32];
        do {
            UNIT_OK(intake_ahead_next(ahead, &entry, &given, &end));
        } while (!given && !end);
        snprintf(name, sizeof name, "%07d", i);
        CU_ASSERT(given && entry.id == i && entry.kind == INTAKE_URL && entry.status == STATUS_OK);
        CU_ASSERT_STRING_EQUAL(entry.name, name);
    }
    CU_ASSERT_EQUAL(take(1), 0);
    CU_ASSERT_EQUAL(take(1), 0); // the end stays
    CU_ASSERT_EQUAL(intake_ahead_total(ahead), 3);
    destroy();
    create("/no/such/file");
    CU_ASSERT_EQUAL(take(9), 1);
    destroy();
}

// Many: the first at once, and never more in memory than some megabytes beside the names' hashes.
static void test_many(void)
{
    enum { LINES = 60000 };
    char list[FILE_PATH_MAX + 1];
    write_list(list, LINES, 1000);
    const double start = now();
    create(list);
    CU_ASSERT_EQUAL(take(1), 1);
    const double first = now() - start;
    CU_ASSERT(first < 1);
    CU_ASSERT_EQUAL(intake_ahead_total(ahead), -1);
    size_t held = 0, before;
    do { // until it does not grow any more
        before = held;
        poll(NULL, 0, 1000);
        held = mallinfo2().uordblks + mallinfo2().hblkhd;
    } while (held > before && held < 40 << 20);
    CU_ASSERT(held < 40 << 20);
    CU_ASSERT_EQUAL(take(LINES), LINES - 1);
    CU_ASSERT_EQUAL(intake_ahead_total(ahead), LINES);
    printf("\n  %d lines: the first after %.4f s, %.1f MiB, all after %.2f s ", LINES, first, (double)held / (1 << 20), now() - start);
    destroy();
    create(list); // ended while it is full
    take(1);
    destroy();
}

// A list whose lines do not come: nobody waits but the thread.
static void test_slow(void)
{
    char list[FILE_PATH_MAX + 1] = "@";
    static struct intake_entry entry;
    bool given = true, end = true;
    UNIT_OK(file_join(list + 1, scratch, "pipe"));
    CU_ASSERT_EQUAL_FATAL(mkfifo(list + 1, 0600), 0);
    const int pipe = open(list + 1, O_RDWR | O_CLOEXEC);
    const double start = now();
    create(list);
    for (int i = 0; i < 1000; i++)
        UNIT_OK(intake_ahead_next(ahead, &entry, &given, &end));
    CU_ASSERT(!given && !end && intake_ahead_total(ahead) == -1);
    CU_ASSERT(now() - start < 1);
    CU_ASSERT_EQUAL(write(pipe, "http://example.org/a.png\n", 25), 25);
    CU_ASSERT_EQUAL(take(1), 1);
    CU_ASSERT_EQUAL(write(pipe, "#\n", 2), 2);
    close(pipe); // the end of the list
    CU_ASSERT_EQUAL(take(1), 0);
    CU_ASSERT_EQUAL(intake_ahead_total(ahead), 1);
    destroy();
}

static const struct unit_test tests[] = {{"order", test_order}, {"many", test_many}, {"slow", test_slow}};
UNIT_MAIN_IN_SCRATCH("intake_ahead", tests)
