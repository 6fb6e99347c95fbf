// SPDX-License-Identifier: MIT
// Pixels on their way between the rows and the tiles of every kind of team, against loops over the octave's coordinates.
#include "worker/team/tile_exchange.h"

#include "naive.h"
#include "ranks.h"

enum { ROUNDS = 18, TILES_MAX = 400 };

static int between(uint32_t *state, int least, int most)
{
    return least + (int)(naive_next(state) % (uint32_t)(most - least + 1));
}

static int wrap(int i, int size)
{
    return (i % size + size) % size;
}

// One octave in tiles, seen rolled, and who has what of it.
struct round {
    int number, width, height, dy, dx, count;
    struct tiling tiling;
    struct tile tiles[TILES_MAX];
    struct rectangle windows[TILES_MAX], reaches[TILES_MAX];
    int margin; // rows around a member's own, in a scatter
    struct team *team;
};

// Small octaves have fewer bands and tiles than there are members. Halos and blends from none on.
static void draw_tiling(struct round *r, uint32_t *state)
{
    static const int strides[] = {1, 8, 16};
    struct tile_rules rules;
    do {
        const bool small = r->number % 5 == 1, large = r->number % 5 == 2;
        r->width = small ? between(state, 1, 60) : between(state, 61, large ? 500 : 250);
        r->height = small ? between(state, 1, 60) : between(state, 61, large ? 300 : 200);
        rules.stride = strides[between(state, 0, 2)];
        rules.halo = rules.stride * between(state, 0, 48 / rules.stride);
        rules.blend = between(state, 0, rules.halo);
        rules.size = between(state, 2 * rules.halo + 1, 2 * rules.halo + 100);
    } while (tiling_create(&r->tiling, r->width, r->height, &rules) != STATUS_OK || tiling_count(&r->tiling) > TILES_MAX);
    r->count = tiling_count(&r->tiling);
    r->dy = between(state, -2 * r->height, 2 * r->height);
    r->dx = between(state, -2 * r->width, 2 * r->width);
}

static void draw_round(struct round *r, struct team *team, int number, uint32_t *state)
{
    *r = (struct round){.number = number, .team = team};
    draw_tiling(r, state);
    for (int i = 0; i < r->count; i++) {
        r->tiles[i] = tiling_tile(&r->tiling, i);
        r->windows[i] = r->tiles[i].window;
        r->reaches[i] = r->tiles[i].reach;
    }
    r->margin = between(state, 0, 40);
}

// What a member works on, holds, and holds in a scatter.
static struct span work_of(const struct round *r, int member)
{
    return tiling_share(r->count, r->team->size, member);
}
static struct span rows_of(const struct round *r, int member)
{
    return tiling_rows(r->height, r->team->size, member);
}
static struct span grown_rows(const struct round *r)
{
    struct span rows = rows_of(r, r->team->rank);
    if (rows.begin < rows.end) {
        rows.begin = rows.begin > r->margin ? rows.begin - r->margin : 0;
        rows.end = rows.end < r->height - r->margin ? rows.end + r->margin : r->height;
    }
    return rows;
}

// This member's tiles, in an order of its own.
static void shuffle(const struct round *r, int order[TILES_MAX])
{
    const struct span mine = work_of(r, r->team->rank);
    uint32_t state = (uint32_t)(1000 * r->number + r->team->rank);
    for (int i = mine.begin; i < mine.end; i++) {
        const int k = between(&state, 0, i - mine.begin);
        order[i - mine.begin] = order[k];
        order[k] = i;
    }
}

// A number of its own for each value of each round: what is left over from an earlier one shows. Below 2^24, so a float tells them apart.
static float pixel(const struct round *r, int c, int y, int x)
{
    return (float)((c * r->height + y) * r->width + x + (r->number << 19));
}

static void check_window(const struct round *r, int tile, const float *values)
{
    const struct rectangle *w = &r->windows[tile];
    size_t wrong = 0;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < w->height; y++)
            for (int x = 0; x < w->width; x++)
                wrong += *values++ != pixel(r, c, wrap(w->y + y - r->dy, r->height), wrap(w->x + x - r->dx, r->width));
    CU_ASSERT_EQUAL(wrong, 0);
}

static int holder_of(const struct round *r, int y)
{
    for (int m = 0; m < r->team->size; m++)
        if (rows_of(r, m).begin <= y && y < rows_of(r, m).end)
            return m;
    CU_FAIL_FATAL("a row that nobody holds");
    return -1;
}

