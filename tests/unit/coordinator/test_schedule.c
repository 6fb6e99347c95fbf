// SPDX-License-Identifier: MIT
// The model beside plain counting, and teams beside answers that are known and a naive simulation.
#include "coordinator/schedule/schedule.h"

#include <math.h>
#include <stdlib.h>

#include "common/picture/geometry.h"
#include "common/system/clock.h"
#include "schedule_cases.h"

enum { IMAGES_MAX = 4096 };

// Walks through what the busiest member does, tile by tile.
static double naive_pass(const struct schedule *schedule, struct octave octave, int members)
{
    struct tiling tiling;
    double most = 0;
    UNIT_OK(tiling_create(&tiling, octave.width, octave.height, &schedule->tiles));
    for (int member = 0; member < members; member++) {
        const struct span share = tiling_share(tiling_count(&tiling), members, member);
        double pixels = 0;
        for (int t = share.begin; t < share.end; t++) {
            const struct rectangle window = tiling_tile(&tiling, t).window;
            pixels += (double)window.width * window.height;
        }
        most = fmax(most, pixels);
    }
    return most;
}

static double naive_cost(const struct schedule *schedule, struct schedule_image image, int members)
{
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    const int count = geometry_octaves(image.width, image.height, &config.octaves, octaves);
    double cost = 0.5 * naive_pass(schedule, octaves[count - 1], members);
    for (int k = 0; k < count; k++)
        for (int step = 0; step < config.steps; step++)
            cost += naive_pass(schedule, octaves[k], members);
    return cost + 0.5 * naive_pass(schedule, octaves[count - 1], members);
}

static void test_cost(void)
{
    struct schedule schedule = schedule_for(1);
    uint32_t random = 1;
    for (int i = 0; i < 60; i++) {
        const struct schedule_image image = random_image(&random, 3000);
        config.steps = 1 + (int)next_random(&random, 5);
        config.octaves.count = 1 + (int)next_random(&random, 4);
        for (int members = 1; members < 80; members += 1 + members / 3)
            CU_ASSERT_EQUAL(cost_of(&schedule, image, members), naive_cost(&schedule, image, members));
    }
    schedule = flat_schedule_for(1); // by hand: six windows, 20 steps and twice a half
    CU_ASSERT_EQUAL(cost_of(&schedule, image_of_tiles(3, 2), 1), 21.0 * 6 * 512 * 512);
    CU_ASSERT_EQUAL(cost_of(&schedule, image_of_tiles(3, 2), 4), 21.0 * 2 * 512 * 512);
    CU_ASSERT_EQUAL(cost_of(&schedule, image_of_tiles(3, 2), 100), 21.0 * 512 * 512);
}

static void test_tiles(void)
{
    struct schedule schedule = flat_schedule_for(1);
    uint32_t random = 6;
    int tiles;
    double redundancy;
    UNIT_OK(schedule_tiles(&schedule, image_of_tiles(3, 2), &tiles, &redundancy));
    CU_ASSERT_EQUAL(tiles, 6);
    CU_ASSERT_DOUBLE_EQUAL(redundancy, 6 * 512.0 * 512 / ((512 + 2 * 384) * (512 + 384)), 1e-12);
    schedule = schedule_for(1);
    for (int i = 0; i < 50; i++) {
        struct schedule_image image = random_image(&random, 3000);
        struct octave octaves[GEOMETRY_OCTAVES_MAX];
        const int count = geometry_octaves(image.width, image.height, &config.octaves, octaves);
        double seen = 0;
        for (int k = 0; k < count; k++)
            seen += naive_pass(&schedule, octaves[k], 1);
        UNIT_OK(schedule_tiles(&schedule, image, &tiles, &redundancy));
        CU_ASSERT_DOUBLE_EQUAL(redundancy, seen / geometry_pixels(octaves, count), 1e-12);
        image.whole = true; // at full size alone
        UNIT_OK(schedule_tiles(&schedule, image, &tiles, &redundancy));
        CU_ASSERT_DOUBLE_EQUAL(redundancy, naive_pass(&schedule, octaves[count - 1], 1) / ((double)image.width * image.height), 1e-12);
    }
}

