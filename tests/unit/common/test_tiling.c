// SPDX-License-Identifier: MIT
// Tiles by what they are for, over random octaves: no pixel lost or counted twice, halos kept, weights that sum to one, no tile too many.
#include "common/picture/tiling.h"

#include <limits.h>

#include "tiling_cases.h"

enum { UNIT = 2048 };

static struct tile_rules random_rules(uint32_t *state)
{
    static const int strides[] = {8, 16, 32}, halos[] = {64, 160, 160, 1500};
    struct tile_rules rules = {.stride = strides[between(state, 0, 2)]};
    rules.halo = rules.stride * between(state, 0, halos[between(state, 0, 3)] / rules.stride);
    rules.blend = between(state, 0, 3) == 0 ? 0 : between(state, 0, rules.halo < 1023 ? rules.halo : 1023);
    rules.size = between(state, 0, 2) > 0 ? 2 * rules.halo + between(state, 1, 200) : between(state, SIDE_MIN, 3000);
    rules.size = rules.size < SIDE_MIN ? SIDE_MIN : rules.size;
    return rules;
}

// The least size that a refusal names; 0 where its words are others.
static int least_size(int width, int height, const struct tile_rules *rules)
{
    char before[STATUS_MESSAGE_MAX];
    snprintf(before, sizeof before,
             "tile.size %d leaves no room for a halo of %d pixels and a blend of %d in an octave of %d x %d, which needs at least ",
             rules->size, rules->halo, rules->blend, width, height);
    const size_t length = strlen(before);
    if (strncmp(status_message(), before, length) != 0)
        return 0;
    char *after;
    const long size = strtol(status_message() + length, &after, 10);
    return strcmp(after, ", and other octaves perhaps more; or take a smaller tile.halo") == 0 && size <= INT_MAX ? (int)size : 0;
}

static struct span grown(struct span span, int by, int length)
{
    return (struct span){span.begin > by ? span.begin - by : 0, length - span.end > by ? span.end + by : length};
}

// One tile along one direction.
struct place {
    struct span window, core, reach;
};

static struct place place_of(const struct tiling *tiling, bool down, int index)
{
    const struct tile tile = tiling_tile(tiling, down ? index * tiling->across.count : index);
    return (struct place){span_of(&tile.window, down), span_of(&tile.core, down), span_of(&tile.reach, down)};
}

static size_t wrong_place(const struct tile_axis *axis, int index, const struct place *p, const struct tile_rules *rules)
{
    const struct span octave = {0, axis->length};
    const bool first = index == 0, last = index == axis->count - 1;
    size_t wrong = !inside(p->window, octave) + !inside(p->core, octave) + (p->window.end - p->window.begin != axis->window);
    wrong += p->window.begin % rules->stride != 0;
    wrong += (p->core.begin == 0) != first || (p->core.end == axis->length) != last;
    wrong += !first && p->core.begin % rules->stride != 0;
    wrong += !inside(grown(p->core, rules->halo, axis->length), p->window);
    wrong += !same_span(p->reach, grown(p->core, rules->blend, axis->length));
    return wrong + (!first && !last && p->core.end - p->core.begin < 2 * rules->blend);
}

// The weight of pixel x of a tile, by its formula, in units of 1 / UNIT.
static int naive_weight_at(struct span core, int x, int length, int blend)
{
    const double width = 2.0 * blend;
    int weight = core.begin <= x && x < core.end ? UNIT : 0;
    if (core.begin > 0 && core.begin - blend <= x && x < core.begin + blend)
        weight = (int)floor(UNIT * (x - (core.begin - blend) + 0.5) / width + 0.5);
    if (core.end < length && core.end - blend <= x && x < core.end + blend)
        weight = UNIT - (int)floor(UNIT * (x - (core.end - blend) + 0.5) / width + 0.5);
    return weight;
}

