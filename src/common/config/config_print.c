// SPDX-License-Identifier: MIT
// The configuration for people and files: YAML, and the table of keys in the help.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"
#include "common/config/config_schema.h"
#include "common/config/config_value.h"

// Characters that `key` shares with `previous` in whole groups: "octaves." of octaves.count and octaves.scale.
static size_t shared_groups(const char *key, const char *previous)
{
    size_t shared = 0;
    for (size_t i = 0; key[i] && key[i] == previous[i]; i++)
        if (key[i] == '.')
            shared = i + 1;
    return shared;
}

static int count_dots(const char *text, size_t length)
{
    int dots = 0;
    for (size_t i = 0; i < length; i++)
        dots += text[i] == '.';
    return dots;
}

static void print_key(const struct config *config, const struct config_key *key, const char *previous, bool comments, FILE *stream)
{
    const char *part = key->name + shared_groups(key->name, previous);
    int indent = 2 * count_dots(key->name, (size_t)(part - key->name));
    for (const char *dot; (dot = strchr(part, '.')); part = dot + 1, indent += 2)
        fprintf(stream, "%*s%.*s:\n", indent, "", (int)(dot - part), part);
    if (comments) {
        fprintf(stream, "%*s# %s\n%*s# ", indent, "", key->help, indent, "");
        config_value_print_range(key, stream);
        fprintf(stream, " (default %s)\n", key->initial);
    }
    fprintf(stream, "%*s%s:%s", indent, "", part, key->type == CONFIG_TYPE_TARGETS ? "" : " ");
    config_value_print(config, key, indent + 2, stream);
    fputc('\n', stream);
}

enum status config_print(const struct config *config, bool comments, FILE *stream)
{
    for (int i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        bool opens = i == 0 || strcmp(key->section, key[-1].section) != 0;
        if (comments && opens)
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

void config_print_help(FILE *stream)
{
    for (int i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (i == 0 || strcmp(key->section, key[-1].section) != 0)
            fprintf(stream, "%s  %s\n", i ? "\n" : "", key->section);
        fprintf(stream, "    %s=%s  [", key->name, key->initial);
        config_value_print_range(key, stream);
        fprintf(stream, "]\n        %s\n", key->help);
    }
}
