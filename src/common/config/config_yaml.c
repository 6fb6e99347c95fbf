// SPDX-License-Identifier: MIT
// The YAML of a configuration file.
#include <string.h>
#include <yaml.h>

#include "common/config/config_schema.h"
#include "common/config/config_targets.h"
#include "common/config/config_value.h"
#include "common/system/text.h"

enum { PATH_SHOWN_MAX = 400 };

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; // the current one
    const unsigned char *bytes;
    size_t size;
    struct config *config;
    // Where a failure is: a line (0: nowhere), and a key or "".
    unsigned long line;
    const char *key;
    // The line where a key was given ([0]), or a group at a level ([level + 1], by its first key); 0: not yet.
    unsigned long given[CONFIG_LEVELS_MAX][CONFIG_KEYS_MAX];
};

static enum status fail_syntax(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    reader->line = parser->problem_mark.line + 1;
    if (parser->error == YAML_READER_ERROR) { // knows the byte only
        reader->line = 1;
        for (size_t i = 0; i < parser->problem_offset && i < reader->size; i++)
            reader->line += reader->bytes[i] == '\n';
    }
    if (parser->error != YAML_MEMORY_ERROR)
        return fail(STATUS_USAGE, "not YAML: %s", parser->problem ? parser->problem : "unknown problem");
    reader->line = 0;
    return fail(STATUS_LIMIT, "not enough memory to read it");
}

// The text of the current event, or NULL if it is not a scalar.
static const char *scalar(const struct reader *reader)
{
    return reader->event.type == YAML_SCALAR_EVENT ? (const char *)reader->event.data.scalar.value : NULL;
}

// YAML's words for nothing, without quotes.
static bool is_null(const struct reader *reader)
{
    const char *text = scalar(reader);
    return text && reader->event.data.scalar.plain_implicit && (strcmp(text, "null") == 0 || strcmp(text, "~") == 0);
}

// What libyaml's events have, but not in one place.
static bool has_anchor_or_tag(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return true;
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor || event->data.scalar.tag;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor || event->data.mapping_start.tag;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor || event->data.sequence_start.tag;
    default:
        return false;
    }
}

static enum status next(struct reader *reader)
{
    const char *key = reader->key;
    reader->key = "";
    yaml_event_delete(&reader->event);
    if (!yaml_parser_parse(&reader->parser, &reader->event))
        return fail_syntax(reader);
    reader->line = reader->event.start_mark.line + 1;
    if (scalar(reader) && strlen(scalar(reader)) != reader->event.data.scalar.length)
        return fail(STATUS_USAGE, "a text with a zero byte");
    if (has_anchor_or_tag(&reader->event))
        return fail(STATUS_USAGE, "anchors (&), aliases (*) and tags (!) are not taken here");
    reader->key = key;
    return STATUS_OK;
}

