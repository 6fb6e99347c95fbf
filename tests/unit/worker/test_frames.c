// SPDX-License-Identifier: MIT
// Which steps have a frame, and how many came before a step, counted one by one; what a team sends is tests/mpi/test_frames.
#include "worker/ascent/frames.h"

#include "naive.h"

static struct frames frames_of(struct config *config, struct objective *objective, struct image_job *job)
{
    struct frames frames;
    *objective = (struct objective){.config = config};
    job->objective = objective;
    frames_init(&frames, job, 640, 427);
    return frames;
}

static void test_steps(void)
{
    struct config config;
    struct objective objective;
    struct outbox outbox = {.comm = MPI_COMM_NULL};
    struct image_job job = {.outbox = &outbox};
    config_init(&config);
    config.frames.cam = false;
    config.frames.dream = true;
    for (config.frames.every = 1; config.frames.every <= 5; config.frames.every++) {
        struct frames frames = frames_of(&config, &objective, &job);
        for (int step = 0, due = 0; step < 20; step++) {
            CU_ASSERT_EQUAL(frames_are_due(&frames, step), step % config.frames.every == 0);
            frames_skip(&frames, step);
            CU_ASSERT_EQUAL(frames.count, due);
            due += frames_are_due(&frames, step);
        }
    }
}

// Neither without anything to show nor with nobody to show it to.
static void test_none(void)
{
    struct config config;
    struct objective objective;
    struct outbox outbox = {.comm = MPI_COMM_NULL};
    config_init(&config);
    for (int wanted = 0; wanted < 8; wanted++) {
        struct image_job job = {.outbox = wanted & 1 ? &outbox : NULL};
        config.frames.cam = wanted & 2;
        config.frames.dream = wanted & 4;
        config.video.max_side = 320;
        const struct frames frames = frames_of(&config, &objective, &job);
        CU_ASSERT_EQUAL(frames_are_on(&frames), wanted & 1 && wanted > 1);
        CU_ASSERT_EQUAL(frames_are_due(&frames, 0), frames_are_on(&frames));
        CU_ASSERT(frames.video_width == 320 && frames.video_height == 212);
    }
}

static const struct unit_test tests[] = {
    {"steps that have one", test_steps},
    {"none", test_none},
};
UNIT_MAIN("frames", tests)
