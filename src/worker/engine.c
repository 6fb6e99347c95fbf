// SPDX-License-Identifier: MIT
#include "worker/engine.h"

#include <stdlib.h>

// Octaves of one image, and of the next, which often has the same size.
enum { EXECUTORS_MAX = 16 };

struct engine {
    const struct network *network;
    struct prepared *prepared;
    struct plan plan;
    int target_count;
    int targets[CONFIG_TARGETS_MAX];
    void *memory;
    size_t bytes;
    struct slot {
        struct executor *executor;
        int width, height;
        unsigned long used; // when last asked for
    } slots[EXECUTORS_MAX];
    unsigned long now;
};

static enum status find_targets(const struct config *config, const struct network *network, int targets[CONFIG_TARGETS_MAX])
{
    for (int t = 0; t < config->targets.count; t++) {
        targets[t] = network_find(network, config->targets.items[t].layer);
        if (targets[t] <= 0)
            return fail(STATUS_USAGE, "targets: the network has no layer '%s'", config->targets.items[t].layer);
    }
    return STATUS_OK;
}

enum status engine_create(struct engine **engine, const struct config *config, const float *weights)
{
    enum status rc;
    struct engine *e = *engine = calloc(1, sizeof *e);
    if (!e)
        return fail(STATUS_LIMIT, "no memory for the network");
    e->network = network_inception_v3();
    e->target_count = config->targets.count;
    plan_fixed(&e->plan, e->network);
    TRY(find_targets(config, e->network, e->targets));
    rc = prepared_create(&e->prepared, e->network, weights);
out:
    if (rc != STATUS_OK)
        engine_destroy(engine);
    return rc;
}

void engine_destroy(struct engine **engine)
{
    struct engine *e = *engine;
    if (!e)
        return;
    for (int i = 0; i < EXECUTORS_MAX; i++)
        executor_destroy(&e->slots[i].executor);
    prepared_destroy(&e->prepared);
    free(e->memory);
    free(e);
    *engine = NULL;
}

static enum status grow(struct engine *e, size_t bytes)
{
    if (bytes <= e->bytes)
        return STATUS_OK;
    enum { PAGE = 4096 };
    free(e->memory); // nothing in it outlives a backward pass
    e->bytes = 0;
    e->memory = aligned_alloc(PAGE, (bytes + PAGE - 1) / PAGE * PAGE);
    if (!e->memory)
        return fail(STATUS_LIMIT, "no memory for the network's activations (%zu MiB)", bytes >> 20);
    e->bytes = bytes;
    return STATUS_OK;
}

enum status engine_executor(struct engine *e, int width, int height, struct executor **executor)
{
    struct slot *slot = &e->slots[0];
    enum status rc = STATUS_OK;
    for (int i = 0; i < EXECUTORS_MAX; i++) {
        if (e->slots[i].executor && e->slots[i].width == width && e->slots[i].height == height) {
            slot = &e->slots[i];
            break;
        }
        if (e->slots[i].used < slot->used) // empty ones were never used
            slot = &e->slots[i];
    }
    if (!slot->executor || slot->width != width || slot->height != height) {
        executor_destroy(&slot->executor);
        TRY(executor_create(&slot->executor, &(struct executor_options){.network = e->network,
                                                                        .prepared = e->prepared,
                                                                        .plan = &e->plan,
                                                                        .width = width,
                                                                        .height = height,
                                                                        .target_count = e->target_count,
                                                                        .targets = e->targets}));
        slot->width = width;
        slot->height = height;
    }
    slot->used = ++e->now;
    TRY(grow(e, executor_bytes(slot->executor)));
    TRY(executor_bind(slot->executor, e->memory));
    *executor = slot->executor;
out:
    return rc;
}

enum status engine_estimate(const struct config *config, int width, int height, size_t *bytes)
{
    const struct network *network = network_inception_v3();
    int targets[CONFIG_TARGETS_MAX];
    struct plan plan;
    enum status rc;
    plan_fixed(&plan, network);
    TRY(find_targets(config, network, targets));
    TRY(executor_estimate(
        &(struct executor_options){
            .network = network, .plan = &plan, .width = width, .height = height, .target_count = config->targets.count, .targets = targets},
        bytes));
    // The original, two octaves and the gradient, three planes each; resampling needs one more for a moment.
    *bytes += 5 * 3 * sizeof(float) * (size_t)width * (size_t)height;
out:
    return rc;
}
