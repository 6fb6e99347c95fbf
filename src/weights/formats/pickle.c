// SPDX-License-Identifier: MIT
#include "weights/formats/pickle.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weights/formats/pickle_names.h"

// A state dict of InceptionV3 has some 600 tensors, 20 values each; an optimiser's state beside it twice as many again.
enum { STACK_MAX = 8192, MEMO_MAX = 1 << 17, VALUES_MAX = 1 << 18, NOTHING_HELD = -1 };

enum kind { NOTHING, MARK_HERE, NONE, NUMBER, TEXT, TUPLE_OF, CONTAINER, GLOBAL_NAME, STORAGE_OF, TENSOR_OF };

struct value {
    enum kind kind;
    // TEXT: where in the bytes, and its length; TUPLE_OF: the first of `values`, and how many; the others: a number of theirs
    uint32_t at, count;
    int64_t number; // NUMBER
};

struct item {
    uint32_t owner; // number of the container
    bool named;     // `key` is a text: of a dict; otherwise of a list
    struct value key, value;
};

struct storage {
    enum stored_type type;
    struct value key;
    uint64_t values, bytes;
};

struct list {
    void *items;
    size_t count, room;
};

struct machine {
    const unsigned char *bytes;
    size_t size, at, opcode_at;
    char opcode[OPCODE_NAME_MAX]; // the name of the one at hand
    struct value stack[STACK_MAX];
    size_t depth;
    uint32_t containers;
    struct list memo, values, items, storages, tensors; // of value, value, item, storage, pickle_tensor
};

static enum status refuse(const struct machine *m, const char *why)
{
    return fail(STATUS_FORMAT, "the pickle's opcode %s at byte %zu %s", m->opcode, m->opcode_at, why);
}

// Room for one more of `size` bytes, zeroed.
static enum status add(struct list *list, size_t size, size_t most, void **item)
{
    if (list->count == most)
        return fail(STATUS_LIMIT, "the pickle has more than %zu values: no state dict of InceptionV3", most);
    if (list->count == list->room) {
        const size_t room = list->room ? 2 * list->room : 64;
        void *items = realloc(list->items, room * size);
        if (!items)
            return no_memory("for a pickle");
        list->items = items;
        list->room = room;
    }
    *item = (char *)list->items + list->count++ * size;
    memset(*item, 0, size);
    return STATUS_OK;
}

static enum status push(struct machine *m, struct value value)
{
    if (m->depth == STACK_MAX)
        return fail(STATUS_LIMIT, "the pickle nests deeper than %d values at byte %zu: no state dict does", STACK_MAX, m->opcode_at);
    m->stack[m->depth++] = value;
    return STATUS_OK;
}

// The topmost value, which must be of this kind.
static enum status pop(struct machine *m, enum kind kind, struct value *value)
{
    if (m->depth == 0 || m->stack[m->depth - 1].kind != kind)
        return refuse(m, "does not find on the stack what it needs");
    *value = m->stack[--m->depth];
    return STATUS_OK;
}

// How many values lie above the topmost mark.
static enum status above_mark(const struct machine *m, size_t *count)
{
    for (*count = 0; *count < m->depth; ++*count)
        if (m->stack[m->depth - 1 - *count].kind == MARK_HERE)
            return STATUS_OK;
    return refuse(m, "finds no mark on the stack");
}

// The next bytes of the pickle.
static enum status take(struct machine *m, size_t count, const unsigned char **bytes)
{
    if (count > m->size - m->at)
        return refuse(m, "is cut short");
    *bytes = m->bytes + m->at;
    m->at += count;
    return STATUS_OK;
}

// Little-endian, of 1, 2 or 4 bytes.
static enum status take_number(struct machine *m, size_t count, uint32_t *number)
{
    const unsigned char *bytes = NULL;
    TRY(take(m, count, &bytes));
    *number = 0;
    for (size_t i = 0; i < count; i++)
        *number |= (uint32_t)bytes[i] << 8 * i;
    return STATUS_OK;
}

static bool is_text(const struct machine *m, const struct value *value, const char *text)
{
    return value->kind == TEXT && value->count == strlen(text) && memcmp(m->bytes + value->at, text, value->count) == 0;
}

