// SPDX-License-Identifier: MIT
// What a team sends of a dream under way: frames, maps, the importance of channels; the same bytes as one rank alone sends, whatever
// members hold. Rank 0 listens, all others dream.
#include "worker/ascent/frames.h"

#include "coordinator/results/array_assembly.h"
#include "ranks.h"
#include "shallow.h"
#include "worker/ascent/dream.h"

enum { WIDTH = 131, HEIGHT = 150, IMAGE = 7, NOTE = 999, STEPS = 4, FRAMES = STEPS + 1, KINDS = 3 };

static struct setup shallow;

// By kind and number of frame or target.
struct heard {
    struct array arrays[KINDS][FRAMES];
};

static void forget(struct heard *heard)
{
    for (int k = 0; k < KINDS; k++)
        for (int i = 0; i < FRAMES; i++)
            free(heard->arrays[k][i].values);
    memset(heard, 0, sizeof *heard);
}

static void keep(struct heard *heard, const struct array *array)
{
    const int number = array->part.kind == ARRAY_IMPORTANCE ? array->part.target : array->part.frame;
    CU_ASSERT_FATAL(array->part.kind >= 0 && array->part.kind < KINDS && number >= 0 && number < FRAMES);
    TOGETHER(heard->arrays[array->part.kind][number].values ? fail(STATUS_INTERNAL, "array %d has come twice", number) : STATUS_OK);
    heard->arrays[array->part.kind][number] = *array;
}

// Until all members have said how many parts they sent, and so many are there.
static void listen(int members, struct heard *heard)
{
    struct arrays arrays = {0};
    int64_t expected = 0;
    unsigned idle = 0;
    for (int told = 0; told < members || arrays.received < expected;) {
        struct array whole;
        bool array, note;
        MPI_Status status;
        TOGETHER(mpi_probe(ranks.comm, MPI_ANY_SOURCE, NOTE, &note, &status));
        if (note) {
            int64_t sent;
            TOGETHER(mpi_receive(&sent, sizeof sent, status.MPI_SOURCE, NOTE, ranks.comm));
            expected += sent;
            told++;
        }
        TOGETHER(mpi_probe(ranks.comm, MPI_ANY_SOURCE, MESSAGE_ARRAY, &array, &status));
        if (array) {
            struct array_part part;
            float *values;
            TOGETHER(arrays_receive(ranks.comm, status.MPI_SOURCE, &part, &values));
            TOGETHER(arrays_add(&arrays, IMAGE, &part, values, &whole));
            if (whole.values)
                keep(heard, &whole);
        }
        if (array || note)
            idle = 0;
        else
            mpi_idle(&idle);
    }
    CU_ASSERT_PTR_NULL(arrays.first);
}

// Frames are numbered in order; the step says which one shows the image before it.
static void check_step(const struct step_row *step, void *context)
{
    int *steps = context;
    CU_ASSERT_EQUAL(step->frame, *steps);
    ++*steps;
}

static void dream(const int32_t *members, int count, const float *picture)
{
    struct team *team;
    struct outbox outbox = {.comm = ranks.comm};
    struct slab rgb;
    struct image_outcome outcome;
    int steps = 0;
    TOGETHER(team_create(&team, ranks.comm, members, count, &ranks.timing));
    ranks_cut_out(&rgb, team, picture, WIDTH, HEIGHT);
    struct image_job job = shallow_job(&shallow, team);
    job.outbox = &outbox;
    job.step = check_step;
    job.context = &steps;
    TOGETHER(dream_image(&job, &rgb, &outcome));
    CU_ASSERT_EQUAL(steps, team->rank == 0 ? STEPS : 0);
    TOGETHER(outbox_flush(&outbox));
    TOGETHER(mpi_send(&outbox.sent, sizeof outbox.sent, COORDINATOR_RANK, NOTE, ranks.comm));
    slab_destroy(&rgb);
    team_destroy(&team);
}