static void test_what_cannot_be_cut(void)
{
    struct schedule schedule = schedule_for(4);
    const struct schedule_image image = {2000, 300, false};
    double cost;
    schedule.tiles = (struct tile_rules){.size = 128, .halo = 64, .blend = 32, .stride = 16};
    CU_ASSERT_EQUAL(schedule_cost(&schedule, image, 1, &cost), STATUS_LIMIT);
    CU_ASSERT(isinf(schedule_memory(&schedule, image, 1)));
    CU_ASSERT_EQUAL(schedule_least(&schedule, image), 0);
    const double busy[4] = {0};
    CU_ASSERT_EQUAL(schedule_team(&schedule, &(struct schedule_state){busy, &image, 1, -1}), 0);
    schedule = schedule_for(4);
    schedule.min_side = 300;
    UNIT_OK(schedule_cost(&schedule, image, 1, &cost));
    schedule.min_side = 301;
    UNIT_FAILS(schedule_cost(&schedule, image, 1, &cost), STATUS_LIMIT, "2000 x 300 pixels are too few: these targets need 301");
}

static void leave_frames_out(void)
{
    config.frames.cam = config.frames.dream = false;
}

static void test_memory_by_hand(void)
{
    struct schedule schedule = schedule_for(8);
    struct schedule_image image = {512, 384, false};
    leave_frames_out();
    config.octaves.count = 2;
    config.octaves.scale = 2; // 256 x 192, then 512 x 384, one tile each
    config.jitter = 32;
    config.smooth = 4;
    config.shape.pyramid = 0;
    const double network = 400.0 * 512 * 384;
    // Most while taking steps: image, original, gradient, scratch.
    CU_ASSERT_EQUAL(schedule_memory(&schedule, image, 1), network + 12 * 4 * 512 * 384);
    // Half the rows each, of gradient and scratch 12 more above and below. The second member has the tile: it gets all rows but its own 192
    // without 32 at each end.
    CU_ASSERT_EQUAL(schedule_memory(&schedule, image, 2), network + 12.0 * 512 * (2 * 192 + 2 * (192 + 24) + 4 * (384 - 128)));

    image = (struct schedule_image){500, 400, false};
    config.octaves.scale = 1.25; // 400 x 320, then 500 x 400
    // Most while enlarging: what has been dreamed, that wide, that wide and high, the original and its copy.
    CU_ASSERT_EQUAL(schedule_memory(&schedule, image, 1), 400.0 * 500 * 400 + 12 * (400 * 320 + 500 * 320 + 3 * 500 * 400));

    image = (struct schedule_image){100, 400, false};
    config.octaves.count = 1; // 25 bands, 13 of them for the larger half
    CU_ASSERT_EQUAL(schedule_memory(&schedule, image, 1), 400.0 * 100 * 400 + 12 * 4 * 100 * 400);
    const double exchanged = 4.0 * 100 * (400 - (400 - 12 * 16 - 64));
    CU_ASSERT_EQUAL(schedule_memory(&schedule, image, 2), 400.0 * 100 * 400 + 12 * (100 * (4 * 13 * 16 + 4 * 12) + exchanged));
}

static void test_memory_of_teams_by_hand(void)
{
    struct schedule schedule = schedule_for(8);
    schedule.window_bytes = 0;
    config.octaves.count = 2;
    config.jitter = 0;
    config.smooth = config.shape.pyramid = 0;
    leave_frames_out();
    config.octaves.scale = 1.25; // 400 x 6400, then 500 x 8000: exchange is little of it
    // While enlarging, by the larger halves: before, after, original and its copy; resampled across, twice; and at both ends what shares do
    // not share.
    const double bytes = schedule_memory(&schedule, (struct schedule_image){500, 8000, false}, 2);
    CU_ASSERT_DOUBLE_EQUAL(bytes, 12.0 * (400 * 3200 + 3 * 500 * 4000 + 500 * (2 * 3200 + 6 * (16 * 1.8 + 4))), 1e-3);
    config.octaves.scale = 1.05; // 476 x 505, one tile, then 500 x 530, two of 500 x 338, and no member has but one of them
    // The last of eight has the larger tile: it gets all rows but its own 57. It holds up to 64, and up to 80 of the original.
    CU_ASSERT_EQUAL(schedule_memory(&schedule, (struct schedule_image){500, 530, false}, 8),
                    12.0 * (500 * 80 + 4 * 476 * 64 + 4 * 476 * (505 - 57)));
}