static enum status make_tuple(struct machine *m, size_t count)
{
    const struct value tuple = {TUPLE_OF, (uint32_t)m->values.count, (uint32_t)count, 0};
    if (count > m->depth)
        return refuse(m, "finds too few values on the stack");
    for (size_t i = m->depth - count; i < m->depth; i++) {
        void *room = NULL;
        if (m->stack[i].kind == MARK_HERE)
            return refuse(m, "finds a mark among its values");
        TRY(add(&m->values, sizeof(struct value), VALUES_MAX, &room));
        *(struct value *)room = m->stack[i];
    }
    m->depth -= count;
    return push(m, tuple);
}

static enum status put_memo(struct machine *m, uint32_t number)
{
    if (m->depth == 0 || m->stack[m->depth - 1].kind == MARK_HERE)
        return refuse(m, "finds nothing on the stack");
    if (number >= MEMO_MAX)
        return fail(STATUS_LIMIT, "the pickle remembers more than %d values: no state dict does", MEMO_MAX);
    while (m->memo.count <= number) {
        void *room = NULL;
        TRY(add(&m->memo, sizeof(struct value), MEMO_MAX, &room));
    }
    ((struct value *)m->memo.items)[number] = m->stack[m->depth - 1];
    return STATUS_OK;
}

static enum status get_memo(struct machine *m, uint32_t number)
{
    if (number >= m->memo.count || ((struct value *)m->memo.items)[number].kind == NOTHING)
        return refuse(m, "asks for a value that was never kept");
    return push(m, ((struct value *)m->memo.items)[number]);
}

// "module\nname\n"
static enum status push_global(struct machine *m)
{
    const char *text = (const char *)m->bytes + m->at, *end = (const char *)m->bytes + m->size;
    const char *middle = memchr(text, '\n', (size_t)(end - text)),
               *stop = middle ? memchr(middle + 1, '\n', (size_t)(end - middle - 1)) : NULL;
    char module[64], name[64];
    if (!stop)
        return refuse(m, "is cut short");
    m->at = (size_t)(stop + 1 - (const char *)m->bytes);
    snprintf(module, sizeof module, "%.*s", (int)(middle - text), text);
    snprintf(name, sizeof name, "%.*s", (int)(stop - middle - 1), middle + 1);
    for (uint32_t i = 0; i < sizeof pickle_globals / sizeof pickle_globals[0]; i++)
        if (strcmp(module, pickle_globals[i].module) == 0 && strcmp(name, pickle_globals[i].name) == 0)
            return push(m, (struct value){GLOBAL_NAME, i, 0, 0});
    pickle_show(module);
    pickle_show(name);
    return fail(
        STATUS_UNSUPPORTED,
        "the pickle asks for %s.%s (opcode GLOBAL at byte %zu); only tensors are read, and nothing was run: save model.state_dict()",
        module, name, m->opcode_at);
}

// ("storage", type, key, device, values): what torch.save() says of a tensor's values.
static enum status push_storage(struct machine *m)
{
    struct value tuple = {0};
    void *room = NULL;
    TRY(pop(m, TUPLE_OF, &tuple));
    const struct value *parts = (const struct value *)m->values.items + tuple.at;
    if (tuple.count < 5 || !is_text(m, &parts[0], "storage") || parts[1].kind != GLOBAL_NAME || parts[1].at < STORAGES ||
        parts[2].kind != TEXT || parts[4].kind != NUMBER || parts[4].number < 0 || parts[4].number > INT64_MAX / 8)
        return refuse(m, "names no storage of a tensor");
    const uint64_t values = (uint64_t)parts[4].number, size = (uint64_t)pickle_globals[parts[1].at].size;
    const struct storage storage = {pickle_globals[parts[1].at].type, parts[2], values, values * size};
    TRY(add(&m->storages, sizeof storage, STORED_TENSORS_MAX, &room));
    *(struct storage *)room = storage;
    return push(m, (struct value){STORAGE_OF, (uint32_t)(m->storages.count - 1), 0, 0});
}