// Bytes that this member receives and sends in a gather, row by row of each window.
static int64_t bytes_of_gather(const struct round *r)
{
    int64_t bytes = 0;
    for (int owner = 0; owner < r->team->size; owner++)
        for (int i = work_of(r, owner).begin; i < work_of(r, owner).end; i++)
            for (int y = 0; y < r->windows[i].height; y++) {
                const int holder = holder_of(r, wrap(r->windows[i].y + y - r->dy, r->height));
                if (holder != owner && (holder == r->team->rank || owner == r->team->rank))
                    bytes += 12 * r->windows[i].width;
            }
    return bytes;
}

static bool is_shared(const struct round *r, int tile)
{
    for (int y = 0; y < r->windows[tile].height; y++)
        if (holder_of(r, wrap(r->windows[tile].y + y - r->dy, r->height)) != r->team->rank)
            return true;
    return false;
}

static void begin_gather(const struct round *r, struct tile_exchange *x, struct slab *image)
{
    const struct tile_exchange_layout layout = {.width = r->width,
                                                .height = r->height,
                                                .dy = r->dy,
                                                .dx = r->dx,
                                                .count = r->count,
                                                .rectangles = r->windows,
                                                .columns = r->tiling.across.count};
    UNIT_OK(slab_create(image, r->width, r->height, rows_of(r, r->team->rank)));
    for (int c = 0; c < 3; c++)
        for (int y = image->rows.begin; y < image->rows.end; y++)
            for (int k = 0; k < r->width; k++)
                slab_row(image, c, y)[k] = pixel(r, c, y, k);
    TOGETHER(tile_exchange_gather(x, &layout, image));
    CU_ASSERT_EQUAL(tile_exchange_bytes(x), bytes_of_gather(r));
}

static void take(const struct round *r, struct tile_exchange *x, int tile)
{
    float *values = naive_alloc(naive_count(3, r->windows[tile].height, r->windows[tile].width) * sizeof *values);
    bool arrived = false;
    CU_ASSERT_EQUAL(tile_exchange_is_shared(x, tile), is_shared(r, tile));
    if (tile_exchange_is_shared(x, tile))
        TOGETHER(tile_exchange_wait(x, tile));
    TOGETHER(tile_exchange_arrived(x, tile, &arrived));
    CU_ASSERT(arrived);
    tile_exchange_take(x, tile, values);
    check_window(r, tile, values);
    free(values);
}

static void begin_scatter(const struct round *r, struct tile_exchange *x, struct slab to[2])
{
    const struct tile_exchange_layout layout = {.width = r->width,
                                                .height = r->height,
                                                .dy = r->dy,
                                                .dx = r->dx,
                                                .count = r->count,
                                                .rectangles = r->reaches,
                                                .margin = r->margin,
                                                .columns = r->tiling.across.count};
    for (int i = 0; i < 2; i++) {
        UNIT_OK(slab_create(&to[i], r->width, r->height, grown_rows(r)));
        memset(to[i].data, 0, slab_count(&to[i]) * sizeof(float));
    }
    TOGETHER(tile_exchange_scatter(x, &layout, (struct slab *[]){&to[0], &to[1]}));
}

// Small integers, whose weighted sums are exact, in every third round; otherwise values that round.
static bool is_exact(const struct round *r)
{
    return r->number % 3 == 0;
}
static float small_integer(int c, int y, int x)
{
    return (float)((7 * c + 3 * y + 5 * x) % 7 - 3);
}

// What a tile has for its window, and the weights of it.
struct patch {
    float *values, *across, *down;
};

static struct patch make_patch(const struct round *r, int tile)
{
    const struct rectangle *w = &r->windows[tile];
    struct patch patch = {.values = naive_random(naive_count(3, w->height, w->width), (uint32_t)(1 + tile + 1000 * r->number)),
                          .across = naive_alloc((size_t)w->width * sizeof(float)),
                          .down = naive_alloc((size_t)w->height * sizeof(float))};
    float *value = patch.values;
    for (int c = 0; c < 3 && is_exact(r); c++)
        for (int y = 0; y < w->height; y++)
            for (int x = 0; x < w->width; x++)
                *value++ = small_integer(c, wrap(w->y + y - r->dy, r->height), wrap(w->x + x - r->dx, r->width));
    tiling_weights(&r->tiling.across, tile % r->tiling.across.count, patch.across);
    tiling_weights(&r->tiling.down, tile / r->tiling.across.count, patch.down);
    return patch;
}

static void free_patch(struct patch *patch)
{
    free(patch->values);
    free(patch->across);
    free(patch->down);
}

