// SPDX-License-Identifier: MIT
#include "common/config/config_yaml.h"

#include <string.h>
#include <yaml.h>

#include "common/config/config_number.h"
#include "common/config/config_schema.h"
#include "common/config/config_targets.h"
#include "common/config/config_value.h"

enum { PATH_SHOWN_MAX = 400 };

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; // the current one
    const unsigned char *bytes;
    size_t size;
    const char *path; // as it is shown
    struct config *config;
    unsigned long key_line[CONFIG_KEYS_MAX];                      // where a key was given; 0: not yet
    unsigned long group_line[CONFIG_LEVELS_MAX][CONFIG_KEYS_MAX]; // the same for groups, by their first key
};

static unsigned long current_line(const struct reader *reader)
{
    return reader->event.start_mark.line + 1;
}

// Puts where we are before the message of a failure.
static enum status refuse(const struct reader *reader, unsigned long line, const char *key, enum status rc)
{
    return fail_in(rc, "%s:%lu%s%s", reader->path, line, key[0] ? ": " : "", key);
}

static enum status fail_syntax(const struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    unsigned long line = parser->problem_mark.line + 1;
    if (parser->error == YAML_READER_ERROR) { // knows the byte only
        line = 1;
        for (size_t i = 0; i < parser->problem_offset && i < reader->size; i++)
            line += reader->bytes[i] == '\n';
    }
    if (parser->error == YAML_MEMORY_ERROR)
        return fail(STATUS_LIMIT, "%s: not enough memory to read it", reader->path);
    return fail(STATUS_USAGE, "%s:%lu: not YAML: %s", reader->path, line, parser->problem ? parser->problem : "unknown problem");
}

static enum status next(struct reader *reader)
{
    yaml_event_delete(&reader->event);
    if (!yaml_parser_parse(&reader->parser, &reader->event))
        return fail_syntax(reader);
    const yaml_event_t *event = &reader->event;
    const unsigned char *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
            return refuse(reader, current_line(reader), "", fail(STATUS_USAGE, "a text with a zero byte"));
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    }
    if (anchor || tag || event->type == YAML_ALIAS_EVENT)
        return refuse(reader, current_line(reader), "", fail(STATUS_USAGE, "anchors (&), aliases (*) and tags (!) are not taken here"));
    return STATUS_OK;
}

// The text of the current event, or NULL if it is not a scalar.
static const char *scalar(const struct reader *reader)
{
    return reader->event.type == YAML_SCALAR_EVENT ? (const char *)reader->event.data.scalar.value : NULL;
}