// Of a picture in one tile, beside what has been counted above.
static double memory_more(const struct schedule *schedule, const char *setting)
{
    const struct schedule_image image = {512, 384, false};
    const double before = schedule_memory(schedule, image, 1);
    UNIT_OK(config_set(&config, setting));
    return schedule_memory(schedule, image, 1) - before;
}

static void test_memory_of_attribution(void)
{
    struct schedule schedule = flat_schedule_for(1);
    const double pixels = 512 * 384;
    config.jitter = 0;
    config.smooth = config.shape.pyramid = 0;
    leave_frames_out();
    CU_ASSERT_EQUAL(memory_more(&schedule, "frames.dream=true"), 12 * 2 * pixels); // what has been dreamed, and that made smaller
    CU_ASSERT_EQUAL(memory_more(&schedule, "frames.cam=true"), 0);                 // the same frame
    const double without = schedule_memory(&schedule, (struct schedule_image){512, 384, false}, 1);
    schedule.feature_bytes = 60;
    CU_ASSERT_DOUBLE_EQUAL(schedule_memory(&schedule, (struct schedule_image){512, 384, false}, 1) - without, 2 * 60 * pixels, 1e-3);
    // Expected gradients: two baselines, and the activations of the picture and of one of them; then four pictures of the run as well.
    CU_ASSERT_DOUBLE_EQUAL(memory_more(&schedule, "importance.method=expected_gradients"), (12 * 2 + 2 * 60) * pixels, 1e-3);
    CU_ASSERT_DOUBLE_EQUAL(memory_more(&schedule, "importance.baselines=black,images"), 12 * 3 * pixels, 1e-3);
    // To explain: nine fields, features, and all that expected gradients need.
    CU_ASSERT_DOUBLE_EQUAL(schedule_memory(&schedule, (struct schedule_image){512, 384, true}, 1),
                           (400 + 12 * 9 + 2 * 60 + 12 * 5 + 2 * 60) * pixels, 1e-3);
    // Members keep the features of their own tiles: six among four are two each, of a third of the picture.
    schedule = flat_schedule_for(4);
    const struct schedule_image tiled = image_of_tiles(3, 2);
    const double none = schedule_memory(&schedule, tiled, 4);
    schedule.feature_bytes = 60;
    CU_ASSERT_DOUBLE_EQUAL(schedule_memory(&schedule, tiled, 4) - none, 2 * 60 * (double)tiled.width * tiled.height / 3, 1e-3);
}

static void test_memory_holds_all_rows(void)
{
    struct schedule schedule = flat_schedule_for(8);
    schedule.window_bytes = 0;
    uint32_t random = 5;
    for (int i = 0; i < 200; i++) {
        const struct schedule_image image = random_image(&random, 2000);
        const int members = 1 + (int)next_random(&random, 40);
        for (int m = 0; m < members; m++) {
            const struct span rows = tiling_rows(image.height, members, m);
            CU_ASSERT(schedule_memory(&schedule, image, members) >= 12.0 * 3 * image.width * (rows.end - rows.begin));
        }
    }
}

static double shared_pixels(const struct tiling *tiling, const struct rectangle *rectangle, int dy, struct span rows)
{
    struct tile_part parts[TILING_PARTS_MAX];
    const int count = tiling_parts(rectangle, tiling->across.length, tiling->down.length, dy, 7, rows, parts);
    double pixels = 0;
    for (int i = 0; i < count; i++)
        pixels += (double)parts[i].octave.width * parts[i].octave.height;
    return pixels;
}

// Pixels of the windows, or of where their gradients count, that member `a` works on and member `b` holds.
static double pair_pixels(const struct tiling *tiling, bool windows, int dy, int members, int a, int b)
{
    const struct span tiles = tiling_share(tiling_count(tiling), members, a), rows = tiling_rows(tiling->down.length, members, b);
    double pixels = 0;
    for (int t = tiles.begin; t < tiles.end; t++) {
        const struct tile tile = tiling_tile(tiling, t);
        pixels += shared_pixels(tiling, windows ? &tile.window : &tile.reach, dy, rows);
    }
    return pixels;
}

// What a member's buffers for its exchange with each other member must hold: windows in or gradients in, windows out or gradients out.
static double buffer_pixels(const struct tiling *tiling, int dy, int members, int member)
{
    double pixels = 0;
    for (int other = 0; other < members; other++)
        if (other != member)
            pixels += fmax(pair_pixels(tiling, true, dy, members, member, other), pair_pixels(tiling, false, dy, members, other, member)) +
                      fmax(pair_pixels(tiling, true, dy, members, other, member), pair_pixels(tiling, false, dy, members, member, other));
    return pixels;
}

