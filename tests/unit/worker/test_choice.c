// SPDX-License-Identifier: MIT
// Channels that a picture chooses by itself, against a sort of all of them and a plain pass of the network.
#include "worker/look/choice.h"

#include "common/picture/resample.h"
#include "job_setup.h"
#include "kernels/network/statistics.h"
#include "worker/network/balance.h"

enum { CHANNELS_MOST = 768 };

struct scored {
    double score;
    int channel;
};

static int by_score(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score ? 1 : -1) : x->channel - y->channel;
}

// Whether `chosen`, in ascending order, are the first of all in the order of their scores.
static bool are_best(const double *means, const float *usual, const float *deviations, int channels, int count, const int *chosen)
{
    struct scored all[CHANNELS_MOST];
    double mean = 0;
    bool best = true;
    for (int c = 0; c < channels; c++)
        mean += (double)deviations[c] / channels;
    for (int c = 0; c < channels; c++) {
        const double deviation = mean > 0 ? fmax(deviations[c], 0.01 * mean) : 1;
        all[c] = (struct scored){(means[c] - (double)usual[c]) / deviation, c};
    }
    qsort(all, (size_t)channels, sizeof all[0], by_score);
    for (int k = 0; k < count; k++) {
        int at = 0;
        while (at < count && chosen[at] != all[k].channel)
            at++;
        best = best && at < count && (k == 0 || chosen[k - 1] < chosen[k]);
    }
    return best;
}

// Overflows of weights that nobody trained.
static void test_no_numbers(void)
{
    enum { CHANNELS = 8 };
    static const float usual[CHANNELS], deviations[CHANNELS] = {1, 1, 1, 1, 1, 1, 1, 1};
    const double means[CHANNELS] = {NAN, INFINITY, NAN, 3, -INFINITY, INFINITY, NAN, 1};
    const double none[CHANNELS] = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    int chosen[CHANNELS];
    choice_find(means, usual, deviations, CHANNELS, 4, chosen);
    CU_ASSERT(chosen[0] == 1 && chosen[1] == 3 && chosen[2] == 5 && chosen[3] == 7);
    choice_find(none, usual, deviations, CHANNELS, CHANNELS, chosen);
    for (int k = 0; k < CHANNELS; k++)
        CU_ASSERT_EQUAL(chosen[k], k);
}

static void test_find(void)
{
    enum { CHANNELS = 60 };
    double means[CHANNELS];
    float usual[CHANNELS], deviations[CHANNELS];
    int chosen[CHANNELS];
    float *random = naive_random(3 * CHANNELS, 9);
    for (int kind = 0; kind < 4; kind++) { // any; with equal ones; without deviations; with some silent ones
        for (int c = 0; c < CHANNELS; c++) {
            means[c] = kind == 1 ? floor(3 * (double)random[c]) : (double)random[c];
            usual[c] = kind == 1 ? 0 : random[CHANNELS + c];
            deviations[c] = kind == 1 ? 1 : kind == 2 || (kind == 3 && c % 3 == 0) ? 0 : fabsf(random[2 * CHANNELS + c]);
        }
        for (int count = 1; count <= CHANNELS; count += count < 10 ? 1 : 25) {
            choice_find(means, usual, deviations, CHANNELS, count, chosen);
            CU_ASSERT(are_best(means, usual, deviations, CHANNELS, count, chosen));
        }
    }
    free(random);
}

// Means of the target's channels by one pass over the picture at the size of the statistics.
static void naive_means(struct setup *s, const float *rgb, int width, int height, int t, double *means)
{
    const struct tile whole = whole_tile(width, height);
    struct executor *executor = forward(s, rgb, width, height, &whole.window);
    const struct tensor a = executor_target(executor, t);
    float *planar = planar_target(executor, t);
    const size_t positions = (size_t)a.width * (size_t)a.height;
    for (int c = 0; c < a.channels; c++) {
        means[c] = 0;
        for (size_t p = 0; p < positions; p++)
            means[c] += (double)planar[(size_t)c * positions + p] / (double)positions;
    }
    free(planar);
}

// Twice as large as the statistics were measured at, in tiles: looked at whole, as they were.
static void test_make(void)
{
    enum { SIDE = 150, WIDTH = 420, HEIGHT = 300, SEEN = 210, COUNT = 5 };
    const struct network *network = network_inception_v3();
    const size_t count = statistics_count(network);
    float *statistics = naive_random(count, 4), *rgb = wavy_picture(WIDTH, HEIGHT),
          *small = naive_alloc(naive_count(3, SIDE, SEEN) * sizeof *small);
    double means[CHANNELS_MOST];
    struct config config;
    struct setup s;
    struct slab picture = {.width = WIDTH, .height = HEIGHT, .rows = {0, HEIGHT}, .data = rgb};
    for (size_t i = 0; i < count; i++)
        statistics[i] = fabsf(statistics[i]);
    configure_objective(&config, "mixed0#auto5,mixed1:0.5", OBJECTIVE_MEAN_SQUARE);
    config.balance = 1;
    config.tile.size = 256;
    config.tile.halo = 48;
    config.tile.blend = 16;
    set_up_config(&s, &config);
    balance_objective(&s.objective, statistics);
    struct image_job job = s.job;
    struct objective own = {0};
    const struct ordinary ordinary = {statistics, SIDE};
    CU_ASSERT(config_chooses_channels(&config));
    UNIT_OK(choice_make(&own, &job, &picture, &ordinary));
    CU_ASSERT_PTR_EQUAL(job.objective, &own);
    UNIT_OK(resample(rgb, 3, WIDTH, HEIGHT, small, SEEN, SIDE));
    for (size_t i = 0; i < naive_count(3, SIDE, SEEN); i++)
        small[i] = (float)clip(small[i]);
    naive_means(&s, small, SEEN, SIDE, 0, means);
    int chosen[COUNT], found = 0;
    float balanced[256];
    for (int c = 0; c < 256; c++) {
        balanced[c] = own.weights[0][c] != 0;
        if (own.weights[0][c] != 0 && found < COUNT)
            chosen[found] = c;
        found += own.weights[0][c] != 0;
    }
    CU_ASSERT_EQUAL(found, COUNT);
    CU_ASSERT_EQUAL(own.counted[0], COUNT);
    const float *of = statistics + statistics_start(network, own.rows[0], CHANNEL_MEAN);
    if (found == COUNT)
        CU_ASSERT(are_best(means, of + CHANNEL_PICTURE_MEAN * 256, of + CHANNEL_PICTURE_DEVIATION * 256, 256, COUNT, chosen));
    balance_weights(balanced, of + CHANNEL_MEAN_SQUARE * 256, 256, 1);
    CU_ASSERT(memcmp(balanced, own.weights[0], sizeof balanced) == 0);
    // the other target has what it had, and its own copy
    CU_ASSERT(own.weights[1] != s.objective.weights[1] && memcmp(own.weights[1], s.objective.weights[1], 288 * sizeof(float)) == 0);
    float importance[288] = {0};
    choice_mark(&own, 0, importance);
    for (int c = 0; c < 256; c++)
        CU_ASSERT_EQUAL(isnan(importance[c]) == 0, own.weights[0][c] != 0);
    choice_mark(&own, 1, importance + 1);
    CU_ASSERT_EQUAL(importance[280], 0);
    objective_copy_destroy(&own);
    tear_down(&s);
    free(small);
    free(rgb);
    free(statistics);
}

static const struct unit_test tests[] = {
    {"the most surprising", test_find},
    {"activations that are no numbers", test_no_numbers},
    {"of a picture", test_make},
};
UNIT_MAIN("choice", tests)
