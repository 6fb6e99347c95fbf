// SPDX-License-Identifier: MIT
// Plans: which size a tile goes by, what is found for which operation, and their text, there and back and spoiled in every way.
#include "kernels/convolution/plan.h"

#include "kernels/execution/planner.h"
#include "weights_given.h"

static const struct network *net;
static float *weights;

static void start(void)
{
    if (net)
        return;
    net = network_inception_v3();
    weights = weights_random(net, 1);
}

static struct planner_options options_for(const int *targets, int count)
{
    start();
    return (struct planner_options){.network = net, .weights = weights, .target_count = count, .targets = targets};
}

static void test_sizes(void)
{
    CU_ASSERT_EQUAL(plan_size(75, 75), 0);
    CU_ASSERT_EQUAL(plan_size(181, 181), 0);
    CU_ASSERT_EQUAL(plan_size(182, 182), 1); // beyond the geometric mean of 128 and 256
    CU_ASSERT_EQUAL(plan_size(362, 362), 1);
    CU_ASSERT_EQUAL(plan_size(363, 363), 2);
    CU_ASSERT_EQUAL(plan_size(75, 4000), 2); // by the area
    CU_ASSERT_EQUAL(plan_size(65536, 65536), 2);
}

static void test_find(void)
{
    struct plan plan = {0};
    struct conv_spec alone = {.part_count = 1, .parts = {12}}, wide = {.part_count = 3, .parts = {12, 13, 15}};
    CU_ASSERT_PTR_NULL(plan_find(&plan, &alone, 0));
    CU_ASSERT_EQUAL(plan_method(&plan, &alone, 512, 512), CONV_DIRECT);
    plan_set(&plan, &wide, 2, CONV_ONEDNN, 0.5);
    CU_ASSERT_PTR_NULL(plan_find(&plan, &alone, 2)); // another operation, with the same first convolution
    CU_ASSERT_PTR_NULL(plan_find(&plan, &wide, 1));
    CU_ASSERT_EQUAL(plan_find(&plan, &wide, 2)->method, CONV_ONEDNN);
    CU_ASSERT_EQUAL(plan_method(&plan, &wide, 500, 600), CONV_ONEDNN);
    CU_ASSERT_EQUAL(plan_method(&plan, &wide, 100, 100), CONV_DIRECT);
    wide.backward = true;
    CU_ASSERT_PTR_NULL(plan_find(&plan, &wide, 2));
    wide.backward = false;
    wide.parts[1] = 14;
    CU_ASSERT_PTR_NULL(plan_find(&plan, &wide, 2));
}

// A plan with something in every place that the targets have.
static void make(struct plan *plan, enum conv_method method, bool bf16)
{
    const int targets[] = {network_find(network_inception_v3(), "mixed10")};
    const struct planner_options options = options_for(targets, 1);
    *plan = (struct plan){.bf16 = bf16};
    UNIT_OK(planner_fixed(&options, method, plan));
}

static void test_text(void)
{
    static struct plan plan, back;
    struct plan_origin here, origin;
    char *text;
    for (int bf16 = 0; bf16 < 2; bf16++) {
        make(&plan, CONV_WINOGRAD_8, bf16);
        plan.entries[1][1][5].seconds = 0.0125f;
        plan_origin_here(&here, 7);
        UNIT_OK(plan_to_text(&plan, net, &here, &text));
        UNIT_OK(plan_from_text(&back, net, &origin, text, "plan.txt"));
        CU_ASSERT(fabsf(back.entries[1][1][5].seconds - 0.0125f) < 1e-6f);
        back.entries[1][1][5].seconds = plan.entries[1][1][5].seconds;
        CU_ASSERT(memcmp(&plan, &back, sizeof plan) == 0);
        CU_ASSERT(memcmp(&here, &origin, sizeof here) == 0);
        CU_ASSERT(strlen(text) < PLAN_TEXT_MAX);
        free(text);
    }
}

static void refused(const char *text, const char *expected)
{
    static struct plan plan;
    struct plan_origin origin;
    start();
    CU_ASSERT_EQUAL(plan_from_text(&plan, net, &origin, text, "p.txt"), STATUS_FORMAT);
    if (!strstr(status_message(), expected))
        printf("\n'%s' instead of '%s'\n", status_message(), expected);
    CU_ASSERT(strstr(status_message(), expected) != NULL);
}

static void test_spoiled_text(void)
{
    static struct plan plan;
    struct plan_origin origin;
    char long_line[700] = "oneiros plan 2\n# ";
    start();
    memset(long_line + strlen(long_line), 'x', sizeof long_line - strlen(long_line) - 1);
    refused("", "p.txt is empty");
    refused("oneiros plan\n", "first line");
    refused("\211HDF\r\n", "first line");
    refused(long_line, "line 2: too long");
    refused("oneiros plan 2\n512 forward conv2d_2\n", "line 2: '512 forward conv2d_2'");
    refused("oneiros plan 2\n# fine\n500 forward conv2d_2 direct\n", "line 3");
    refused("oneiros plan 2\n512 sideways conv2d_2 direct\n", "line 2");
    refused("oneiros plan 2\n512 forward conv2d_95 direct\n", "line 2");
    refused("oneiros plan 2\n512 forward mixed3 direct\n", "line 2"); // no convolution
    refused("oneiros plan 2\n512 forward + direct\n", "line 2");
    refused("oneiros plan 2\n512 forward conv2d_6+conv2d_7+conv2d_8+conv2d_9+conv2d_10 direct\n", "line 2");
    refused("oneiros plan 2\n512 forward conv2d_2 winograd7\n", "line 2");
    refused("oneiros plan 2\n512 forward conv2d_2 direct -3 ms\n", "line 2");
    refused("oneiros plan 2\n512 forward conv2d_2 direct nan ms\n", "line 2");
    refused("oneiros plan 2\nprecision: f16\n", "line 2");
    refused("oneiros plan 2\n512 forward conv2d_2 direct\n\377\377\n", "line 3");
    UNIT_OK(plan_from_text(&plan, net, &origin, "oneiros plan 2\n512 forward conv2d_2 winograd6", "p.txt")); // no time, no end of line
    CU_ASSERT(plan.entries[2][0][1].known && plan.entries[2][0][1].method == CONV_WINOGRAD_6);
}

