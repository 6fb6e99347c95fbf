// SPDX-License-Identifier: MIT
// sequence [--steps N] [--keep X] [--haste X] [--frames N] [--flow PIXELS] CLIP OUT.mp4 [KEY=VALUE]...
// A clip dreamed frame by frame from the one before, by one process: what docs/motion.md measures with. Prints a line a frame, and the mean
// loss and warp errors over all frames behind the first. --keep 0 with the configuration's steps is each frame by itself.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/tile_rules.h"
#include "kernels/network/parameters.h"
#include "media/picture/codec.h"
#include "media/video/video.h"
#include "media/video/video_reader.h"
#include "weights/model_fetch.h"
#include "weights/weights.h"
#include "worker/ascent/sequence.h"

static void need(enum status rc)
{
    if (rc == STATUS_OK)
        return;
    fprintf(stderr, "sequence: %s\n", status_message());
    exit(1);
}

struct setup {
    struct config config;
    struct objective objective;
    struct tile_plan plan;
    struct timing timing;
    struct image_job job;
    struct sequence_rule rule;
    int frames; // at most
    const char *clip, *out;
};

struct means {
    double loss, error, original, seconds;
    int count;
};

static bool never(void *context)
{
    (void)context;
    return false;
}

static void read_arguments(struct setup *s, int argc, char **argv)
{
    s->rule = (struct sequence_rule){.steps = 5, .keep = 0.75, .haste = 1, .flow_pixels = 1 << 19};
    s->frames = INT32_MAX;
    config_init(&s->config);
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--steps") == 0)
            s->rule.steps = atoi(value), i++;
        else if (strcmp(argv[i], "--keep") == 0)
            s->rule.keep = atof(value), i++;
        else if (strcmp(argv[i], "--haste") == 0)
            s->rule.haste = atof(value), i++;
        else if (strcmp(argv[i], "--frames") == 0)
            s->frames = atoi(value), i++;
        else if (strcmp(argv[i], "--flow") == 0)
            s->rule.flow_pixels = atoi(value), i++;
        else if (!s->clip)
            s->clip = argv[i];
        else if (!s->out)
            s->out = argv[i];
        else
            need(config_set(&s->config, argv[i]));
    }
    if (!s->out)
        need(fail(STATUS_USAGE, "a clip and a name for its dream are wanted"));
}

static void set_up(struct setup *s)
{
    char model[FILE_PATH_MAX];
    struct weights_info info;
    float *weights = malloc(parameters_count(network_inception_v3()) * sizeof *weights);
    need(tile_rules_resolve(&s->config, UINT64_MAX, &s->plan));
    need(model_default_path(model));
    need(weights_read(model, network_inception_v3(), weights, &info));
    need(objective_init(&s->objective, &s->config, weights, info.classes));
    s->job = (struct image_job){.objective = &s->objective, .rules = &s->plan.rules, .picture = 7, .stop = never};
    need(engine_create(&s->job.engine, &s->objective, weights, NULL));
    need(team_create(&s->job.team, MPI_COMM_NULL, &(int32_t){0}, 1, &s->timing));
}

static void dream_frame(struct sequence *sequence, struct image *image, int number, struct means *means)
{
    struct slab rows = {.width = image->width, .height = image->height, .rows = {0, image->height}, .data = image->rgb};
    struct frame_facts f;
    struct image_outcome outcome;
    need(sequence_next(sequence, &rows, NULL, &f, &outcome));
    image->rgb = rows.data;
    printf("frame %3d: loss %.5g, trust %.3f%s, warp error %.3f (of the clip %.3f), %.1f s\n", number, outcome.after.loss, f.trust,
           f.cut ? ", cut" : "", f.warp_error, f.warp_error_input, outcome.seconds);
    fflush(stdout);
    means->loss += number > 0 ? outcome.after.loss : 0;
    means->seconds += outcome.seconds;
    if (!isfinite(f.warp_error))
        return;
    means->error += f.warp_error;
    means->original += f.warp_error_input;
    means->count++;
}

int main(int argc, char **argv)
{
    static struct setup s;
    const struct image_limits limits = {.side = 4096, .pixels = 1 << 24};
    struct video_reader *reader;
    struct sequence *sequence;
    struct video *video;
    struct means means = {0};
    bool there = true;
    int number = 0;
    read_arguments(&s, argc, argv);
    set_up(&s);
    need(video_reader_open(&reader, s.clip, &limits));
    const struct video_form form = video_reader_facts(reader)->form;
    const size_t plane = (size_t)form.width * (size_t)form.height;
    uint8_t *bytes = malloc(3 * plane);
    need(sequence_create(&sequence, &s.job, &s.rule, form.width, form.height));
    need(video_create(&video, &(struct video_options){.path = s.out,
                                                      .width = form.width,
                                                      .height = form.height,
                                                      .rate = (double)form.rate[0] / form.rate[1],
                                                      .quality = 10,
                                                      .encoder = "auto"}));
    for (; number < s.frames; number++) {
        struct image image = {0};
        int64_t time;
        need(video_reader_next(reader, &image, &time, &there));
        if (!there)
            break;
        dream_frame(sequence, &image, number, &means);
        codec_to_bytes(image.rgb, plane, bytes);
        need(video_add(video, bytes));
        image_destroy(&image);
    }
    need(video_finish(&video));
    printf("steps %d, keep %.2f: mean loss %.5g, warp error %.3f, of the clip %.3f, %.1f s a frame\n", s.rule.steps, s.rule.keep,
           means.loss / (number - 1), means.error / means.count, means.original / means.count, means.seconds / number);
    sequence_destroy(&sequence);
    video_reader_close(&reader);
    free(bytes);
    return 0;
}