// storage, first value, shape, strides, ...
static enum status push_tensor(struct machine *m, const struct value *arguments, uint32_t count)
{
    struct pickle_tensor tensor = {0};
    void *room = NULL;
    if (count < 4 || arguments[0].kind != STORAGE_OF || arguments[1].kind != NUMBER || arguments[1].number < 0 ||
        arguments[2].kind != TUPLE_OF || arguments[3].kind != TUPLE_OF || arguments[2].count != arguments[3].count)
        return refuse(m, "calls _rebuild_tensor_v2 with something else than a storage, its first value, shape and strides");
    const struct storage *storage = (const struct storage *)m->storages.items + arguments[0].at;
    const struct value *dims = (const struct value *)m->values.items + arguments[2].at;
    const struct value *strides = (const struct value *)m->values.items + arguments[3].at;
    const int rank = arguments[2].count <= STORED_RANK_MAX ? (int)arguments[2].count : -1;
    tensor.tensor.rank = rank;
    for (int i = 0; i < rank; i++) {
        if (dims[i].kind != NUMBER || dims[i].number < 0 || strides[i].kind != NUMBER || strides[i].number < 0)
            return refuse(m, "gives a tensor a shape that is no list of numbers");
        tensor.tensor.dims[i] = (uint64_t)dims[i].number;
        tensor.tensor.strides[i] = (uint64_t)strides[i].number;
    }
    if (!pickle_name(m->bytes + storage->key.at, storage->key.count, tensor.storage, sizeof tensor.storage))
        return refuse(m, "names a storage by more than 63 bytes, or with a NUL");
    tensor.tensor.type = storage->type;
    tensor.first = (uint64_t)arguments[1].number;
    tensor.storage_values = storage->values;
    tensor.storage_bytes = storage->bytes;
    TRY(add(&m->tensors, sizeof tensor, STORED_TENSORS_MAX, &room));
    *(struct pickle_tensor *)room = tensor;
    return push(m, (struct value){TENSOR_OF, (uint32_t)(m->tensors.count - 1), 0, 0});
}

static enum status call(struct machine *m)
{
    struct value tuple = {0}, what = {0};
    TRY(pop(m, TUPLE_OF, &tuple));
    TRY(pop(m, GLOBAL_NAME, &what));
    const struct value *arguments = (const struct value *)m->values.items + tuple.at;
    if (what.at == ORDERED_DICT && tuple.count == 0)
        return push(m, (struct value){CONTAINER, m->containers++, 0, 0});
    if (what.at == REBUILD_TENSOR)
        return push_tensor(m, arguments, tuple.count);
    if (what.at == REBUILD_PARAMETER && tuple.count > 0 && arguments[0].kind == TENSOR_OF)
        return push(m, arguments[0]);
    return refuse(m, "calls what is not called in a state dict");
}

// The last `count` values go into the container below them (and, `marked`, below a mark): pairs of a dict, or items of a list.
static enum status fill(struct machine *m, size_t count, bool marked, bool pairs)
{
    if (m->depth < count + marked + 1 || (pairs && count % 2 != 0))
        return refuse(m, "finds too few values on the stack");
    const size_t first = m->depth - count;
    const struct value owner = m->stack[first - marked - 1];
    if (owner.kind != CONTAINER)
        return refuse(m, "finds no list or dict on the stack");
    for (size_t i = first; i < m->depth; i += 1 + pairs) {
        void *room = NULL;
        const bool named = pairs && m->stack[i].kind == TEXT;
        if (pairs && !named)
            continue; // {0: ...}, as optimisers have
        TRY(add(&m->items, sizeof(struct item), VALUES_MAX, &room));
        *(struct item *)room = (struct item){owner.at, named, m->stack[i], m->stack[i + pairs]};
    }
    m->depth = first - marked;
    return STATUS_OK;
}

static enum status push_text(struct machine *m)
{
    const unsigned char *bytes = NULL;
    uint32_t length;
    TRY(take_number(m, 4, &length));
    const struct value text = {TEXT, (uint32_t)m->at, length, 0};
    TRY(take(m, length, &bytes));
    return push(m, text);
}

// Two's complement.
static enum status push_long(struct machine *m)
{
    const unsigned char *bytes = NULL;
    uint32_t count;
    uint64_t number = 0;
    TRY(take_number(m, 1, &count));
    TRY(take(m, count, &bytes));
    if (count > 8)
        return refuse(m, "holds a number of more than 8 bytes");
    for (uint32_t i = 0; i < 8; i++)
        number |= (uint64_t)(i < count ? bytes[i] : count > 0 && bytes[count - 1] >> 7 ? 0xff : 0) << 8 * i;
    return push(m, (struct value){NUMBER, 0, 0, (int64_t)number});
}

static enum status run_memo(struct machine *m, int code)
{
    const bool wide = code == 'r' || code == 'j';
    uint32_t number;
    TRY(take_number(m, wide ? 4 : 1, &number));
    return code == 'q' || code == 'r' ? put_memo(m, number) : get_memo(m, number);
}

