// SPDX-License-Identifier: MIT
#include "kernels/convolution/weight_cache.h"

#include <stdlib.h>
#include <string.h>

#include "common/system/huge_pages.h"
#include "kernels/convolution/panels.h"
#include "kernels/network/arena.h"
#include "kernels/network/parameters.h"

// Panels are carved from large pieces of memory, which get huge pages where each alone would not: a step reads some 100 MB of them.
struct piece {
    struct piece *next;
    char *memory;
    size_t size, used;
};

struct entry {
    struct entry *next;
    struct weight_key key;
    float *panels;                  // ours, in a piece, or
    struct onednn_weights *weights; // oneDNN's
};

struct weight_cache {
    const struct network *network;
    const float *plain;
    struct entry *entries;
    struct piece *pieces; // the one with room first
};

enum { PIECE_BYTES = 32 << 20 };

static enum status carve(struct weight_cache *cache, size_t bytes, float **memory)
{
    bytes = arena_aligned(bytes);
    if (!cache->pieces || cache->pieces->size - cache->pieces->used < bytes) {
        struct piece *piece;
        TRY(ALLOCATE(piece, 1, "for weights"));
        piece->next = cache->pieces;
        piece->size = bytes > PIECE_BYTES ? bytes : PIECE_BYTES;
        piece->memory = huge_pages_alloc(piece->size);
        if (!piece->memory) {
            free(piece);
            return no_memory("for weights");
        }
        cache->pieces = piece;
    }
    *memory = (float *)(void *)(cache->pieces->memory + cache->pieces->used);
    cache->pieces->used += bytes;
    return STATUS_OK;
}

enum status weight_cache_create(struct weight_cache **cache, const struct network *network, const float *weights)
{
    TRY(ALLOCATE(*cache, 1, "for weights"));
    struct weight_cache *c = *cache;
    c->network = network;
    c->plain = weights;
    return STATUS_OK;
}

void weight_cache_destroy(struct weight_cache **cache)
{
    struct weight_cache *c = *cache;
    if (!c)
        return;
    for (struct entry *e = c->entries, *next; e; e = next) {
        next = e->next;
        onednn_weights_destroy(&e->weights);
        free(e);
    }
    for (struct piece *piece = c->pieces, *next; piece; piece = next) {
        next = piece->next;
        free(piece->memory);
        free(piece);
    }
    free(c);
    *cache = NULL;
}

static bool same_key(const struct weight_key *a, const struct weight_key *b)
{
    return a->part_count == b->part_count && a->backward == b->backward && a->winograd == b->winograd && a->pairs == b->pairs &&
           a->taps == b->taps && memcmp(a->parts, b->parts, (size_t)a->part_count * sizeof a->parts[0]) == 0;
}

static enum status add_entry(struct weight_cache *cache, const struct weight_key *key, struct entry **entry)
{
    TRY(ALLOCATE(*entry, 1, "for weights"));
    struct entry *e = *entry;
    e->key = *key;
    e->next = cache->entries;
    cache->entries = e;
    return STATUS_OK;
}

// The weights of all parts as one array (out, in, kernel_h, kernel_w) of the operation that is to be done: *all, malloc'ed, in *source too.
// `turn`: backward turned by half a turn.
static enum status gather(const struct weight_cache *cache, const struct weight_key *key, bool turn, struct panels_source *source,
                          float **all)
{
    const struct layer *first = network_conv(cache->network, key->parts[0]);
    const int in = cache->network->layers[first->inputs[0]].channels, taps = first->kernel_h * first->kernel_w;
    int out = 0, done = 0;
    for (int k = 0; k < key->part_count; k++)
        out += network_conv(cache->network, key->parts[k])->channels;
    TRY(ALLOCATE(*all, (size_t)out * (size_t)in * (size_t)taps, "for weights"));
    for (int k = 0; k < key->part_count; k++) {
        const float *kernel = parameters_kernel(cache->network, cache->plain, key->parts[k]);
        const int channels = network_conv(cache->network, key->parts[k])->channels;
        if (!key->backward)
            memcpy(*all + (size_t)done * in * taps, kernel, (size_t)channels * in * taps * sizeof **all);
        for (int o = 0; key->backward && o < channels; o++)
            for (int i = 0; i < in; i++)
                for (int t = 0; t < taps; t++)
                    (*all)[((size_t)i * out + done + o) * taps + (turn ? taps - 1 - t : t)] = kernel[((size_t)o * in + i) * taps + t];
        done += channels;
    }
    *source = (struct panels_source){.weights = *all,
                                     .out = key->backward ? in : out,
                                     .in = key->backward ? out : in,
                                     .kernel_h = first->kernel_h,
                                     .kernel_w = first->kernel_w};
    return STATUS_OK;
}