static void test_memory_holds_what_is_exchanged(void)
{
    struct schedule schedule = flat_schedule_for(8);
    schedule.window_bytes = 0;
    config.smooth = config.shape.pyramid = 0;
    uint32_t random = 3;
    double loosest = 0;
    for (int i = 0; i < 60; i++) {
        const struct schedule_image image = random_image(&random, 3000);
        const int members = 2 + (int)next_random(&random, 12);
        const int bands = (image.height + 15) / 16, rows = 16 * ((bands + members - 1) / members);
        const double fields = 3.0 * image.width * (rows < image.height ? rows : image.height);
        const double bound = schedule_memory(&schedule, image, members) / 12 - fields;
        struct tiling tiling;
        double most = 0;
        UNIT_OK(tiling_create(&tiling, image.width, image.height, &schedule.tiles));
        for (int dy = -config.jitter; dy <= config.jitter; dy += config.jitter / 4)
            for (int m = 0; m < members; m++)
                most = fmax(most, buffer_pixels(&tiling, dy, members, m));
        CU_ASSERT(most <= bound);
        loosest = fmax(loosest, bound / most);
    }
    printf("at most %.1f times what the buffers hold; ", loosest);
}

static void test_more_members_need_less(void)
{
    const struct schedule schedule = schedule_for(64);
    uint32_t random = 2;
    for (int i = 0; i < 300; i++) {
        const struct schedule_image image = random_image(&random, 9000);
        struct tiling tiling;
        UNIT_OK(tiling_create(&tiling, image.width, image.height, &schedule.tiles));
        for (int members = 2; 2 * members <= tiling_count(&tiling); members *= 2)
            CU_ASSERT(schedule_memory(&schedule, image, 2 * members) <= schedule_memory(&schedule, image, members));
        for (int members = 1; members < 64; members++)
            CU_ASSERT(cost_of(&schedule, image, members + 1) <= cost_of(&schedule, image, members));
    }
    CU_ASSERT(schedule_memory(&schedule, image_of_tiles(20, 20), 2) < schedule_memory(&schedule, image_of_tiles(20, 20), 1));
}

static void test_least(void)
{
    struct schedule schedule = schedule_for(24);
    uint32_t random = 4;
    for (int i = 0; i < 100; i++) {
        const struct schedule_image image = random_image(&random, 5000);
        const int aim = 1 + (int)next_random(&random, 24);
        int least = 0;
        schedule.memory_limit = (uint64_t)ceil(schedule_memory(&schedule, image, aim));
        for (int members = schedule.workers; members >= 1; members--)
            if (schedule_memory(&schedule, image, members) <= (double)schedule.memory_limit)
                least = members;
        CU_ASSERT(least >= 1 && least <= aim);
        CU_ASSERT_EQUAL(schedule_least(&schedule, image), least);
        schedule.memory_limit = UINT64_C(64) << 10; // less than the network
        CU_ASSERT_EQUAL(schedule_least(&schedule, image), 0);
    }
}

// The team of the first of `count` equal images on free workers.
static int team_of_equals(const struct schedule *schedule, struct schedule_image image, int count, int64_t coming)
{
    static struct schedule_image waiting[IMAGES_MAX];
    static const double free_workers[WORKERS_MAX];
    for (int i = 0; i < count; i++)
        waiting[i] = image;
    return schedule_team(schedule, &(struct schedule_state){free_workers, waiting, count, coming});
}

static void test_known_answers(void)
{
    struct schedule schedule = flat_schedule_for(8);
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image_of_tiles(10, 10), 1, 0), 8);
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image_of_tiles(3, 2), 1, 0), 6); // no more than its tiles
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image_of_tiles(1, 1), 1, 0), 1);
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image_of_tiles(1, 1), 8, 0), 1);
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image_of_tiles(2, 2), 2, 0), 4);
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image_of_tiles(2, 2), 1, 1), 4); // the other one not yet decoded
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image_of_tiles(2, 2), 4, 0), 2); // 2 rounds; as good as 4 each in two waves
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image_of_tiles(8, 8), 3, 0), 8); // in turn, 24 rounds; two each would take 32
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image_of_tiles(8, 8), 8, 0), 1);
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image_of_tiles(2, 2), 9, 0), 4);  // 5 waves of one round; alone, 2 waves of 4
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image_of_tiles(8, 8), 1, -1), 1); // many
    schedule = flat_schedule_for(4);
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image_of_tiles(5, 5), 100, 0), 1);
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image_of_tiles(5, 5), 1, 99), 1);
    schedule = flat_schedule_for(1);
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image_of_tiles(5, 5), 1, 0), 1);
}

