// SPDX-License-Identifier: MIT
// The configuration for people and files: YAML, the table of keys in the help, and where two of them differ.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"
#include "common/config/config_idle.h"
#include "common/config/config_schema.h"
#include "common/config/config_value.h"
#include "common/net/url.h"

static bool opens_section(int i)
{
    return i == 0 || strcmp(config_keys[i].section, config_keys[i - 1].section) != 0;
}

static void print_key(const struct config *config, const struct config_key *key, const char *previous, bool comments, FILE *stream)
{
    const char *part = key->name; // what stands behind the groups that it shares with `previous`: octaves.count and octaves.scale
    int indent = 0;
    for (size_t i = 0; key->name[i] && key->name[i] == previous[i]; i++)
        if (key->name[i] == '.') {
            part = key->name + i + 1;
            indent += 2;
        }
    for (const char *dot; (dot = strchr(part, '.')); part = dot + 1, indent += 2)
        fprintf(stream, "%*s%.*s:\n", indent, "", (int)(dot - part), part);
    if (comments) {
        fprintf(stream, "%*s# %s\n%*s# ", indent, "", key->help, indent, "");
        config_value_print_range(key, stream);
        fprintf(stream, " (default %s)\n", key->initial);
    }
    fprintf(stream, "%*s%s:%s", indent, "", part, key->type == CONFIG_TYPE_TARGETS ? "" : " ");
    config_value_print(config, key, indent + 2, stream);
    if (key->secret && strcmp((const char *)config + key->offset, key->initial) != 0)
        fputs(" # set, and not shown", stream);
    fputc('\n', stream);
}

enum status config_print(const struct config *config, bool comments, FILE *stream)
{
    for (int i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (comments && opens_section(i))
            fprintf(stream, "%s# %s\n", i ? "\n" : "", key->section);
        if (comments)
            fputc('\n', stream);
        print_key(config, key, i ? key[-1].name : "", comments, stream);
    }
    if (fflush(stream) != 0 || ferror(stream))
        return fail(STATUS_IO, "cannot write the configuration: %s", strerror(errno));
    return STATUS_OK;
}

enum status config_to_string(const struct config *config, char **text)
{
    size_t size = 0;
    *text = NULL;
    FILE *stream = open_memstream(text, &size);
    if (!stream)
        return fail(STATUS_LIMIT, "not enough memory for the configuration's text");
    enum status rc = config_print(config, false, stream);
    if (fclose(stream) != 0 && rc == STATUS_OK)
        rc = fail(STATUS_LIMIT, "not enough memory for the configuration's text");
    if (rc != STATUS_OK) {
        free(*text);
        *text = NULL;
    }
    return rc;
}

static void print_difference(const struct config *was, const struct config *is, const struct config_key *key, FILE *stream)
{
    fprintf(stream, "%s was ", key->name);
    config_value_print_short(was, key, stream);
    fputs(" and is ", stream);
    config_value_print_short(is, key, stream);
}

// Whether what the key is changes nothing of a dream, or an explanation, as long as the others are as in both.
static bool is_without_effect(const struct config *was, const struct config *is, const struct config_key *key, enum config_use use)
{
    const bool explains = use == CONFIG_EXPLAIN;
    return key->neutral || !config_key_matters(key, use) ||
           (config_is_idle(was, explains, key->name) && config_is_idle(is, explains, key->name));
}

// Of addresses what may be shown: nobody keeps the rest, and the digests of their pictures are compared besides.
static bool is_same(const struct config *was, const struct config *is, const struct config_key *key)
{
    const char *x = (const char *)was + key->offset, *y = (const char *)is + key->offset;
    char shown[2][URL_SHOWN_MAX];
    if (key->type == CONFIG_TYPE_TEXT)
        return strcmp(url_shown(x, NULL, shown[0]), url_shown(y, NULL, shown[1])) == 0;
    return memcmp(x, y, key->size) == 0;
}

bool config_difference(const struct config *was, const struct config *is, enum config_use use, char *text, size_t size)
{
    enum { NAMED_MAX = 4 };
    int count = 0;
    FILE *stream = fmemopen(text, size, "w");
    if (!stream) {
        snprintf(text, size, "no memory to compare them");
        return true;
    }
    for (int i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (is_same(was, is, key) || is_without_effect(was, is, key, use))
            continue;
        if (++count <= NAMED_MAX) {
            fputs(count > 1 ? "; " : "", stream);
            print_difference(was, is, key, stream);
        }
    }
    if (count > NAMED_MAX)
        fprintf(stream, "; and %d more", count - NAMED_MAX);
    fclose(stream); // what does not fit is cut
    text[count > 0 ? size - 1 : 0] = '\0';
    return count > 0;
}

bool config_changes(const struct config *config, enum config_use use, void (*take)(void *context, const char *key, const char *value),
                    void *context)
{
    struct config initial;
    config_init(&initial);
    if (use == CONFIG_EXPLAIN && config->balance == 0)
        initial.balance = 0;
    for (int i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        char *value = NULL;
        size_t size;
        if (key->secret || memcmp((const char *)&initial + key->offset, (const char *)config + key->offset, key->size) == 0 ||
            !config_key_matters(key, use) || (strcmp(key->name, "output.folders") == 0 && config->output.folders == FOLDERS_TREE))
            continue;
        FILE *stream = open_memstream(&value, &size);
        if (!stream)
            return false;
        config_value_print_short(config, key, stream);
        if (fclose(stream) == 0)
            take(context, key->name, value);
        free(value);
    }
    return true;
}

void config_print_help(enum config_use use, FILE *stream)
{
    const char *section = NULL;
    for (int i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (!config_key_matters(key, use))
            continue;
        if (!section || strcmp(section, key->section) != 0)
            fprintf(stream, "%s  %s\n", section ? "\n" : "", key->section);
        section = key->section;
        fprintf(stream, "    %s=%s  [", key->name, key->initial);
        config_value_print_range(key, stream);
        fprintf(stream, "]\n        %s\n", key->help);
    }
}
