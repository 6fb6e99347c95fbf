// SPDX-License-Identifier: MIT
#include "common/config/config_difference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config_schema.h"
#include "common/config/config_value.h"

// As one would type it. NULL: no memory.
static char *value_of(const struct config *config, const struct config_key *key)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return NULL;
    config_value_print(config, key, 0, stream);
    if (fclose(stream) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static void add(char *text, size_t size, const struct config_key *key, const char *was, const char *is)
{
    const size_t used = strlen(text);
    if (key->type == CONFIG_TYPE_TARGETS) // several lines
        snprintf(text + used, size - used, "%sthe %s are others", used ? "; " : "", key->name);
    else
        snprintf(text + used, size - used, "%s%s was %s and is %s", used ? "; " : "", key->name, was, is);
}

bool config_difference(const struct config *was, const struct config *is, char *text, size_t size)
{
    enum { NAMED_MAX = 4 };
    int count = 0;
    text[0] = '\0';
    for (int i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->neutral)
            continue;
        char *before = value_of(was, key), *now = value_of(is, key);
        const bool differs = !before || !now || strcmp(before, now) != 0;
        if (differs && ++count <= NAMED_MAX)
            add(text, size, key, before ? before : "?", now ? now : "?");
        free(before);
        free(now);
    }
    if (count > NAMED_MAX) {
        const size_t used = strlen(text);
        snprintf(text + used, size - used, "; and %d more", count - NAMED_MAX);
    }
    return count > 0;
}