static size_t wrong_weights(const struct tiling *tiling, bool down)
{
    const struct tile_axis *axis = down ? &tiling->down : &tiling->across;
    const size_t length = (size_t)axis->length;
    float *sums = calloc(length, sizeof *sums), *weights = naive_alloc((size_t)(axis->window + 1) * sizeof *weights);
    unsigned char *tiles = calloc(length, 1);
    const float guard = weights[axis->window] = 7;
    size_t wrong = 0;
    for (int i = 0; i < axis->count; i++) {
        const struct place p = place_of(tiling, down, i);
        tiling_weights(axis, i, weights);
        for (int x = p.window.begin; x < p.window.end; x++) {
            const float weight = weights[x - p.window.begin];
            wrong += !(weight == (float)naive_weight_at(p.core, x, axis->length, axis->blend) / UNIT);
            wrong += (weight > 0) != (p.reach.begin <= x && x < p.reach.end);
            sums[x] += weight;
            tiles[x] = (unsigned char)(tiles[x] + (weight > 0));
        }
    }
    for (size_t x = 0; x < length; x++)
        wrong += sums[x] != 1.0f || tiles[x] < 1 || tiles[x] > 2;
    wrong += weights[axis->window] != guard;
    free(tiles);
    free(weights);
    free(sums);
    return wrong;
}

static size_t wrong_axis(const struct tiling *tiling, bool down, int length, const struct tile_rules *rules)
{
    const struct tile_axis *axis = down ? &tiling->down : &tiling->across;
    size_t wrong = axis->length != length || axis->count < 1 || axis->window > rules->size || axis->blend != rules->blend;
    struct place before = {.window = {-1, 0}};
    for (int i = 0; i < axis->count; i++) {
        const struct place p = place_of(tiling, down, i);
        wrong += wrong_place(axis, i, &p, rules) + (p.core.begin != before.core.end) + (p.window.begin <= before.window.begin);
        if (i > 0) { // evenly; the border in the middle
            const int64_t strides = (length - axis->window) / rules->stride, middle = (before.window.end + p.window.begin) / 2;
            wrong += p.window.begin != i * strides / (axis->count - 1) * rules->stride;
            wrong += p.core.begin > middle || p.core.begin + rules->stride <= middle;
        }
        before = p;
    }
    // Pixel by pixel, but for the thousands of windows over one another that the least size of all makes.
    return wrong + ((int64_t)axis->count * axis->window < 10 * (int64_t)length ? wrong_weights(tiling, down) : 0);
}

