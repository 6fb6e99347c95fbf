// SPDX-License-Identifier: MIT
// Sums that do not depend on who has the summands, and agreement on who failed, in every kind of team.
#include "worker/team/team.h"

#include <math.h>

#include "common/picture/tiling.h"
#include "naive.h"
#include "ranks.h"

enum { ITEMS_MAX = 700, WIDTH_MAX = 17 };

// Large and small ones, of both signs: each addition rounds, so that another order gives another sum.
static void fill_items(double *items, size_t count, uint32_t seed)
{
    uint32_t state = seed;
    for (size_t i = 0; i < count; i++) {
        const int exponent = (int)(naive_next(&state) % 60) - 30;
        items[i] = ldexp((double)naive_next(&state) / (1 << 23) - 1, exponent);
    }
}

static void sum_in_order(const double *items, int count, int width, double *sums)
{
    for (int k = 0; k < width; k++) {
        sums[k] = 0;
        for (int i = 0; i < count; i++)
            sums[k] += items[i * width + k];
    }
}

static void check_sums(struct team *team, int count, int width)
{
    static double items[ITEMS_MAX * WIDTH_MAX];
    double sums[WIDTH_MAX], expected[WIDTH_MAX];
    const struct span mine = tiling_share(count, team->size, team->rank);
    bool flag = false;
    fill_items(items, (size_t)(count * width), (uint32_t)(count + width));
    sum_in_order(items, count, width, expected);
    for (int asked = 0; asked < 2; asked++) {
        memset(sums, 0xff, sizeof sums);
        TOGETHER(team_sum(team, items + mine.begin * width, count, width, sums, asked ? &flag : NULL));
        CU_ASSERT(memcmp(sums, expected, (size_t)width * sizeof *sums) == 0);
    }
    CU_ASSERT_FALSE(flag);
}

static void run_sums(struct team *team)
{
    static const int counts[] = {0, 1, 2, 7, 37, ITEMS_MAX}, widths[] = {1, 4, WIDTH_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        for (size_t k = 0; k < sizeof widths / sizeof widths[0]; k++)
            check_sums(team, counts[i], widths[k]);
}

static void test_sums(void)
{
    static double items[ITEMS_MAX], backwards[ITEMS_MAX];
    double sum, other;
    fill_items(items, ITEMS_MAX, ITEMS_MAX + 1);
    for (int i = 0; i < ITEMS_MAX; i++)
        backwards[i] = items[ITEMS_MAX - 1 - i];
    sum_in_order(items, ITEMS_MAX, 1, &sum);
    sum_in_order(backwards, ITEMS_MAX, 1, &other);
    CU_ASSERT(sum != other); // or the following would prove nothing
    ranks_each_team(run_sums);
}

// Set by nobody, by one, by all; with no items at all, and with some.
static void run_flags(struct team *team)
{
    for (int who = -1; who <= team->size; who++)
        for (int count = 0; count < 3; count++) {
            const double items[] = {1, 2, 3};
            double sum;
            bool flag = who == team->rank || who == team->size;
            TOGETHER(team_sum(team, items, count * team->size, 1, &sum, &flag));
            CU_ASSERT_EQUAL(flag, who >= 0);
            CU_ASSERT_EQUAL(sum, team->size * count * (count + 1) / 2);
        }
}

static void test_flags(void)
{
    ranks_each_team(run_flags);
}

// Each member has its share, what it has of the others' is nonsense.
static void run_exchanges(struct team *team)
{
    static const int counts[] = {0, 1, 2, 7, 37, ITEMS_MAX}, widths[] = {1, 4, WIDTH_MAX};
    static float items[ITEMS_MAX * WIDTH_MAX];
    for (int k = 0; k < 6 * 3; k++) {
        const int count = counts[k / 3], width = widths[k % 3];
        const struct span mine = tiling_share(count, team->size, team->rank);
        int wrong = 0;
        for (int i = 0; i < count * width; i++)
            items[i] = mine.begin <= i / width && i / width < mine.end ? (float)i : NAN;
        TOGETHER(team_exchange(team, items, count, width));
        for (int i = 0; i < count * width; i++)
            wrong += items[i] != (float)i;
        CU_ASSERT_EQUAL(wrong, 0);
    }
}

static void test_exchanges(void)
{
    ranks_each_team(run_exchanges);
}

static const enum status failures[] = {STATUS_LIMIT, STATUS_IO, STATUS_INTERNAL};

static enum status failure_of(int member)
{
    return failures[member % 3];
}

// As long as messages may be, and different for each member.
static void message_of(int member, char message[STATUS_MESSAGE_MAX])
{
    const int begin = snprintf(message, STATUS_MESSAGE_MAX, "member %d can't: ", member);
    memset(message + begin, 'a' + member % 26, (size_t)(STATUS_MESSAGE_MAX - 1 - begin));
    message[STATUS_MESSAGE_MAX - 1] = '\0';
}

// Members `first` to `last` fail; nobody does where there are none.
static void check_agreement(struct team *team, int first, int last)
{
    char message[STATUS_MESSAGE_MAX];
    enum status mine = STATUS_OK;
    message_of(team->rank, message);
    if (first <= team->rank && team->rank <= last)
        mine = fail(failure_of(team->rank), "%s", message);
    const enum status all = team_agree(team, mine);
    if (first > last) {
        CU_ASSERT_EQUAL(all, STATUS_OK);
        return;
    }
    message_of(first, message);
    CU_ASSERT_EQUAL(all, failure_of(first));
    CU_ASSERT_STRING_EQUAL(status_message(), message);
}

static void run_agreements(struct team *team)
{
    for (int first = 0; first < team->size; first++)
        for (int last = first - 1; last < team->size; last++)
            check_agreement(team, first, last);
}

static void test_agreements(void)
{
    ranks_each_team(run_agreements);
}

static const struct unit_test tests[] = {
    {"sums in order", test_sums},
    {"flags", test_flags},
    {"exchanges", test_exchanges},
    {"agreements", test_agreements},
};
RANKS_MAIN("team", tests)