static bool same(const struct array *a, const struct array *b)
{
    const struct array_part *p = &a->part, *q = &b->part;
    return a->values && b->values && p->octave == q->octave && p->step == q->step && p->channels == q->channels && p->height == q->height &&
           p->width == q->width && memcmp(&p->grid, &q->grid, sizeof p->grid) == 0 && memcmp(p->facts, q->facts, sizeof p->facts) == 0 &&
           memcmp(a->values, b->values, naive_count(p->channels, p->height, p->width) * sizeof(float)) == 0;
}

static void check_same(const struct heard *by_one, const struct heard *by_team)
{
    for (int i = 0; i < FRAMES; i++) {
        CU_ASSERT(same(&by_one->arrays[ARRAY_FRAME][i], &by_team->arrays[ARRAY_FRAME][i]));
        CU_ASSERT(same(&by_one->arrays[ARRAY_HEAT][i], &by_team->arrays[ARRAY_HEAT][i]));
    }
    for (int t = 0; t < 2; t++)
        CU_ASSERT(same(&by_one->arrays[ARRAY_IMPORTANCE][t], &by_team->arrays[ARRAY_IMPORTANCE][t]));
    CU_ASSERT_PTR_NULL(by_team->arrays[ARRAY_IMPORTANCE][2].values);
}

static void check_frames(const struct heard *heard, bool detail, int most_width, int most_height)
{
    for (int i = 0; i < FRAMES; i++) {
        const struct array *frame = &heard->arrays[ARRAY_FRAME][i], *heat = &heard->arrays[ARRAY_HEAT][i];
        const int octave = i < STEPS ? i / 2 : 1, step = i < STEPS ? i % 2 : 2;
        CU_ASSERT_FATAL(frame->values && heat->values);
        CU_ASSERT(frame->part.octave == octave && frame->part.step == step && heat->part.octave == octave && heat->part.step == step);
        CU_ASSERT(frame->part.channels == 3 && frame->part.width <= most_width && frame->part.height <= most_height);
        CU_ASSERT(heat->part.grid.width == heat->part.width && heat->part.grid.octave_width == (octave ? WIDTH : 101));
        CU_ASSERT(heat->part.facts[0] > 0);
        double most = 0;
        for (size_t k = 0; k < naive_count(3, frame->part.height, frame->part.width); k++)
            most = fmax(most, fabsf(frame->values[k]));
        if (!detail)
            CU_ASSERT(most > 0.9) // the picture itself
        else
            CU_ASSERT(i == 0 ? most == 0 : most > 0 && most < 0.5) // what has been dreamed
    }
}

static void check(const char *max_side, bool detail, int most_width, int most_height)
{
    const char *const settings[] = {"octaves.count=2", "octaves.scale=1.3", "steps=2", "jitter=20", "frames.every=1", max_side, NULL};
    const int count = ranks.size - 1;
    int32_t *members = calloc((size_t)count, sizeof *members);
    float *picture = wavy_picture(WIDTH, HEIGHT);
    shallow_create(&shallow, settings);
    shallow.config.octaves.detail = detail;
    for (int m = 0; m < count; m++)
        members[m] = m + 1;
    if (ranks.rank == 0) {
        struct heard by_one = {0}, by_team = {0};
        listen(1, &by_one);
        check_frames(&by_one, detail, most_width, most_height);
        TOGETHER(mpi_check(MPI_Barrier(ranks.comm), "barrier"));
        listen(count, &by_team);
        check_same(&by_one, &by_team);
        forget(&by_one);
        forget(&by_team);
    } else {
        if (ranks.rank == 1)
            dream(&(int32_t){1}, 1, picture);
        TOGETHER(mpi_check(MPI_Barrier(ranks.comm), "barrier"));
        dream(members, count, picture);
    }
    TOGETHER(mpi_check(MPI_Barrier(ranks.comm), "barrier")); // who is done early must not talk to who still listens to the others
    free(members);
    free(picture);
    tear_down(&shallow);
}

static void test_small_videos(void)
{
    if (ranks.size > 1) // nobody would listen
        check("video.max_side=96", true, 84, 96);
}

static void test_full_size(void)
{
    if (ranks.size > 1)
        check("video.max_side=1920", false, WIDTH, HEIGHT);
}

static const struct unit_test tests[] = {
    {"videos smaller than the picture", test_small_videos},
    {"as large as octaves", test_full_size},
};
RANKS_MAIN("frames", tests)