// Any bytes at all: what is taken has methods that there are.
static void test_random_text(void)
{
    static struct plan plan;
    static char text[4096];
    struct plan_origin origin;
    uint32_t state = 3;
    char *whole;
    make(&plan, CONV_WINOGRAD_6, false);
    plan_origin_here(&origin, 1);
    UNIT_OK(plan_to_text(&plan, net, &origin, &whole));
    const size_t length = strlen(whole) < sizeof text - 1 ? strlen(whole) : sizeof text - 1;
    for (int i = 0; i < 3000; i++) {
        memcpy(text, whole, length);
        text[length] = '\0';
        for (int k = 0; k < 3; k++)
            text[15 + naive_next(&state) % (length - 15)] = (char)naive_next(&state);
        if (plan_from_text(&plan, net, &origin, text, "p.txt") != STATUS_OK)
            continue;
        for (int conv = 0; conv < PLAN_CONVS_MAX; conv++)
            CU_ASSERT(plan.entries[0][0][conv].method < CONV_METHODS && plan.entries[0][0][conv].part_count <= CONV_PARTS_MAX);
    }
    free(whole);
}

static void test_missing(void)
{
    static struct plan plan;
    int missing;
    const int shallow = network_find(network_inception_v3(), "mixed1"), deep = network_find(network_inception_v3(), "mixed5");
    const struct planner_options few = options_for(&shallow, 1), more = options_for(&deep, 1);
    plan = (struct plan){0};
    UNIT_OK(planner_missing(&few, &plan, &missing));
    CU_ASSERT_EQUAL(missing, PLAN_SIZES * 2 * (5 + 2 * 4)); // five in the stem; a block has one for its 1 x 1 ones, and three others
    UNIT_OK(planner_fixed(&few, CONV_DIRECT, &plan));
    UNIT_OK(planner_missing(&few, &plan, &missing));
    CU_ASSERT_EQUAL(missing, 0);
    UNIT_OK(planner_check(&few, &plan));
    UNIT_OK(planner_missing(&more, &plan, &missing));
    CU_ASSERT(missing > 0);
    CU_ASSERT_EQUAL(planner_check(&more, &plan), STATUS_UNSUPPORTED);
    CU_ASSERT(strstr(status_message(), "made for other targets") != NULL);
    plan.entries[1][1][1].method = CONV_WINOGRAD_PHASES; // of a stride of 1
    CU_ASSERT_EQUAL(planner_check(&few, &plan), STATUS_UNSUPPORTED);
    CU_ASSERT(strstr(status_message(), "winograd-phases of conv2d_2 backward") != NULL);
}

static int calls, last_done;

static int stop_at; // 0: never
static bool count_progress(void *context, int done, int total)
{
    CU_ASSERT_EQUAL(done, last_done + 1);
    CU_ASSERT(done <= total && context == &calls);
    last_done = done;
    calls++;
    return calls != stop_at;
}

// Real timing: everything is known afterwards, by methods that can do it, and what was known stays.
static void test_complete(void)
{
    static struct plan plan, first;
    int missing;
    const int target = network_find(network_inception_v3(), "conv2d_8");
    for (int bf16 = 0; bf16 < 2; bf16++) {
        struct planner_options options = options_for(&target, 1);
        const struct conv_spec known = {.part_count = 1, .parts = {1}};
        options.progress = count_progress;
        options.context = &calls;
        plan = (struct plan){.bf16 = bf16};
        plan_set(&plan, &known, 2, CONV_DIRECT, 123); // not the fastest
        UNIT_OK(planner_missing(&options, &plan, &missing));
        calls = last_done = 0;
        stop_at = 2;
        UNIT_FAILS(planner_complete(&options, &plan), STATUS_STOPPED, "stopped while");
        stop_at = 0;
        int left;
        UNIT_OK(planner_missing(&options, &plan, &left));
        CU_ASSERT(missing > 2 && left == missing - 2); // what was timed is known
        calls = last_done = 0;
        UNIT_OK(planner_complete(&options, &plan));
        CU_ASSERT_EQUAL(calls, left);
        UNIT_OK(planner_missing(&options, &plan, &missing));
        CU_ASSERT_EQUAL(missing, 0);
        UNIT_OK(planner_check(&options, &plan));
        CU_ASSERT(plan.entries[2][0][1].method == CONV_DIRECT && plan.entries[2][0][1].seconds == 123);
        CU_ASSERT(plan.entries[1][0][1].seconds > 0 && plan.entries[1][0][1].seconds < 60);
        first = plan;
        UNIT_OK(planner_complete(&options, &plan)); // nothing left to do
        CU_ASSERT(memcmp(&first, &plan, sizeof plan) == 0);
    }
    free(weights);
}

static const struct unit_test tests[] = {
    {"sizes", test_sizes},
    {"find", test_find},
    {"text", test_text},
    {"spoiled text", test_spoiled_text},
    {"random text", test_random_text},
    {"missing", test_missing},
    {"complete", test_complete},
};
UNIT_MAIN("plan", tests)
