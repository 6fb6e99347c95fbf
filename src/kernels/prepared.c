// SPDX-License-Identifier: MIT
#include "kernels/prepared.h"

#include <stdlib.h>

#include "kernels/weights.h"

struct entry {
    struct entry *next;
    bool flip;
    struct dnn_weights *weights;
};

struct prepared {
    const struct network *network;
    const float *plain;
    struct entry **entries; // [conv_count] lists; one layout a direction as a rule
};

enum status prepared_create(struct prepared **prepared, const struct network *network, const float *weights)
{
    struct prepared *p = *prepared = calloc(1, sizeof *p);
    if (p)
        p->entries = calloc((size_t)network->conv_count, sizeof *p->entries);
    if (!p || !p->entries) {
        free(p);
        *prepared = NULL;
        return fail(STATUS_LIMIT, "no memory for weights");
    }
    p->network = network;
    p->plain = weights;
    return STATUS_OK;
}

void prepared_destroy(struct prepared **prepared)
{
    struct prepared *p = *prepared;
    if (!p)
        return;
    for (int i = 0; i < p->network->conv_count; i++)
        for (struct entry *e = p->entries[i], *next; e; e = next) {
            next = e->next;
            dnn_weights_destroy(&e->weights);
            free(e);
        }
    free(p->entries);
    free(p);
    *prepared = NULL;
}

enum status prepared_get(struct prepared *p, int conv, const struct dnn_primitive *primitive, bool flip, const struct dnn_weights **weights)
{
    for (struct entry *e = p->entries[conv]; e; e = e->next)
        if (e->flip == flip && dnn_weights_fit(e->weights, primitive)) {
            *weights = e->weights;
            return STATUS_OK;
        }
    struct entry *e = calloc(1, sizeof *e);
    if (!e)
        return fail(STATUS_LIMIT, "no memory for weights");
    enum status rc = dnn_weights_create(&e->weights, primitive, weights_kernel(p->network, p->plain, conv), flip);
    if (rc != STATUS_OK) {
        free(e);
        return rc;
    }
    e->flip = flip;
    e->next = p->entries[conv];
    p->entries[conv] = e;
    *weights = e->weights;
    return STATUS_OK;
}

const float *prepared_bias(const struct prepared *p, int conv)
{
    return weights_bias(p->network, p->plain, conv);
}

size_t prepared_bytes(const struct prepared *p)
{
    size_t bytes = 0;
    for (int i = 0; i < p->network->conv_count; i++)
        for (const struct entry *e = p->entries[i]; e; e = e->next)
            bytes += dnn_weights_bytes(e->weights);
    return bytes;
}
