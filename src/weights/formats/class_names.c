// SPDX-License-Identifier: MIT
#include "weights/formats/class_names.h"

#include <ctype.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/nearest.h"
#include "common/system/file.h"
#include "common/system/text.h"
#include "weights/formats/js_literal.h"

static const uint64_t FILE_BYTES_MAX = 1 << 20;
enum { WNID_LENGTH = 9, NEAR_MAX = 5 }; // n01440764: WordNet's number, in ImageNet's files

static size_t wnid_length(const char *text, size_t length)
{
    if (length < WNID_LENGTH || text[0] != 'n')
        return 0;
    for (int i = 1; i < WNID_LENGTH; i++)
        if (!isdigit((unsigned char)text[i]))
            return 0;
    return length == WNID_LENGTH || isspace((unsigned char)text[WNID_LENGTH]) ? WNID_LENGTH : 0;
}

enum status class_names_add(struct class_names *names, const char *text, size_t length)
{
    char line[1024];
    const size_t wnid = wnid_length(text, length);
    if (names->count == CLASS_NAMES_MAX)
        return fail(STATUS_LIMIT, "more than %d classes", CLASS_NAMES_MAX);
    if (memchr(text, '\0', length))
        return fail(STATUS_FORMAT, "the name of class %d goes on behind a NUL", names->count);
    if (wnid < length) {
        text += wnid;
        length -= wnid;
    }
    for (; length > 0 && isspace((unsigned char)*text); text++)
        length--;
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    snprintf(line, sizeof line, "%.*s", (int)(length < sizeof line ? length : sizeof line - 1), text);
    text_make_printable(line);
    utf8_cut(line, CLASS_NAME_MAX - 1);
    if (line[0] == '\0')
        return fail(STATUS_FORMAT, "class %d has no name", names->count);
    strcpy(names->names[names->count++], line);
    return STATUS_OK;
}

static enum status add_json(struct class_names *names, const json_t *item)
{
    if (json_is_array(item)) // ["n01440764", "tench"]
        item = json_array_get(item, json_array_size(item) - 1);
    if (!json_is_string(item))
        return fail(STATUS_FORMAT, "class %d: neither a name nor a list that ends in one", names->count);
    return class_names_add(names, json_string_value(item), json_string_length(item));
}

// {"0": "tench", ...} or {"tench": 0, ...}
static enum status add_object(struct class_names *names, const json_t *object)
{
    const int count = (int)json_object_size(object);
    const char *key;
    json_t *value;
    if (count > CLASS_NAMES_MAX)
        return fail(STATUS_LIMIT, "more than %d classes", CLASS_NAMES_MAX);
    const char *named[CLASS_NAMES_MAX] = {0};
    json_object_foreach((json_t *)object, key, value)
    {
        const json_int_t number = json_integer_value(value);
        if (json_is_integer(value) && number >= 0 && number < count)
            named[number] = key;
    }
    for (int i = 0; i < count; i++) {
        char digits[16];
        snprintf(digits, sizeof digits, "%d", i);
        const json_t *item = json_object_get(object, digits);
        if (!named[i] && !item)
            return fail(STATUS_FORMAT, "of %d classes number %d is not there", count, i);
        TRY(named[i] ? class_names_add(names, named[i], strlen(named[i])) : add_json(names, item));
    }
    return STATUS_OK;
}

static enum status parse_json(const char *text, size_t size, struct class_names *names)
{
    enum status rc = STATUS_OK;
    char *strict;
    size_t strict_size, used;
    json_error_t error;
    TRY(js_literal_to_json(text, size, &strict, &strict_size, &used)); // Python's {0: 'tench'}, too
    if (used < size) {
        free(strict);
        return fail(STATUS_FORMAT, "behind the names of classes, at byte %zu, there is more", used);
    }
    json_t *json = json_loadb(strict, strict_size, JSON_REJECT_DUPLICATES, &error);
    free(strict);
    if (!json)
        return fail(STATUS_FORMAT, "line %d, column %d: %s", error.line, error.column, error.text);
    for (size_t i = 0; rc == STATUS_OK && i < json_array_size(json); i++)
        rc = add_json(names, json_array_get(json, i));
    if (json_is_object(json))
        rc = add_object(names, json);
    json_decref(json);
    return rc;
}