static void add(const struct round *r, struct tile_exchange *x, int tile)
{
    const struct rectangle *w = &r->windows[tile], *reach = &r->reaches[tile];
    const int dy = reach->y - w->y, dx = reach->x - w->x;
    struct patch patch = make_patch(r, tile);
    TOGETHER(tile_exchange_add(x, tile,
                               &(struct tile_exchange_patch){.values = patch.values + dy * w->width + dx,
                                                             .plane = (size_t)w->width * (size_t)w->height,
                                                             .row = (size_t)w->width,
                                                             .across = patch.across + dx,
                                                             .down = patch.down + dy}));
    free_patch(&patch); // taken over at once
}

// The same sums over whole windows and all tiles, in order, on one rank: outside a tile's reach its weights are 0.
static void add_naively(const struct round *r, int tile, float *sums)
{
    const struct rectangle *w = &r->windows[tile];
    const size_t plane = (size_t)r->width * (size_t)r->height;
    struct patch patch = make_patch(r, tile);
    const float *value = patch.values;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < w->height; y++)
            for (int x = 0; x < w->width; x++) {
                const int to_y = wrap(w->y + y - r->dy, r->height), to_x = wrap(w->x + x - r->dx, r->width);
                sums[(size_t)c * plane + (size_t)to_y * (size_t)r->width + (size_t)to_x] += *value++ * (patch.down[y] * patch.across[x]);
            }
    free_patch(&patch);
}

static void check_sums(const struct round *r, const struct slab to[2])
{
    const size_t row = (size_t)r->width, count = naive_count(3, r->height, r->width);
    float *sums[2] = {calloc(count, sizeof(float)), calloc(count, sizeof(float))};
    size_t wrong = 0, inexact = 0;
    CU_ASSERT_FATAL(sums[0] && sums[1]);
    for (int i = 0; i < r->count; i++)
        add_naively(r, i, sums[i / r->tiling.across.count % 2]);
    for (int c = 0; c < 3; c++)
        for (int y = to[0].rows.begin; y < to[0].rows.end; y++) {
            const float *first = slab_row(&to[0], c, y), *second = slab_row(&to[1], c, y);
            const size_t at = ((size_t)c * (size_t)r->height + (size_t)y) * row;
            wrong += memcmp(first, sums[0] + at, row * sizeof *first) != 0;
            wrong += memcmp(second, sums[1] + at, row * sizeof *second) != 0;
            for (int x = 0; x < r->width && is_exact(r); x++)
                inexact += first[x] + second[x] != small_integer(c, y, x);
        }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(inexact, 0);
    free(sums[0]);
    free(sums[1]);
}

// Odd rounds gather and then scatter with one exchange, even ones have both under way on two, as a sweep does.
static void run_round(const struct round *r, struct tile_exchange *gather, struct tile_exchange *other)
{
    const struct span mine = work_of(r, r->team->rank);
    const int count = mine.end - mine.begin;
    const bool odd = r->number % 2;
    struct tile_exchange *scatter = odd ? gather : other;
    struct slab image, to[2];
    int order[TILES_MAX];
    shuffle(r, order);
    begin_gather(r, gather, &image);
    if (!odd)
        begin_scatter(r, scatter, to);
    for (int i = 0; i < count; i++) {
        take(r, gather, order[i]);
        if (!odd)
            add(r, scatter, order[i]);
    }
    TOGETHER(tile_exchange_end(gather));
    if (odd) {
        begin_scatter(r, scatter, to);
        for (int i = count - 1; i >= 0; i--)
            add(r, scatter, order[i]);
    }
    TOGETHER(tile_exchange_end(scatter));
    check_sums(r, to);
    slab_destroy(&image);
    slab_destroy(&to[0]);
    slab_destroy(&to[1]);
}

static void run_rounds(struct team *team)
{
    static struct round round;
    struct tile_exchange *gather, *scatter;
    uint32_t state = 17;
    TOGETHER(tile_exchange_create(&gather, team));
    TOGETHER(tile_exchange_create(&scatter, team));
    for (int number = 0; number < ROUNDS; number++) {
        draw_round(&round, team, number, &state);
        run_round(&round, gather, scatter);
    }
    tile_exchange_destroy(&gather);
    tile_exchange_destroy(&scatter);
    CU_ASSERT_PTR_NULL(gather);
}

static void test_rounds(void)
{
    ranks_each_team(run_rounds);
}

static const struct unit_test tests[] = {
    {"windows gathered, gradients scattered", test_rounds},
};
RANKS_MAIN("exchange", tests)