// The current event is the value of a target's field.
static enum status read_field(struct reader *reader, struct config_target *target, const struct config_target_field *field)
{
    int count = 0;
    if (!field->list)
        return scalar(reader) ? field->take(target, scalar(reader)) : fail(STATUS_USAGE, "layer and weight are single values");
    if (scalar(reader) && strncmp(scalar(reader), "auto", 4) == 0)
        return field->take(target, scalar(reader));
    if (reader->event.type != YAML_SEQUENCE_START_EVENT)
        return fail(STATUS_USAGE, "%s: is not a list such as %s", field->name, field->list);
    for (;; count++) {
        TRY(next(reader));
        if (reader->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        TRY(scalar(reader) ? field->take(target, scalar(reader)) : fail(STATUS_USAGE, "%s: not a list of numbers", field->name));
    }
    return count > 0 ? STATUS_OK : fail(STATUS_USAGE, "%s: an empty list (leave it out to take all)", field->name);
}

// The current event opens {layer: ..., weight: ..., channels: [...], lowered: [...], at: [x, y], octaves: [from, to]}.
static enum status read_target(struct reader *reader, struct config_target *target)
{
    bool seen[CONFIG_TARGET_FIELDS] = {false};
    const unsigned long line = reader->line;
    char shown[TEXT_EXCERPT_MAX];
    for (;;) {
        TRY(next(reader));
        if (reader->event.type == YAML_MAPPING_END_EVENT)
            break;
        const char *name = scalar(reader);
        int field = 0;
        while (name && field < CONFIG_TARGET_FIELDS && strcmp(name, config_target_fields[field].name) != 0)
            field++;
        if (!name || field == CONFIG_TARGET_FIELDS)
            return fail(STATUS_USAGE, "%s is none of layer, weight, channels, lowered, at, octaves",
                        name ? text_excerpt(name, shown) : "this");
        if (seen[field])
            return fail(STATUS_USAGE, "%s is given twice", name);
        seen[field] = true;
        TRY(next(reader));
        TRY(read_field(reader, target, &config_target_fields[field]));
    }
    reader->line = line;
    return config_target_check(target);
}

// The current event opens the list of targets.
static enum status read_targets(struct reader *reader, struct config_targets *targets)
{
    struct config_targets read;
    memset(&read, 0, sizeof read); // padding included: configurations are compared as bytes
    const unsigned long line = reader->line;
    for (;;) {
        TRY(next(reader));
        if (reader->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        if (scalar(reader)) {
            TRY(config_targets_append(&read, scalar(reader), strlen(scalar(reader))));
            continue;
        }
        if (reader->event.type != YAML_MAPPING_START_EVENT)
            return fail(STATUS_USAGE, "a list in a list; write {layer: mixed3, weight: 1}");
        struct config_target *target = config_targets_add(&read);
        TRY(target ? read_target(reader, target) : STATUS_USAGE);
    }
    reader->line = line;
    if (read.count == 0)
        return fail(STATUS_USAGE, "an empty list");
    memcpy(targets, &read, sizeof read);
    return STATUS_OK;
}

// The current event is the value of a key.
static enum status read_value(struct reader *reader, const struct config_key *key)
{
    reader->key = key->name;
    const bool empty = is_null(reader) && key->type == CONFIG_TYPE_TEXT; // as if it were not given
    if (scalar(reader))
        TRY(config_value_parse(reader->config, key, empty ? key->initial : scalar(reader)));
    else if (key->type == CONFIG_TYPE_TARGETS && reader->event.type == YAML_SEQUENCE_START_EVENT)
        TRY(read_targets(reader, (struct config_targets *)((char *)reader->config + key->offset)));
    else if (key->type == CONFIG_TYPE_TARGETS)
        return fail(STATUS_USAGE, "takes a list; write - {layer: mixed3, weight: 1}");
    else
        return fail(STATUS_USAGE, "takes a single value, not a list or a group");
    reader->key = "";
    return STATUS_OK;
}

static enum status read_mapping(struct reader *reader, const char *prefix, int level);

// The current event is a name inside the group `prefix` (empty at the top).
static enum status read_entry(struct reader *reader, const char *prefix, int level)
{
    const unsigned long line = reader->line;
    const char *text = scalar(reader);
    if (!text)
        return fail(STATUS_USAGE, "a list or group where the name of a key should be");
    char name[CONFIG_KEY_MAX];
    const int length = snprintf(name, sizeof name, "%s%s%s", prefix, prefix[0] ? "." : "", text);
    const bool fits = length > 0 && (size_t)length < sizeof name;
    const struct config_key *key = fits ? config_find(name) : NULL, *group = fits ? config_find_group(name) : NULL;
    if (!key && !group)
        return config_unknown_key(name);
    unsigned long *given = key ? &reader->given[0][key - config_keys] : &reader->given[level + 1][group - config_keys];
    if (*given)
        return fail(STATUS_USAGE, "%s: is given twice, first in line %lu", name, *given);
    *given = line;
    TRY(next(reader));
    if (key)
        return read_value(reader, key);
    if (reader->event.type == YAML_MAPPING_START_EVENT)
        return read_mapping(reader, name, level + 1);
    if (scalar(reader) && !scalar(reader)[0]) // all keys of a group may be commented out
        return STATUS_OK;
    reader->line = line;
    return config_unknown_key(name);
}

// The current event opens a mapping.
static enum status read_mapping(struct reader *reader, const char *prefix, int level)
{
    for (;;) {
        TRY(next(reader));
        if (reader->event.type == YAML_MAPPING_END_EVENT)
            return STATUS_OK;
        TRY(read_entry(reader, prefix, level));
    }
}

static enum status read_stream(struct reader *reader)
{
    TRY(next(reader)); // start of the stream
    TRY(next(reader));
    if (reader->event.type == YAML_STREAM_END_EVENT)
        return STATUS_OK;
    TRY(next(reader)); // after the start of the document
    if (reader->event.type == YAML_MAPPING_START_EVENT)
        TRY(read_mapping(reader, "", 0));
    else if (!scalar(reader) || scalar(reader)[0])
        return fail(STATUS_USAGE, "not a list of `key: value`");
    TRY(next(reader)); // end of the document
    TRY(next(reader));
    return reader->event.type == YAML_STREAM_END_EVENT ? STATUS_OK : fail(STATUS_USAGE, "a second document; a configuration is one");
}

enum status config_yaml_read(struct config *config, const char *path, const void *bytes, size_t size)
{
    static const char mark[] = "\xef\xbb\xbf"; // the byte order mark that some editors put first; libyaml takes it for a column
    const size_t length = strlen(path), skip = size >= 3 && memcmp(bytes, mark, 3) == 0 ? 3 : 0;
    struct config read;
    memcpy(&read, config, sizeof read);
    struct reader reader = {.bytes = (const unsigned char *)bytes + skip, .size = size - skip, .config = &read, .key = ""};
    if (length > PATH_SHOWN_MAX) // the end of a long path tells more
        path += length - PATH_SHOWN_MAX;
    if (!yaml_parser_initialize(&reader.parser))
        return fail(STATUS_LIMIT, "%s: not enough memory to read it", path);
    yaml_parser_set_input_string(&reader.parser, reader.bytes, reader.size);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    enum status rc = read_stream(&reader);
    if (rc == STATUS_OK)
        memcpy(config, &read, sizeof read); // padding included: configurations are compared as bytes
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    return reader.line ? fail_in(rc, "%s:%lu%s%s", path, reader.line, reader.key[0] ? ": " : "", reader.key) : fail_in(rc, "%s", path);
}
