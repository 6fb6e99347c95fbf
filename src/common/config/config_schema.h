// SPDX-License-Identifier: MIT
// The one table of all keys. A new setting is one field of struct config and one row here: files, environment, -s, --print-config and
// help follow (config/default.yaml is made by --print-config and a test compares the two).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config/config.h"

enum config_type {       // the field in struct config
    CONFIG_TYPE_BOOL,    // bool
    CONFIG_TYPE_WORD,    // an enum: one of `words`
    CONFIG_TYPE_INT,     // int
    CONFIG_TYPE_UINT64,  // uint64_t
    CONFIG_TYPE_COUNT,   // uint64_t, with suffixes K M G
    CONFIG_TYPE_BYTES,   // uint64_t, with suffixes K M G, KiB, KB ...
    CONFIG_TYPE_REAL,    // double
    CONFIG_TYPE_TEXT,    // char[]
    CONFIG_TYPE_TARGETS, // struct config_targets
};

// A word and what it stands for: the value of an enum, or a number that is outside the row's range.
struct config_word {
    const char *name; // NULL ends the list
    int value;
};

struct config_key {
    const char *section; // heading in the help; keys of one section, and of one dotted group, are neighbours
    const char *name;    // dots between the levels
    enum config_type type;
    size_t offset, size;  // of the field
    const char *initial;  // the default, as one would type it
    uint64_t least, most; // whole numbers
    double low, high;     // reals
    const struct config_word *words;
    const char *takes;    // texts and targets: what they are, in a word or two
    const char *help;     // one line
    unsigned only;        // what it matters to, of enum config_use; 0: to all
    bool secret;          // of texts: never shown, and not taken from a command line, which others can see
    bool neutral;         // a dream has the same bytes whatever it is, or another is refused elsewhere (precision, plan, model.path)
};

enum { CONFIG_KEYS_MAX = 256, CONFIG_KEY_MAX = 64, CONFIG_LEVELS_MAX = 4 }; // rows; bytes of a name; dots in a name, plus one

extern const struct config_key config_keys[];
extern const int config_key_count;

// The row with this name, or NULL.
const struct config_key *config_find(const char *name);

// The first row of a group (`octaves` of octaves.count), or NULL.
const struct config_key *config_find_group(const char *name);

// Whether it matters what a key is.
bool config_key_matters(const struct config_key *key, enum config_use use);

// Fails with a message on a name that is no key: the nearest key, or the keys of the group that it names.
enum status config_unknown_key(const char *name) MUST_CHECK;