static bool same_rectangle(struct rectangle a, struct rectangle b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static struct rectangle crossing(struct rectangle across, struct rectangle down)
{
    return (struct rectangle){across.x, down.y, across.width, down.height};
}

// Tiles are the products of both directions'. A sample where there are many.
static size_t wrong_products(const struct tiling *tiling, uint32_t *state)
{
    const int count = tiling_count(tiling), columns = tiling->across.count;
    size_t wrong = count != columns * tiling->down.count;
    for (int n = 0; n < 20; n++) {
        const int number = between(state, 0, count - 1);
        const struct tile tile = tiling_tile(tiling, number);
        const struct tile across = tiling_tile(tiling, number % columns), down = tiling_tile(tiling, number / columns * columns);
        wrong += !same_rectangle(tile.window, crossing(across.window, down.window));
        wrong += !same_rectangle(tile.core, crossing(across.core, down.core));
        wrong += !same_rectangle(tile.reach, crossing(across.reach, down.reach));
    }
    const double seen = (double)count * tiling->across.window * tiling->down.window;
    return wrong + !(fabs(tiling_redundancy(tiling) * tiling->across.length * tiling->down.length / seen - 1) < 1e-12);
}

static void test_random(void)
{
    uint32_t state = 1;
    size_t wrong = 0, cut = 0, refused = 0;
    for (int n = 0; n < CASES; n++) {
        const int width = random_side(&state, SIDE_MAX), height = random_side(&state, SIDE_MAX);
        struct tile_rules rules = random_rules(&state);
        struct tiling tiling;
        const enum status rc = tiling_create(&tiling, width, height, &rules);
        if (rc != STATUS_OK) { // one less than what is said to do does not, what is said to do does
            const int least = least_size(width, height, &rules);
            refused++;
            CU_ASSERT_EQUAL(rc, STATUS_LIMIT);
            CU_ASSERT_FATAL(least > rules.size);
            rules.size = least - 1;
            CU_ASSERT_EQUAL(tiling_create(&tiling, width, height, &rules), STATUS_LIMIT);
            rules.size = least;
            UNIT_OK(tiling_create(&tiling, width, height, &rules));
        }
        const size_t mistakes =
            wrong_axis(&tiling, false, width, &rules) + wrong_axis(&tiling, true, height, &rules) + wrong_products(&tiling, &state);
        if (mistakes > 0 && wrong == 0)
            printf("\n%d x %d, size %d, halo %d, blend %d, stride %d\n", width, height, rules.size, rules.halo, rules.blend, rules.stride);
        wrong += mistakes;
        cut += tiling.across.count > 2;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(cut > CASES / 4 && refused > CASES / 20 && refused < CASES / 2); // all kinds are there
}

// Whether `count` windows of `window` pixels do, by trying.
static bool fits(int length, int count, int window, const struct tile_rules *rules)
{
    int before = 0;
    for (int i = 1; i < count; i++) {
        const int begin = (length - window) / rules->stride * i / (count - 1) * rules->stride;
        int border = (before + window + begin) / 2;
        while (border % rules->stride != 0)
            border--;
        if (begin == before || (count > 2 && begin - before < 2 * rules->blend) || border - rules->halo < begin ||
            border + rules->halo > before + window)
            return false;
        before = begin;
    }
    return true;
}

// The shortest window for `count` tiles; 0 where there is none.
static int naive_window_for(int length, int count, const struct tile_rules *rules)
{
    if (count == 1)
        return length;
    for (int window = length % rules->stride; window < length; window += rules->stride)
        if (window > 0 && fits(length, count, window, rules))
            return window;
    return 0;
}

static void test_fewest_tiles(void)
{
    uint32_t state = 2;
    size_t refused = 0, wrong = 0;
    for (int n = 0; n < 3000; n++) {
        const int length = between(&state, SIDE_MIN, 700);
        struct tile_rules rules = random_rules(&state);
        rules.halo = rules.halo % 300 / rules.stride * rules.stride;
        rules.blend = rules.blend < rules.halo ? rules.blend : rules.halo;
        rules.size = between(&state, 10, 400);
        int count = 1, window = 0, least = length;
        for (; count <= length / rules.stride + 1; count++) {
            window = naive_window_for(length, count, &rules);
            if (window > 0 && window <= rules.size)
                break;
            least = window > 0 && window < least ? window : least;
            window = 0;
        }
        struct tiling tiling;
        const enum status rc = tiling_create(&tiling, length, 10, &rules);
        wrong += rc != (window > 0 ? STATUS_OK : STATUS_LIMIT);
        if (rc == STATUS_OK)
            wrong += tiling.across.count != count || tiling.across.window != window;
        else
            wrong += least_size(length, 10, &rules) != least;
        refused += rc != STATUS_OK;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(refused > 300 && refused < 2700);
}

static void test_weights_in_two_directions(void)
{
    uint32_t state = 3;
    size_t wrong = 0, largest = 0;
    for (int n = 0; n < 150; n++) {
        const int width = random_side(&state, SMALL), height = random_side(&state, SMALL), stride = 8 << between(&state, 0, 1);
        struct tile_rules rules = {.stride = stride, .halo = stride * between(&state, 0, 2)};
        rules.blend = between(&state, 0, rules.halo);
        rules.size = 2 * rules.halo + 2 * rules.blend + between(&state, 3 * stride, SMALL / 2);
        struct tiling tiling;
        UNIT_OK(tiling_create(&tiling, width, height, &rules));
        const int count = tiling_count(&tiling);
        float *sums = calloc((size_t)width * (size_t)height, sizeof *sums);
        int *order = calloc((size_t)count, sizeof *order);
        for (int i = 0; i < count; i++) {
            const int k = between(&state, 0, i);
            order[i] = order[k];
            order[k] = i;
        }
        for (int i = 0; i < count; i++) {
            const struct rectangle at = tiling_tile(&tiling, order[i]).window;
            float across[SMALL], down[SMALL];
            tiling_weights(&tiling.across, order[i] % tiling.across.count, across);
            tiling_weights(&tiling.down, order[i] / tiling.across.count, down);
            for (int y = 0; y < at.height; y++)
                for (int x = 0; x < at.width; x++)
                    sums[(at.y + y) * width + at.x + x] += down[y] * across[x];
        }
        for (int i = 0; i < width * height; i++)
            wrong += sums[i] != 1.0f;
        largest = (size_t)count > largest ? (size_t)count : largest;
        free(order);
        free(sums);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(largest > 20);
}

static void test_known(void)
{
    // By hand: 41 strides between the halos, 33 to span: 6 tiles. The windows begin within 5 * 41 / 6 = 34 strides; 600 - 272 = 328.
    const struct tile_rules rules = {.size = 340, .halo = 136, .blend = 20, .stride = 8};
    static const int begins[] = {0, 48, 104, 160, 216, 272}, borders[] = {0, 184, 240, 296, 352, 408, 600};
    struct tiling tiling;
    UNIT_OK(tiling_create(&tiling, 600, 100, &rules));
    CU_ASSERT(tiling.across.count == 6 && tiling.across.window == 328 && tiling_count(&tiling) == 6);
    CU_ASSERT(tiling.down.count == 1 && tiling.down.window == 100);
    for (int i = 0; i < 6; i++) {
        const struct tile tile = tiling_tile(&tiling, i);
        CU_ASSERT(same_rectangle(tile.window, (struct rectangle){begins[i], 0, 328, 100}));
        CU_ASSERT(same_rectangle(tile.core, (struct rectangle){borders[i], 0, borders[i + 1] - borders[i], 100}));
    }
    CU_ASSERT_DOUBLE_EQUAL(tiling_redundancy(&tiling), 6 * 328 / 600.0, 1e-12);
    UNIT_OK(tiling_create(&tiling, 340, 75, &rules));
    CU_ASSERT(tiling_count(&tiling) == 1 && tiling_redundancy(&tiling) == 1);
    CU_ASSERT(same_rectangle(tiling_tile(&tiling, 0).reach, (struct rectangle){0, 0, 340, 75}));
}

static void test_refusals(void)
{
    struct tiling tiling;
    struct tile_rules rules = {.size = 256, .halo = 192, .blend = 32, .stride = 16};
    CU_ASSERT_EQUAL(tiling_create(&tiling, 3000, 200, &rules), STATUS_LIMIT);
    CU_ASSERT_STRING_EQUAL(status_message(),
                           "tile.size 256 leaves no room for a halo of 192 pixels and a blend of 32 in an octave of "
                           "3000 x 200, which needs at least 472, and other octaves perhaps more; or take a smaller tile.halo");
    CU_ASSERT_EQUAL(tiling_create(&tiling, 200, 3000, &rules), STATUS_LIMIT);
    CU_ASSERT_EQUAL(least_size(200, 3000, &rules), 472);
    CU_ASSERT_EQUAL(tiling_create(&tiling, 300, 257, &rules), STATUS_LIMIT); // two halos are longer than both sides
    CU_ASSERT_EQUAL(least_size(300, 257, &rules), 300);
    UNIT_OK(tiling_create(&tiling, 256, 256, &rules));

    const struct tile_rules narrow = {.size = 96, .halo = 40, .stride = 8};
    CU_ASSERT_EQUAL(tiling_create(&tiling, 1000000, 1000000, &narrow), STATUS_LIMIT);
    CU_ASSERT_STRING_EQUAL(status_message(),
                           "tile.size 96 cuts an octave of 1000000 x 1000000 into 3905625025 tiles, more than 2147483647: "
                           "a larger one would do");
}

static void test_largest(void)
{
    static const struct tile_rules rules[] = {
        {.size = 2048, .halo = 544, .blend = 32, .stride = 16},
        {.size = 128, .halo = 40, .blend = 4, .stride = 8},
        {.size = 65536, .halo = 4096, .blend = 1000, .stride = 32},
        {.size = 999999, .halo = 480000, .blend = 1023, .stride = 32},
    };
    uint32_t state = 4;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct tiling tiling;
        UNIT_OK(tiling_create(&tiling, 1000000, 999983, &rules[i]));
        CU_ASSERT_EQUAL(wrong_axis(&tiling, false, 1000000, &rules[i]), 0);
        CU_ASSERT_EQUAL(wrong_axis(&tiling, true, 999983, &rules[i]), 0);
        CU_ASSERT_EQUAL(wrong_products(&tiling, &state), 0);
    }
}

static const struct unit_test tests[] = {
    {"random octaves", test_random}, {"fewest tiles", test_fewest_tiles}, {"weights in two directions", test_weights_in_two_directions},
    {"known", test_known},           {"refusals", test_refusals},         {"largest", test_largest},
};
UNIT_MAIN("tiling", tests)