static enum status run_number(struct machine *m, int code)
{
    uint32_t number = 0;
    if (code == 'J' || code == 'K' || code == 'M')
        TRY(take_number(m, code == 'J' ? 4 : code == 'M' ? 2 : 1, &number));
    return push(m, (struct value){NUMBER, 0, 0, code == 'J' ? (int32_t)number : code == 0x88 ? 1 : (int64_t)number});
}

// What works on all above the topmost mark.
static enum status run_marked(struct machine *m, int code)
{
    size_t count;
    TRY(above_mark(m, &count));
    if (code != 't')
        return fill(m, count, true, code == 'u');
    TRY(make_tuple(m, count));
    m->stack[m->depth - 2] = m->stack[m->depth - 1]; // where the mark was
    m->depth--;
    return STATUS_OK;
}

static enum status run(struct machine *m, int code)
{
    const unsigned char *skipped = NULL;
    switch (code) {
    case 0x80: // PROTO
        return take(m, 1, &skipped);
    case 'G': // BINFLOAT
    case 'N':
        TRY(take(m, code == 'G' ? 8 : 0, &skipped));
        return push(m, (struct value){.kind = NONE});
    case '(':
        return push(m, (struct value){.kind = MARK_HERE});
    case '}':
    case ']':
        return push(m, (struct value){CONTAINER, m->containers++, 0, 0});
    case ')':
        return make_tuple(m, 0);
    case 0x85: // TUPLE1 to TUPLE3
    case 0x86:
    case 0x87:
        return make_tuple(m, (size_t)code - 0x84);
    case 't':
    case 'u':
    case 'e':
        return run_marked(m, code);
    case 's':
        return fill(m, 2, false, true);
    case 'a':
        return fill(m, 1, false, false);
    case 'X':
        return push_text(m);
    case 'J':
    case 'K':
    case 'M':
    case 0x88: // NEWTRUE, NEWFALSE
    case 0x89:
        return run_number(m, code);
    case 0x8a: // LONG1
        return push_long(m);
    case 'q':
    case 'r':
    case 'h':
    case 'j':
        return run_memo(m, code);
    case 'c':
        return push_global(m);
    case 'R':
        return call(m);
    case 'Q':
        return push_storage(m);
    case 'b': // BUILD: attributes of an OrderedDict, _metadata
        if (m->depth < 2 || m->stack[m->depth - 2].kind != CONTAINER || m->stack[m->depth - 1].kind == MARK_HERE)
            return refuse(m, "builds something else than a dict");
        m->depth--;
        return STATUS_OK;
    default:
        return fail(STATUS_UNSUPPORTED, "the pickle's opcode %s at byte %zu is none that a state dict needs; nothing was run", m->opcode,
                    m->opcode_at);
    }
}

// The number of the container that is, or first in it, a dict of tensors.
static int64_t find_holder(const struct machine *m, const struct value *top)
{
    const struct item *items = m->items.items;
    int64_t inner = NOTHING_HELD;
    for (size_t i = 0; i < m->items.count; i++)
        if (items[i].owner == top->at && items[i].named && items[i].value.kind == TENSOR_OF)
            return top->at;
    bool *has = calloc((size_t)m->containers + 1, sizeof *has);
    for (size_t i = 0; has && i < m->items.count; i++)
        has[items[i].owner] |= items[i].named && items[i].value.kind == TENSOR_OF;
    for (size_t i = 0; has && i < m->items.count && inner == NOTHING_HELD; i++)
        if (items[i].owner == top->at && items[i].value.kind == CONTAINER && has[items[i].value.at])
            inner = items[i].value.at;
    free(has);
    return inner;
}

static enum status collect_classes(const struct machine *m, const struct value *top, struct pickle_tensors *out)
{
    const struct item *items = m->items.items;
    int64_t list = NOTHING_HELD;
    for (size_t i = 0; i < m->items.count; i++)
        if (items[i].owner == top->at && items[i].value.kind == CONTAINER &&
            (is_text(m, &items[i].key, "classes") || is_text(m, &items[i].key, "class_names")))
            list = items[i].value.at;
    for (size_t i = 0; list != NOTHING_HELD && i < m->items.count; i++) {
        if (items[i].owner != (uint32_t)list || items[i].named || items[i].value.kind != TEXT)
            continue;
        if (!out->classes)
            TRY(ALLOCATE(out->classes, 1, "for names of classes"));
        TRY(class_names_add(out->classes, (const char *)m->bytes + items[i].value.at, items[i].value.count));
    }
    return STATUS_OK;
}

