// SPDX-License-Identifier: MIT
#include "coordinator/intake/known_images.h"

#include <stdlib.h>
#include <string.h>

// FNV-1a
uint64_t known_images_hash(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

static int32_t *head_of(const struct known_images *known, const char *source)
{
    return &known->heads[known_images_hash(source) & (known->slots - 1)];
}

enum status known_images_create(struct known_images *known, struct known_image *items, size_t count)
{
    *known = (struct known_images){.items = items, .count = count, .slots = 1};
    if (count >= INT32_MAX) {
        known_images_destroy(known);
        return fail(STATUS_LIMIT, "%zu images are more than one run can have", count);
    }
    while (known->slots < 2 * count)
        known->slots *= 2;
    const enum status rc = ALLOCATE(known->heads, known->slots, "for %zu images", count);
    if (rc != STATUS_OK) {
        known_images_destroy(known);
        return rc;
    }
    memset(known->heads, 0xff, known->slots * sizeof *known->heads); // -1
    for (size_t i = count; i-- > 0;) {                               // so that the least id comes first
        int32_t *head = head_of(known, items[i].source);
        items[i].next = *head;
        *head = (int32_t)i;
    }
    return STATUS_OK;
}

void known_images_destroy(struct known_images *known)
{
    free(known->items);
    free(known->heads);
    *known = (struct known_images){0};
}

struct known_image *known_images_take(struct known_images *known, const char *source)
{
    int32_t i = known->count ? *head_of(known, source) : -1;
    while (i >= 0 && (known->items[i].taken || known->items[i].left_out || strcmp(known->items[i].source, source) != 0))
        i = known->items[i].next;
    if (i < 0)
        return NULL;
    known->items[i].taken = true;
    return &known->items[i];
}

void known_images_rewind(struct known_images *known)
{
    for (size_t i = 0; i < known->count; i++)
        known->items[i].taken = false;
}

static int by_id(const void *id, const void *item)
{
    const int64_t wanted = *(const int64_t *)id, found = ((const struct known_image *)item)->id;
    return (wanted > found) - (wanted < found);
}

struct known_image *known_images_find(const struct known_images *known, int64_t id)
{
    return known->count ? bsearch(&id, known->items, known->count, sizeof *known->items, by_id) : NULL;
}
