// SPDX-License-Identifier: MIT
// A dream by teams of every size: the same picture and the same steps as by one rank alone. One member's word stops them all, one member's
// failure fails them all, and they can go on with the next picture.
#include "worker/ascent/dream.h"

#include "common/config/config_schema.h"
#include "ranks.h"
#include "shallow.h"

enum { WIDTH = 131, HEIGHT = 150, STEPS_MAX = 4, NEVER = 1000 };

static struct setup shallow;
static float *picture;            // (3, HEIGHT, WIDTH)
static struct mask mask;          // a black edge, white, grey
static const struct mask *masked; // by which the dream at hand is; NULL: none

// What a dream left, on the team's first member, and how it went.
struct account {
    struct step_row steps[STEPS_MAX];
    int count;
    struct image_outcome outcome;
};

// A member, and what is on its mind. Questions are counted from 1.
struct member {
    struct team *team;
    struct account account;
    struct tile_rules rules;
    int asked, stop_at, ruin_at; // question that is answered with a stop; behind which this member has no room for any tile
    double part;                 // pixels of the step under way
};

static void keep_step(const struct step_row *step, void *context)
{
    struct member *m = context;
    CU_ASSERT_EQUAL(m->team->rank, 0);
    CU_ASSERT_FATAL(m->account.count < STEPS_MAX);
    CU_ASSERT(step->seconds > 0);
    m->account.steps[m->account.count] = *step;
    m->account.steps[m->account.count++].seconds = 0;
    m->part = 0;
}

static void keep_part(double pixels, void *context)
{
    struct member *m = context;
    CU_ASSERT_EQUAL(m->team->rank, 0);
    CU_ASSERT(pixels > m->part && pixels < WIDTH * HEIGHT);
    m->part = pixels;
}

static bool should_stop(void *context)
{
    struct member *m = context;
    m->asked++;
    if (m->asked == m->ruin_at)
        m->rules.size = 1;
    return m->asked >= m->stop_at;
}

static enum status dream(struct member *m, struct slab *rgb)
{
    struct image_job job = shallow_job(&shallow, m->team);
    job.rules = &m->rules;
    job.mask = masked;
    job.step = keep_step;
    job.part = keep_part;
    job.stop = should_stop;
    job.context = m;
    const enum status rc = dream_image(&job, rgb, &m->account.outcome);
    CU_ASSERT(m->account.outcome.seconds > 0);
    m->account.outcome.seconds = 0;
    return rc;
}

static struct member join(struct team *team)
{
    return (struct member){.team = team, .rules = shallow.rules, .stop_at = NEVER};
}

// A dream by one rank alone that was stopped at this question, for all to compare with.
struct reference {
    bool detail, guided, masked;
    bool halves; // with each target in one half of the octaves only
    enum config_normalize normalize;
    int stop_at;
    float *rgb;
    struct account account;
};

enum { FIXED = 12, NORMALIZATIONS_MAX = 16 };
static struct reference references[FIXED + NORMALIZATIONS_MAX] = {
    {.detail = true, .stop_at = NEVER},
    {.detail = false, .stop_at = NEVER},
    {.detail = true, .stop_at = 1},  // before the first step
    {.detail = false, .stop_at = 2}, // in the first octave
    {.detail = true, .stop_at = 3},  // at its end
    {.detail = true, .stop_at = 4},  // in the last octave
    {.detail = true, .stop_at = 5},  // with the last step: too late
    {.detail = true, .guided = true, .stop_at = NEVER},
    {.detail = true, .halves = true, .stop_at = NEVER},
    {.detail = true, .halves = true, .guided = true, .stop_at = NEVER},
    {.detail = true, .masked = true, .stop_at = NEVER},
    {.detail = false, .masked = true, .stop_at = 2},
};
static int reference_count = FIXED; // then comes one for each other word of `normalize`

// Guided by everything there is, with a look at every second step only.
static void configure(const struct reference *r)
{
    struct config *config = &shallow.config;
    const double strength = r->guided ? 0.6 : 0;
    for (int t = 0; t < config->targets.count; t++) { // the deeper one, which is the first, in the small octave
        struct config_target *target = &config->targets.items[t];
        target->octave_count = r->halves ? 2 : 0;
        target->octaves[0] = t == 0 ? 0 : 0.5;
        target->octaves[1] = t == 0 ? 0.5 : 1;
    }
    masked = r->masked ? &mask : NULL;
    config->octaves.detail = r->detail;
    config->normalize = r->normalize;
    // Of those that do not come to the same size of step, one that shows.
    config->step_size = r->normalize == NORMALIZE_L2 ? 5 : r->normalize == NORMALIZE_NONE ? 5000 : 0.02;
    config->guidance.every = 2;
    config->guidance.saliency = config->guidance.cam = config->guidance.importance = strength;
    config->guidance.add_magnitude = config->guidance.add_saliency = config->guidance.add_cam = strength / 2;
}

static void make_reference(struct reference *r)
{
    const size_t bytes = naive_count(3, HEIGHT, WIDTH) * sizeof *r->rgb;
    r->rgb = naive_alloc(bytes);
    if (ranks.rank == 0) {
        struct slab rgb;
        struct team *alone;
        TOGETHER(team_create(&alone, MPI_COMM_NULL, &(int32_t){0}, 1, &ranks.timing));
        struct member me = join(alone);
        me.stop_at = r->stop_at;
        configure(r);
        ranks_cut_out(&rgb, alone, picture, WIDTH, HEIGHT);
        TOGETHER(dream(&me, &rgb));
        CU_ASSERT_EQUAL(me.account.count, r->stop_at < NEVER ? r->stop_at - 1 : STEPS_MAX);
        CU_ASSERT_EQUAL(me.account.outcome.stopped, r->stop_at <= STEPS_MAX);
        memcpy(r->rgb, rgb.data, bytes);
        r->account = me.account;
        slab_destroy(&rgb);
        team_destroy(&alone);
    }
    ranks_share(r->rgb, bytes);
    ranks_share(&r->account, sizeof r->account);
}