static void test_others_take_no_more_than_they_can_use(void)
{
    const struct schedule schedule = flat_schedule_for(4);
    // Two windows of 336 x 512, then twice one of 512 x 512: three quarters of the first one's cost, but for one rank.
    const struct schedule_image waiting[] = {{528, 512, false}, {512, 512, false}, {512, 512, false}};
    const double busy[4] = {0};
    CU_ASSERT_EQUAL(schedule_team(&schedule, &(struct schedule_state){busy, waiting, 3, 0}), 2);
}

static void test_a_giant_among_many(void)
{
    struct schedule schedule = flat_schedule_for(8);
    struct schedule_image waiting[41] = {image_of_tiles(20, 20)}; // 400 tiles; the other 40 images have one each
    const double busy[8] = {0};
    for (int i = 1; i < 41; i++)
        waiting[i] = image_of_tiles(1, 1);
    CU_ASSERT_EQUAL(schedule_team(&schedule, &(struct schedule_state){busy, waiting, 41, 0}), 8);
    CU_ASSERT_EQUAL(schedule_team(&schedule, &(struct schedule_state){busy, waiting + 1, 40, 0}), 1);
    CU_ASSERT_EQUAL(schedule_team(&schedule, &(struct schedule_state){busy, waiting, 41, 4000}), 1); // the rest takes longer
}

static void test_workers_that_are_busy(void)
{
    const struct schedule schedule = flat_schedule_for(4);
    const struct schedule_image image = image_of_tiles(4, 1);
    const double window = 21.0 * 512 * 512; // one tile's part of the cost
    const double long_busy[] = {0, 9 * window, 0, 9 * window}, soon_free[] = {0, 0.5 * window, 0, 0.5 * window};
    CU_ASSERT_EQUAL(schedule_team(&schedule, &(struct schedule_state){long_busy, &image, 1, 0}), 1); // the others end later anyway
    CU_ASSERT_EQUAL(schedule_team(&schedule, &(struct schedule_state){soon_free, &image, 1, 0}), 4); // worth waiting: 1.5 against 2
}

static void test_team_size_that_is_set(void)
{
    struct schedule schedule = schedule_for(8);
    const struct schedule_image image = image_of_tiles(6, 6);
    config.team.size = 3;
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image, 1, 0), 3);
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image, 100, -1), 3);
    config.team.size = 1000;
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image, 1, 0), 8);
    config.team.size = 1;
    schedule.memory_limit = (uint64_t)ceil(schedule_memory(&schedule, image, 4));
    CU_ASSERT_EQUAL(schedule_least(&schedule, image), 4);
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image, 1, 0), 4);
    schedule.memory_limit = 1000;
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image, 1, 0), 0);
}

static void test_memory_demands_a_team(void)
{
    struct schedule schedule = schedule_for(8);
    const struct schedule_image image = image_of_tiles(6, 6);
    schedule.memory_limit = (uint64_t)ceil(schedule_memory(&schedule, image, 4));
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image, 1, -1), 4);
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image, 500, 0), 4);
    schedule.memory_limit = 1000; // one that fits no team
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image, 1, -1), 0);
    CU_ASSERT_EQUAL(team_of_equals(&schedule, image, 1, 0), 0);
}

// As schedule_team() imagines it: images in order, with teams in proportion to the first one's.
static double naive_makespan(const struct schedule *schedule, const struct schedule_state *state, int first)
{
    double times[WORKERS_MAX];
    const double unit = cost_of(schedule, state->waiting[0], 1);
    for (int w = 0; w < schedule->workers; w++)
        times[w] = state->busy[w];
    for (int64_t i = 0; i < state->waiting_count + state->coming; i++) {
        const struct schedule_image image = state->waiting[i < state->waiting_count ? i : state->waiting_count / 2];
        const int least = schedule_least(schedule, image), most = most_of(schedule, image);
        if (least == 0)
            continue;
        int team = (int)lround(first * cost_of(schedule, image, 1) / unit);
        team = team < least ? least : team > most ? most : team;
        place(times, schedule->workers, team, cost_of(schedule, image, team));
    }
    return largest(times, schedule->workers);
}