static enum status collect(const struct machine *m, struct pickle_tensors *out)
{
    const struct value *top = &m->stack[0];
    const int64_t holder = m->depth == 1 && top->kind == CONTAINER ? find_holder(m, top) : NOTHING_HELD;
    if (holder == NOTHING_HELD)
        return fail(STATUS_FORMAT, "the pickle holds no dict of tensors: save model.state_dict()");
    TRY(ALLOCATE(out->items, m->tensors.count, "for %zu tensors", m->tensors.count));
    for (size_t i = 0; i < m->items.count; i++) {
        const struct item *item = (const struct item *)m->items.items + i;
        if (item->owner != (uint32_t)holder || !item->named || item->value.kind != TENSOR_OF)
            continue;
        if (out->count == m->tensors.count)
            return fail(STATUS_FORMAT, "the pickle names tensors twice");
        struct pickle_tensor *tensor = &out->items[out->count++];
        *tensor = ((const struct pickle_tensor *)m->tensors.items)[item->value.at];
        if (!pickle_name(m->bytes + item->key.at, item->key.count, tensor->tensor.name, STORED_NAME_MAX))
            return fail(STATUS_FORMAT, "the pickle names a tensor by more than %d bytes, or with a NUL", STORED_NAME_MAX - 1);
    }
    return collect_classes(m, top, out);
}

static enum status collect_keys(const struct machine *m, struct pickle_tensors *out)
{
    TRY(ALLOCATE(out->items, PICKLE_KEYS_MAX, "for %d names", PICKLE_KEYS_MAX));
    if (m->depth != 1 || m->stack[0].kind != CONTAINER)
        return fail(STATUS_FORMAT, "the pickle of storages is no list");
    for (size_t i = 0; i < m->items.count; i++) {
        const struct item *item = (const struct item *)m->items.items + i;
        if (item->owner != m->stack[0].at || item->value.kind != TEXT)
            continue;
        if (out->count == PICKLE_KEYS_MAX)
            return fail(STATUS_LIMIT, "more than %d storages: no state dict of InceptionV3", PICKLE_KEYS_MAX);
        if (!pickle_name(m->bytes + item->value.at, item->value.count, out->items[out->count++].storage, sizeof out->items->storage))
            return fail(STATUS_FORMAT, "a storage is named by more than 63 bytes, or with a NUL");
    }
    return STATUS_OK;
}

static enum status run_all(struct machine *m, enum pickle_wanted wanted, struct pickle_tensors *out)
{
    while (m->at < m->size) {
        const int code = m->bytes[m->at];
        m->opcode_at = m->at++;
        if (!pickle_opcode(code, m->opcode))
            return fail(STATUS_FORMAT, "no pickle: byte %zu is %d, which is no opcode", m->opcode_at, code);
        if (code == '.')
            return wanted == PICKLE_TENSORS ? collect(m, out) : wanted == PICKLE_KEYS ? collect_keys(m, out) : STATUS_OK;
        TRY(run(m, code));
    }
    return fail(STATUS_FORMAT, "the pickle is cut short");
}

enum status pickle_read(const void *bytes, size_t size, enum pickle_wanted wanted, struct pickle_tensors *tensors, size_t *used)
{
    struct machine *m;
    void *none; // so that there is an array
    *tensors = (struct pickle_tensors){0};
    *used = 0;
    if (size > UINT32_MAX)
        return fail(STATUS_LIMIT, "a pickle of %zu bytes", size);
    TRY(ALLOCATE(m, 1, "for a pickle"));
    m->bytes = bytes;
    m->size = size;
    enum status rc = add(&m->values, sizeof(struct value), VALUES_MAX, &none);
    if (rc == STATUS_OK)
        rc = run_all(m, wanted, tensors);
    *used = m->at;
    free(m->memo.items);
    free(m->values.items);
    free(m->items.items);
    free(m->storages.items);
    free(m->tensors.items);
    free(m);
    return rc;
}

void pickle_free(struct pickle_tensors *tensors)
{
    free(tensors->items);
    free(tensors->classes);
    *tensors = (struct pickle_tensors){0};
}