// Leaves some taps of a 3 x 3 kernel only, in place.
static void choose_taps(float *weights, struct panels_source *source, enum kernel_taps taps)
{
    const int y0 = taps == TAPS_ODD_EVEN || taps == TAPS_ODD_ODD, x0 = taps == TAPS_EVEN_ODD || taps == TAPS_ODD_ODD;
    float *to = weights;
    if (taps == TAPS_ALL)
        return;
    for (size_t k = 0; k < (size_t)source->out * (size_t)source->in; k++)
        for (int y = y0; y < 3; y += 2)
            for (int x = x0; x < 3; x += 2)
                *to++ = weights[9 * k + (size_t)(3 * y + x)]; // never behind what is read
    source->kernel_h = 2 - y0;
    source->kernel_w = 2 - x0;
}

static enum status make_panels(struct weight_cache *cache, const struct weight_key *key, const struct panels_source *source)
{
    const int lanes = onednn_block();
    struct entry *e;
    TRY(add_entry(cache, key, &e));
    TRY(carve(cache, key->winograd ? panels_winograd_bytes(source, key->winograd) : panels_direct_bytes(source, lanes, key->pairs),
              &e->panels));
    if (key->winograd) {
        panels_winograd(source, key->winograd, lanes, e->panels);
    } else {
        // Neither the padding nor the size decides which weights a phase has.
        struct simd_phase phases[SIMD_PHASES_MAX];
        const int stride = key->taps == TAPS_ALL ? network_conv(cache->network, key->parts[0])->stride : 1;
        const int count = panels_phases(phases, source->kernel_h, source->kernel_w, stride, 0, 0, key->backward, 2, 2);
        panels_direct(source, phases, count, lanes, key->pairs, e->panels);
    }
    return STATUS_OK;
}

enum status weight_cache_panels(struct weight_cache *cache, const struct weight_key *key, const float **panels)
{
    for (const struct entry *e = cache->entries; e; e = e->next)
        if (e->panels && same_key(&e->key, key)) {
            *panels = e->panels;
            return STATUS_OK;
        }
    struct panels_source source;
    float *plain;
    TRY(gather(cache, key, key->winograd > 0, &source, &plain));
    choose_taps(plain, &source, key->taps);
    const enum status rc = make_panels(cache, key, &source);
    *panels = rc == STATUS_OK ? cache->entries->panels : NULL;
    free(plain);
    return rc;
}

enum status weight_cache_onednn(struct weight_cache *cache, const struct weight_key *key, const struct onednn_primitive *primitive,
                                const struct onednn_weights **weights)
{
    struct entry *e = cache->entries;
    while (e && !(e->weights && same_key(&e->key, key) && onednn_weights_fit(e->weights, primitive)))
        e = e->next;
    if (!e) {
        struct panels_source source;
        float *plain;
        TRY(add_entry(cache, key, &e));
        TRY(gather(cache, key, true, &source, &plain));
        const enum status rc = onednn_weights_create(&e->weights, primitive, plain);
        free(plain);
        TRY(rc);
    }
    *weights = e->weights;
    return STATUS_OK;
}

const float *weight_cache_bias(const struct weight_cache *cache, int conv)
{
    return parameters_bias(cache->network, cache->plain, conv);
}

bool weight_cache_count_padding(const struct weight_cache *cache)
{
    return parameters_count_padding(cache->network, cache->plain);
}