static enum status parse_lines(const char *text, size_t size, struct class_names *names)
{
    for (const char *end = text + size; text < end;) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        const size_t length = (size_t)((stop ? stop : end) - text);
        TRY(class_names_add(names, text, length));
        text += length + 1;
    }
    return STATUS_OK;
}

enum status class_names_parse(const char *text, size_t size, struct class_names *names)
{
    names->count = 0;
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        size -= 3;
    }
    while (size > 0 && isspace((unsigned char)*text)) {
        text++;
        size--;
    }
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    if (size == 0)
        return fail(STATUS_FORMAT, "no names of classes");
    return *text == '[' || *text == '{' ? parse_json(text, size, names) : parse_lines(text, size, names);
}

enum status class_names_read(const char *path, struct class_names *names)
{
    void *bytes;
    size_t size;
    TRY(file_read_any(path, FILE_BYTES_MAX, &bytes, &size));
    const enum status rc = class_names_parse(bytes, size, names);
    free(bytes);
    return fail_in(rc, "%s", path);
}

// As names are compared.
static void plain(const char *text, size_t length, char out[CLASS_NAME_MAX])
{
    size_t used = 0;
    for (size_t i = 0; i < length && used + 1 < CLASS_NAME_MAX; i++) {
        const char c = text[i] == '_' ? ' ' : (char)tolower((unsigned char)text[i]);
        if (c != ' ' || (used > 0 && out[used - 1] != ' '))
            out[used++] = c;
    }
    while (used > 0 && out[used - 1] == ' ')
        used--;
    out[used] = '\0';
}

// Whether `want` is the name, or one of those between its commas; what is near is offered, and *within says whether it is part of one.
static bool matches(const char *name, const char *want, struct nearest *nearest, bool *within)
{
    char own[CLASS_NAME_MAX];
    plain(name, strlen(name), own);
    bool same = strcmp(own, want) == 0;
    *within = strstr(own, want) != NULL;
    for (const char *part = name; !same && part; part = strchr(part, ',')) {
        part += *part == ',';
        plain(part, strcspn(part, ","), own);
        same = strcmp(own, want) == 0;
        nearest_offer(nearest, own);
    }
    return same;
}

// "134 (crane), 517 (crane)"
static void list_classes(const struct class_names *names, const int *classes, int count, char *text, size_t size)
{
    text[0] = '\0';
    for (int i = 0; i < count && i < NEAR_MAX; i++)
        text_append(text, size, "%s%d (%.60s)", i > 0 ? ", " : "", classes[i], names->names[classes[i]]);
    if (count > NEAR_MAX)
        text_append(text, size, ", ...");
}

enum status class_names_find(const struct class_names *names, int classes, const char *text, int *number)
{
    char want[CLASS_NAME_MAX], list[512], hint[NEAREST_HINT_MAX], excerpt[TEXT_EXCERPT_MAX];
    int found[CLASS_NAMES_MAX], near[CLASS_NAMES_MAX], found_count = 0, near_count = 0;
    struct nearest nearest;
    const size_t length = strlen(text);
    if (length > 0 && length < 7 && strspn(text, "0123456789") == length) {
        *number = atoi(text);
        return STATUS_OK; // whether there are so many is for who takes it
    }
    if (classes == 0)
        return STATUS_OK; // likewise
    if (names->count == 0)
        return fail(STATUS_USAGE,
                    "class: '%s': the model file has no names of its classes: give the number, or `oneiros model import` it with --classes",
                    text_excerpt(text, excerpt));
    plain(text, length, want);
    nearest_init(&nearest, want);
    for (int i = 0; i < names->count; i++) {
        bool within;
        if (matches(names->names[i], want, &nearest, &within))
            found[found_count++] = i;
        else if (within)
            near[near_count++] = i;
    }
    if (found_count == 1) {
        *number = found[0];
        return STATUS_OK;
    }
    list_classes(names, found_count ? found : near, found_count ? found_count : near_count, list, sizeof list);
    if (found_count > 1)
        return fail(STATUS_USAGE, "class: %d classes are called '%s': give the number: %s", found_count, text_excerpt(text, excerpt), list);
    if (near_count > 0)
        return fail(STATUS_USAGE, "class: no class is called '%s'; there are %s", text_excerpt(text, excerpt), list);
    return fail(STATUS_USAGE, "class: no class is called '%s'%s", text_excerpt(text, excerpt),
                nearest_hint(&nearest, "; `oneiros model info` lists all", hint));
}
