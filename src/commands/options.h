// SPDX-License-Identifier: MIT
// The options of a command: a table says what each does; how they are read and what is said of wrong ones is here.
#pragma once

#include <stdbool.h>

#include "common/config/config.h"
#include "common/system/log.h"

struct command_option {
    const char *name; // the long one; NULL ends a table
    char letter;      // the short one; 0: none
    // One of these; the last three take a value:
    bool *flag;                      // becomes true
    enum log_level *log_level, says; // becomes `says`
    const char **text;               // becomes the value, once
    struct config *config;           // each value is one of its settings, KEY=VALUE
    enum status (*take)(void *context, const char *value);
};

struct command_line {
    bool help;       // --help or -h, which every command has; what stands behind it has not been looked at
    char **operands; // [operand_count], in argv
    int operand_count;
};

// argv[0] is the command's name; the others are reordered so that the operands come last. `context` is for `take`.
enum status command_line_parse(struct command_line *line, const struct command_option *options, void *context, int argc,
                               char **argv) MUST_CHECK;