static void test_beside_a_naive_simulation(void)
{
    uint32_t random = 7;
    int larger = 0;
    for (int i = 0; i < 400; i++) {
        struct schedule schedule = schedule_for(1 + (int)next_random(&random, 24));
        struct schedule_image waiting[24];
        double busy[24];
        const int count = 1 + (int)next_random(&random, (uint32_t)schedule.workers);
        const struct schedule_state state = {busy, waiting, count, next_random(&random, 4)};
        for (int k = 0; k < count; k++)
            waiting[k] = random_image(&random, i % 2 ? 3000 : 800);
        sort_images(&schedule, waiting, count);
        if (i % 3 == 0)
            schedule.memory_limit =
                (uint64_t)ceil(schedule_memory(&schedule, waiting[0], 1 + (int)next_random(&random, (uint32_t)schedule.workers)));
        for (int w = 0; w < schedule.workers; w++)
            busy[w] = next_random(&random, 2) ? next_random(&random, 1000) / 1000.0 * cost_of(&schedule, waiting[0], 1) : 0;

        const int least = schedule_least(&schedule, waiting[0]), most = most_of(&schedule, waiting[0]);
        const int team = schedule_team(&schedule, &state);
        const double end = naive_makespan(&schedule, &state, team);
        double best = INFINITY;
        CU_ASSERT(team >= least && team <= most);
        CU_ASSERT(end <= 1.01 * naive_makespan(&schedule, &state, least) + 1e-6);
        CU_ASSERT(end <= 1.01 * naive_makespan(&schedule, &state, most) + 1e-6);
        for (int other = least; other <= most; other++)
            best = fmin(best, naive_makespan(&schedule, &state, other));
        if (schedule.workers <= 8) // every size is tried
            for (int other = least; other <= team; other++)
                CU_ASSERT_EQUAL(naive_makespan(&schedule, &state, other) <= 1.01 * best, other == team);
        CU_ASSERT(end <= 1.25 * best);
        larger += team > 1;
    }
    CU_ASSERT(larger > 50 && larger < 350); // the cases are neither all easy nor all alike
}

static void test_speed(void)
{
    const struct schedule schedule = schedule_for(WORKERS_MAX);
    static struct schedule_image waiting[IMAGES_MAX];
    static double busy[WORKERS_MAX];
    static const struct {
        int waiting;
        int64_t coming;
    } cases[] = {{1, -1}, {1, 0}, {10, 0}, {200, 0}, {1000, 1000}, {4000, 0}, {4000, 1000000}};
    uint32_t random = 13;
    for (int i = 0; i < IMAGES_MAX; i++)
        waiting[i] = random_image(&random, 6000);
    sort_images(&schedule, waiting, IMAGES_MAX);
    for (int w = 0; w < WORKERS_MAX; w++)
        busy[w] = next_random(&random, 1000) * 1e6;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct schedule_state state = {busy, waiting, cases[i].waiting, cases[i].coming};
        const double start = now();
        const int team = schedule_team(&schedule, &state);
        CU_ASSERT(team >= 1);
        printf("%d+%lld: %d in %.3f ms; ", cases[i].waiting, (long long)cases[i].coming, team, 1e3 * (now() - start));
    }
}

static const struct unit_test tests[] = {
    {"cost", test_cost},
    {"tiles", test_tiles},
    {"what cannot be cut", test_what_cannot_be_cut},
    {"memory by hand", test_memory_by_hand},
    {"memory of teams by hand", test_memory_of_teams_by_hand},
    {"memory of attribution", test_memory_of_attribution},
    {"memory holds all rows", test_memory_holds_all_rows},
    {"memory holds what is exchanged", test_memory_holds_what_is_exchanged},
    {"more members need less", test_more_members_need_less},
    {"the smallest team", test_least},
    {"known answers", test_known_answers},
    {"others take no more than they can use", test_others_take_no_more_than_they_can_use},
    {"a giant among many", test_a_giant_among_many},
    {"busy workers", test_workers_that_are_busy},
    {"team size that is set", test_team_size_that_is_set},
    {"memory demands a team", test_memory_demands_a_team},
    {"beside a naive simulation", test_beside_a_naive_simulation},
    {"speed", test_speed},
};
UNIT_MAIN("schedule", tests)
