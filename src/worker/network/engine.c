// SPDX-License-Identifier: MIT
#include "worker/network/engine.h"

#include <stdlib.h>

#include "common/system/huge_pages.h"
#include "kernels/simd/simd.h"

// Octaves of one image, and of the next, which often has the same size.
enum { EXECUTORS_MAX = 16 };

struct engine {
    const struct network *network;
    struct weight_cache *cache;
    struct plan plan;
    const struct objective *objective;
    void *memory;
    size_t bytes;
    struct slot {
        struct executor *executor;
        int width, height;
        unsigned long used; // when last asked for
    } slots[EXECUTORS_MAX];
    unsigned long now;
};

enum status engine_create(struct engine **engine, const struct objective *objective, const float *weights, const struct plan *plan)
{
    enum status rc;
    TRY(ALLOCATE(*engine, 1, "for the network"));
    struct engine *e = *engine;
    e->network = network_inception_v3();
    e->objective = objective;
    if (plan)
        e->plan = *plan; // otherwise the fixed one
    rc = weight_cache_create(&e->cache, e->network, weights);
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
    weight_cache_destroy(&e->cache);
    free(e->memory);
    free(e);
    *engine = NULL;
}

void engine_rest(struct engine *e)
{
    free(e->memory);
    e->memory = NULL;
    e->bytes = 0;
}

static enum status grow(struct engine *e, size_t bytes)
{
    if (bytes <= e->bytes)
        return STATUS_OK;
    engine_rest(e); // nothing in it outlives a backward pass
    e->memory = huge_pages_alloc(bytes);
    if (!e->memory)
        return no_memory("for the network's activations (%zu MiB)", bytes >> 20);
    e->bytes = bytes;
    return STATUS_OK;
}

enum status engine_executor(struct engine *e, int width, int height, struct executor **executor)
{
    struct slot *slot = &e->slots[0];
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
                                                                        .cache = e->cache,
                                                                        .plan = &e->plan,
                                                                        .width = width,
                                                                        .height = height,
                                                                        .target_count = e->objective->count,
                                                                        .targets = e->objective->rows}));
        slot->width = width;
        slot->height = height;
    }
    slot->used = ++e->now;
    TRY(grow(e, executor_bytes(slot->executor)));
    TRY(executor_bind(slot->executor, e->memory));
    *executor = slot->executor;
    return STATUS_OK;
}

bool engine_bf16(const struct config *config)
{
    return config->precision == PRECISION_BF16 || (config->precision == PRECISION_AUTO && simd_here()->bf16_products);
}

enum status engine_estimate(const struct objective *objective, int width, int height, bool bf16, size_t *bytes)
{
    const struct network *network = network_inception_v3();
    struct plan plan = {.bf16 = bf16};
    return executor_estimate(&(struct executor_options){.network = network,
                                                        .plan = &plan,
                                                        .width = width,
                                                        .height = height,
                                                        .target_count = objective->count,
                                                        .targets = objective->rows},
                             bytes);
}