// The current event opens a list of numbers, for a target's field `name`.
static enum status read_numbers(struct reader *reader, struct config_target *target, const char *name,
                                enum status (*add)(struct config_target *, const char *))
{
    enum status rc = STATUS_OK;
    int count = 0;
    if (reader->event.type != YAML_SEQUENCE_START_EVENT)
        return refuse(reader, current_line(reader), "targets",
                      fail(STATUS_USAGE, "%s: is not a list such as [12, 45] or [0.5, 0.5]", name));
    for (;; count++) {
        TRY(next(reader));
        if (reader->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        const char *text = scalar(reader);
        rc = text ? add(target, text) : fail(STATUS_USAGE, "%s: not a list of numbers", name);
        TRY(refuse(reader, current_line(reader), "targets", rc));
    }
    if (count == 0)
        return refuse(reader, current_line(reader), "targets", fail(STATUS_USAGE, "%s: an empty list (leave it out to take all)", name));
    return rc;
}

enum { FIELD_LAYER, FIELD_WEIGHT, FIELD_CHANNELS, FIELD_PLACE, FIELD_COUNT };
static const char *const field_names[FIELD_COUNT] = {"layer", "weight", "channels", "at"};

// The current event is the value of `field` in a target.
static enum status read_target_field(struct reader *reader, struct config_target *target, int field)
{
    if (field == FIELD_CHANNELS)
        return read_numbers(reader, target, field_names[field], config_target_add_channel);
    if (field == FIELD_PLACE)
        return read_numbers(reader, target, field_names[field], config_target_add_place);
    const char *text = scalar(reader);
    enum status rc;
    if (!text)
        rc = fail(STATUS_USAGE, "layer and weight are single values");
    else if (field == FIELD_LAYER)
        rc = config_target_set_layer(target, text);
    else
        rc = config_target_set_weight(target, text);
    return refuse(reader, current_line(reader), "targets", rc);
}

// The current event opens {layer: ..., weight: ..., channels: [...], at: [x, y]}.
static enum status read_target(struct reader *reader, struct config_target *target)
{
    bool seen[FIELD_COUNT] = {false};
    unsigned long line = current_line(reader);
    char shown[CONFIG_EXCERPT_MAX];
    enum status rc = STATUS_OK;
    for (;;) {
        TRY(next(reader));
        if (reader->event.type == YAML_MAPPING_END_EVENT)
            break;
        const char *name = scalar(reader);
        int field = 0;
        while (name && field < FIELD_COUNT && strcmp(name, field_names[field]) != 0)
            field++;
        if (!name || field == FIELD_COUNT)
            rc = fail(STATUS_USAGE, "%s is none of layer, weight, channels, at", name ? config_excerpt(name, shown) : "this");
        else if (seen[field])
            rc = fail(STATUS_USAGE, "%s is given twice", name);
        TRY(refuse(reader, current_line(reader), "targets", rc));
        seen[field] = true;
        TRY(next(reader));
        TRY(read_target_field(reader, target, field));
    }
    if (!seen[FIELD_LAYER])
        rc = fail(STATUS_USAGE, "a target without its layer");
    else
        rc = config_target_check_place(target);
    return refuse(reader, line, "targets", rc);
}

// The current event opens the list of targets.
static enum status read_targets(struct reader *reader, struct config_targets *targets)
{
    enum status rc = STATUS_OK;
    struct config_targets read;
    memset(&read, 0, sizeof read); // padding included: configurations are compared as bytes
    unsigned long line = current_line(reader);
    for (;;) {
        TRY(next(reader));
        if (reader->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        const char *text = scalar(reader);
        if (text) {
            TRY(refuse(reader, current_line(reader), "targets", config_targets_append(&read, text)));
            continue;
        }
        struct config_target *target = NULL;
        if (reader->event.type != YAML_MAPPING_START_EVENT)
            rc = fail(STATUS_USAGE, "a list in a list; write {layer: mixed3, weight: 1}");
        else if (!(target = config_targets_add(&read)))
            rc = STATUS_USAGE;
        TRY(refuse(reader, current_line(reader), "targets", rc));
        TRY(read_target(reader, target));
    }
    if (read.count == 0)
        TRY(refuse(reader, line, "targets", fail(STATUS_USAGE, "an empty list")));
    memcpy(targets, &read, sizeof read);
    return rc;
}

// The next event is the value of `key`.
static enum status read_value(struct reader *reader, const struct config_key *key)
{
    enum status rc = STATUS_OK;
    TRY(next(reader));
    const char *text = scalar(reader);
    if (text)
        rc = config_value_parse(reader->config, key, text);
    else if (key->type == CONFIG_TYPE_TARGETS && reader->event.type == YAML_SEQUENCE_START_EVENT)
        return read_targets(reader, (struct config_targets *)((char *)reader->config + key->offset));
    else
        rc = fail(STATUS_USAGE, "takes a single value, not a list or a group");
    return refuse(reader, current_line(reader), key->name, rc);
}

// Notes that `name` was given in `line`, and refuses the second time.
static enum status once(struct reader *reader, unsigned long *where, const char *name, unsigned long line)
{
    if (*where)
        return refuse(reader, line, name, fail(STATUS_USAGE, "is given twice, first in line %lu", *where));
    *where = line;
    return STATUS_OK;
}

static enum status read_mapping(struct reader *reader, const char *prefix, int level);

// The current event is a name inside the group `prefix` (empty at the top).
static enum status read_entry(struct reader *reader, const char *prefix, int level)
{
    unsigned long line = current_line(reader);
    const char *text = scalar(reader);
    if (!text)
        return refuse(reader, line, "", fail(STATUS_USAGE, "a list or group where the name of a key should be"));
    char name[CONFIG_KEY_MAX];
    int length = snprintf(name, sizeof name, "%s%s%s", prefix, prefix[0] ? "." : "", text);
    bool fits = length > 0 && (size_t)length < sizeof name;
    const struct config_key *key = fits ? config_find(name) : NULL;
    if (key) {
        TRY(once(reader, &reader->key_line[key - config_keys], name, line));
        return read_value(reader, key);
    }
    const struct config_key *group = fits ? config_find_group(name) : NULL;
    if (!group)
        return refuse(reader, line, "", config_unknown_key(name));
    TRY(once(reader, &reader->group_line[level][group - config_keys], name, line));
    TRY(next(reader));
    if (reader->event.type == YAML_MAPPING_START_EVENT)
        return read_mapping(reader, name, level + 1);
    if (!scalar(reader) || scalar(reader)[0] != '\0') // all keys of a group may be commented out
        return refuse(reader, line, "", config_unknown_key(name));
    return STATUS_OK;
}

// The current event opens a mapping.
static enum status read_mapping(struct reader *reader, const char *prefix, int level)
{
    for (;;) {
        TRY(next(reader));
        if (reader->event.type == YAML_MAPPING_END_EVENT)
            break;
        TRY(read_entry(reader, prefix, level));
    }
    return STATUS_OK;
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
    else if (!scalar(reader) || scalar(reader)[0] != '\0')
        return refuse(reader, current_line(reader), "", fail(STATUS_USAGE, "not a list of `key: value`"));
    TRY(next(reader)); // end of the document
    TRY(next(reader));
    if (reader->event.type != YAML_STREAM_END_EVENT)
        return refuse(reader, current_line(reader), "", fail(STATUS_USAGE, "a second document; a configuration is one"));
    return STATUS_OK;
}

enum status config_yaml_read(struct config *config, const char *path, const void *bytes, size_t size)
{
    size_t length = strlen(path);
    struct config read;
    memcpy(&read, config, sizeof read);
    struct reader reader = {.bytes = bytes, .size = size, .config = &read};
    reader.path = length > PATH_SHOWN_MAX ? path + length - PATH_SHOWN_MAX : path; // the end of a long path tells more
    if (!yaml_parser_initialize(&reader.parser))
        return fail(STATUS_LIMIT, "%s: not enough memory to read it", reader.path);
    yaml_parser_set_input_string(&reader.parser, bytes, size);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    enum status rc = read_stream(&reader);
    if (rc == STATUS_OK)
        memcpy(config, &read, sizeof read); // padding included: configurations are compared as bytes
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    return rc;
}
