// SPDX-License-Identifier: MIT
// Against figures by hand.
#include "common/wire/timing.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static struct timing timing_of(double forward, double wait, double decode)
{
    struct timing timing = {0};
    timing.phases[PHASE_FORWARD].seconds = forward;
    timing.phases[PHASE_WAIT].seconds = wait;
    timing.phases[PHASE_DECODE].seconds = decode;
    return timing;
}

static char *printed(const struct timing_part *part, const char *title, double elapsed)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    timing_part_print(part, title, elapsed, stream);
    fclose(stream);
    return text;
}

static void expect(const struct timing_part *part, double elapsed, const char *wanted)
{
    char *text = printed(part, "title", elapsed);
    CU_ASSERT_STRING_EQUAL(text, wanted);
    if (strcmp(text, wanted) != 0)
        printf("\n%s", text);
    free(text);
}

static void of_several(void)
{
    struct timing_part part = {0};
    const struct timing ranks[] = {timing_of(2, 1, 0), timing_of(4, 0, 0), timing_of(3, 2, 0)};
    for (int i = 0; i < 3; i++)
        timing_part_add(&part, &ranks[i]);
    CU_ASSERT_DOUBLE_EQUAL(timing_part_imbalance(&part, PHASE_FORWARD), 1. / 3, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(timing_part_imbalance(&part, PHASE_WAIT), 1, 1e-12);
    CU_ASSERT_EQUAL(timing_part_imbalance(&part, PHASE_DECODE), 0);
    expect(&part, 5,
           "title                  min s     avg s     max s   imbalance   share\n"
           "  wait                 0.000     1.000     2.000        100%   20.0%\n"
           "  forward              2.000     3.000     4.000         33%   60.0%\n"
           "  other                          1.000                         20.0%\n");
}

// What goes on beside takes nothing from the rest, and a rest below nothing is not shown.
static void of_one(void)
{
    struct timing_part part = {0};
    const struct timing rank = timing_of(2, 1, 4);
    timing_part_add(&part, &rank);
    expect(&part, 4,
           "title                      s   share\n"
           "  decode               4.000  100.0% *\n"
           "  wait                 1.000   25.0%\n"
           "  forward              2.000   50.0%\n"
           "  other                1.000   25.0%\n"
           "  * in threads beside the rest\n");
    char *text = printed(&part, "title", 2);
    CU_ASSERT_PTR_NULL(strstr(text, "other"));
    free(text);
}

static void of_none(void)
{
    expect(&(struct timing_part){0}, 1, "");
}

static const struct unit_test tests[] = {{"of several", of_several}, {"of one", of_one}, {"of none", of_none}};
UNIT_MAIN("timing_table", tests)
