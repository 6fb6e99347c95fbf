// SPDX-License-Identifier: MIT
#include "weights/formats/torch_file.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/text.h"
#include "weights/formats/pickle.h"

// A pickle of the number 0x1950a86a20f9469cfc6c.
static const unsigned char legacy_magic[] = {0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

static const char little[] = "little"; // what PyTorch 2 writes into byteorder

// Each tensor's bytes in the entries data/<key>.
static enum status join(const struct pickle_tensors *from, const struct zip_file *zip, struct stored_tensors *tensors)
{
    TRY(ALLOCATE(tensors->items, from->count + 1, "for %zu tensors", from->count));
    for (size_t i = 0; i < from->count; i++) {
        const struct pickle_tensor *own = &from->items[i];
        struct stored_tensor *tensor = &tensors->items[tensors->count++];
        char name[80];
        *tensor = own->tensor;
        text_make_printable(tensor->name);
        if (stored_tensors_find(tensors, tensor->name) != tensor)
            return fail(STATUS_FORMAT, "it has two tensors %s", tensor->name);
        snprintf(name, sizeof name, "data/%s", own->storage);
        const struct zip_entry *entry;
        TRY(zip_file_find(zip, name, &entry));
        if (!entry)
            return fail(STATUS_FORMAT, "%s: its values, %s, are not in the file", tensor->name, name);
        if (entry->size != own->storage_bytes)
            return fail(STATUS_FORMAT, "%s: %s has %zu bytes, the pickle says %llu", tensor->name, name, entry->size,
                        (unsigned long long)own->storage_bytes);
        if (tensor->type == STORED_OTHER || tensor->rank < 0)
            continue;
        TRY(stored_tensor_check(tensor, own->first, entry->size));
        tensor->bytes = entry->bytes + own->first * stored_type_size(tensor->type);
    }
    return STATUS_OK;
}

enum status torch_zip_read(const struct zip_file *zip, struct stored_tensors *tensors)
{
    const struct zip_entry *pickle, *order;
    struct pickle_tensors found;
    size_t used;
    *tensors = (struct stored_tensors){0};
    TRY(zip_file_find(zip, "data.pkl", &pickle));
    TRY(zip_file_find(zip, "byteorder", &order));
    if (!pickle)
        return fail(STATUS_FORMAT, "a zip file, but neither PyTorch's (no data.pkl) nor Keras's (no model.weights.h5)");
    if (order && (order->size != strlen(little) || memcmp(order->bytes, little, order->size) != 0))
        return fail(STATUS_UNSUPPORTED, "it was saved on a big-endian machine, or does not say on which: its byteorder is not '%s'",
                    little);
    enum status rc = pickle_read(pickle->bytes, pickle->size, PICKLE_TENSORS, &found, &used);
    if (rc == STATUS_OK)
        rc = join(&found, zip, tensors);
    tensors->classes = found.classes;
    found.classes = NULL;
    pickle_free(&found);
    return rc;
}

bool torch_legacy_begins(const unsigned char *bytes, size_t size)
{
    return size >= sizeof legacy_magic && memcmp(bytes, legacy_magic, sizeof legacy_magic) == 0;
}

static const struct pickle_tensor *tensor_of(const struct pickle_tensors *tensors, const char *storage)
{
    for (size_t i = 0; i < tensors->count; i++)
        if (strcmp(tensors->items[i].storage, storage) == 0)
            return &tensors->items[i];
    return NULL;
}

// Where each storage lies: behind its count of values.
static enum status find_storages(const unsigned char *bytes, size_t size, const struct pickle_tensors *keys,
                                 const struct pickle_tensors *found, struct zip_file *storages)
{
    TRY(ALLOCATE(storages->entries, keys->count + 1, "for %zu storages", keys->count));
    for (size_t at = 0; storages->count < keys->count;) {
        struct zip_entry *entry = &storages->entries[storages->count];
        const char *key = keys->items[storages->count++].storage;
        const struct pickle_tensor *own = tensor_of(found, key);
        uint64_t values;
        if (tensor_of(keys, key) != &keys->items[storages->count - 1])
            return fail(STATUS_FORMAT, "the values %.60s are listed twice", key);
        if (!own || own->storage_bytes == 0)
            return fail(STATUS_UNSUPPORTED, "the values %.60s are of no tensor in its state dict: save model.state_dict() alone", key);
        if (size - at < sizeof values || own->storage_bytes > size - at - sizeof values)
            return fail(STATUS_FORMAT, "the file is cut short: the values %.60s are not all there", key);
        memcpy(&values, bytes + at, sizeof values);
        if (le64toh(values) != own->storage_values)
            return fail(STATUS_FORMAT, "the values %.60s are %lld, the pickle says %llu", key, (long long)le64toh(values),
                        (unsigned long long)own->storage_values);
        snprintf(entry->name, sizeof entry->name, "data/%s", key);
        entry->bytes = (unsigned char *)bytes + at + sizeof values;
        entry->size = own->storage_bytes;
        at += sizeof values + own->storage_bytes;
    }
    return STATUS_OK;
}

enum status torch_legacy_read(const unsigned char *bytes, size_t size, struct stored_tensors *tensors)
{
    static const enum pickle_wanted wanted[] = {PICKLE_NOTHING, PICKLE_NOTHING, PICKLE_TENSORS, PICKLE_KEYS}; // behind the magic number
    struct pickle_tensors found[4] = {0};
    struct zip_file storages = {0}; // no zip, but names and bytes as there
    size_t at = sizeof legacy_magic, used;
    enum status rc;
    *tensors = (struct stored_tensors){0};
    for (int i = 0; i < 4; i++, at += used)
        TRY_OUT(pickle_read(bytes + at, size - at, wanted[i], &found[i], &used));
    TRY_OUT(find_storages(bytes + at, size - at, &found[3], &found[2], &storages));
    TRY_OUT(join(&found[2], &storages, tensors));
    tensors->classes = found[2].classes;
    found[2].classes = NULL;
out:
    for (int i = 0; i < 4; i++)
        pickle_free(&found[i]);
    free(storages.entries);
    return rc;
}