// `speaker` asks for the stop, nobody else.
static void check_dream(struct team *team, const struct reference *r, int speaker)
{
    const struct account *expected = &r->account;
    struct member me = join(team);
    struct slab rgb;
    if (team->rank == speaker)
        me.stop_at = r->stop_at;
    configure(r);
    ranks_cut_out(&rgb, team, picture, WIDTH, HEIGHT);
    TOGETHER(dream(&me, &rgb));
    CU_ASSERT_EQUAL(ranks_unlike(&rgb, r->rgb), 0);
    CU_ASSERT_EQUAL(me.account.count, team->rank == 0 ? expected->count : 0);
    CU_ASSERT(memcmp(me.account.steps, expected->steps, (size_t)me.account.count * sizeof *expected->steps) == 0);
    CU_ASSERT(memcmp(&me.account.outcome, &expected->outcome, sizeof expected->outcome) == 0);
    slab_destroy(&rgb);
}

// Half of them by odd teams, half by even ones, and the guided one and other normalisations by few, for time's sake.
static void run_dreams(struct team *team)
{
    for (int i = 0; i < reference_count; i++)
        if (references[i].guided || i >= FIXED ? team->size == 2 || team->size == ranks.size : i % 2 == team->size % 2)
            check_dream(team, &references[i], (team->size - 1 + i) % team->size);
}

static void test_dreams(void)
{
    ranks_each_team(run_dreams);
}

// All members fail with the same status and message, and could go on.
static void check_failure(struct member *me, struct slab *rgb, const char *message)
{
    CU_ASSERT_EQUAL(dream(me, rgb), STATUS_LIMIT);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), message));
    CU_ASSERT_FALSE(me->account.outcome.broken);
    slab_destroy(rgb);
}

static void run_failures(struct team *team)
{
    struct slab rgb;
    // One member has no room for tiles, at once ...
    struct member me = join(team);
    configure(&references[0]);
    if (team->rank == team->size - 1)
        me.rules.size = 1;
    ranks_cut_out(&rgb, team, picture, WIDTH, HEIGHT);
    check_failure(&me, &rgb, "tile.size 1 leaves no room");
    CU_ASSERT_EQUAL(me.asked, 0);
    // ... or from the second octave on.
    me = join(team);
    me.ruin_at = team->rank == team->size / 2 ? 3 : NEVER;
    ranks_cut_out(&rgb, team, picture, WIDTH, HEIGHT);
    check_failure(&me, &rgb, "tile.size 1 leaves no room");
    CU_ASSERT_EQUAL(me.asked, 3);
    // No member can dream on a picture that is too small.
    me = join(team);
    ranks_cut_out(&rgb, team, picture, 24, 20);
    check_failure(&me, &rgb, "24 x 20");
    check_dream(team, &references[0], 0);
}

static void test_failures(void)
{
    ranks_each_team(run_failures);
    for (int i = 0; i < reference_count; i++)
        free(references[i].rgb);
    free(picture);
    mask_destroy(&mask);
    tear_down(&shallow);
}

// What the others compare with, and that it is what it says.
static void test_alone(void)
{
    shallow_create(&shallow, (const char *const[]){"octaves.count=2", "octaves.scale=1.3", "steps=2", "smooth=0.8", "total_variation=0.1",
                                                   "jitter=200", NULL});
    picture = wavy_picture(WIDTH, HEIGHT);
    mask = (struct mask){.width = 40, .height = 30, .values = naive_alloc(40 * 30 * sizeof *mask.values)};
    for (int i = 0; i < 40 * 30; i++)
        mask.values[i] = (uint16_t)(i < 5 * 40 ? 0 : i % 40 < 20 ? MASK_FULL : MASK_FULL / 3);
    for (const struct config_word *word = config_find("normalize")->words; word->name; word++)
        if (word->value != (int)references[0].normalize) {
            CU_ASSERT_FATAL(reference_count < FIXED + NORMALIZATIONS_MAX);
            references[reference_count++] =
                (struct reference){.detail = true, .normalize = (enum config_normalize)word->value, .stop_at = NEVER};
        }
    for (int i = 0; i < reference_count; i++)
        make_reference(&references[i]);
    const size_t bytes = naive_count(3, HEIGHT, WIDTH) * sizeof *picture;
    CU_ASSERT(memcmp(references[0].rgb, references[1].rgb, bytes) != 0);
    CU_ASSERT(memcmp(references[2].rgb, picture, bytes) == 0); // stopped before anything was dreamed
    for (int i = 3; i < 6; i++)
        CU_ASSERT(memcmp(references[i].rgb, picture, bytes) != 0 && memcmp(references[i].rgb, references[0].rgb, bytes) != 0);
    for (int i = 10; i < FIXED; i++) { // the first rows are black
        CU_ASSERT(memcmp(references[i].rgb, picture, 20 * WIDTH * sizeof *picture) == 0);
        CU_ASSERT(memcmp(references[i].rgb, picture, bytes) != 0);
    }
    CU_ASSERT(memcmp(references[6].rgb, references[0].rgb, bytes) == 0);
    for (int i = 7; i < reference_count; i++)
        CU_ASSERT(memcmp(references[i].rgb, picture, bytes) != 0 && memcmp(references[i].rgb, references[0].rgb, bytes) != 0);
}

static const struct unit_test tests[] = {
    {"alone", test_alone},
    {"the same dream by all teams, stopped and not", test_dreams},
    {"failures", test_failures},
};
RANKS_MAIN("team dream", tests)
