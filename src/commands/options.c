// SPDX-License-Identifier: MIT
#include "commands/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "common/config/config_schema.h"
#include "common/config/nearest.h"
#include "common/system/text.h"

enum { OPTIONS_MAX = 16, LONG_ONLY = 256 }; // what getopt_long() calls an option: its letter, or LONG_ONLY + its row

static enum status fail_unknown(const char *command, const struct option *known, const char *typed)
{
    char shown[TEXT_EXCERPT_MAX], name[TEXT_EXCERPT_MAX], candidate[NEAREST_TEXT_MAX], help[64], hint[NEAREST_HINT_MAX];
    struct nearest nearest;
    text_excerpt(typed, shown);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(shown, "="), shown);
    nearest_init(&nearest, name);
    bool sets = false;
    for (; known->name && strncmp(name, "--", 2) == 0; known++) {
        sets = sets || strcmp(known->name, "set") == 0;
        snprintf(candidate, sizeof candidate, "--%s", known->name);
        nearest_offer(&nearest, candidate);
    }
    if (sets && strncmp(name, "--", 2) == 0 && config_find(name + 2))
        return fail(STATUS_USAGE, "unknown option %s; settings are given as -s %s=...", name, name + 2);
    snprintf(help, sizeof help, "; see `oneiros %s --help`", command);
    return fail(STATUS_USAGE, "unknown option %s%s", name, nearest_hint(&nearest, help, hint));
}

// What getopt_long() refused; `code` is ':' where a value is missing, otherwise '?'.
static enum status fail_getopt(int code, const struct option *known, char **argv)
{
    const char letter[] = {'-', (char)optopt, '\0'};
    const char *typed = argv[optind - 1];
    if (code == ':')
        return fail(STATUS_USAGE, "option %s needs a value", strncmp(typed, "--", 2) == 0 ? typed : letter);
    if (optopt == 0)
        return fail_unknown(argv[0], known, typed); // a long one that is unknown or ambiguous
    for (const struct option *option = known; option->name; option++)
        if (option->val == optopt)
            return fail(STATUS_USAGE, "option --%s takes no value", option->name);
    return fail_unknown(argv[0], known, letter);
}

static enum status take(const struct command_option *option, void *context, const char *value)
{
    const char letter[] = {'-', option->letter, '\0'};
    if (option->take)
        return option->take(context, value);
    if (option->config)
        return config_set(option->config, value);
    if (option->text && *option->text)
        return fail(STATUS_USAGE, "%s%s is given twice", option->letter ? letter : "--", option->letter ? "" : option->name);
    if (option->text)
        *option->text = value;
    else if (option->log_level)
        *option->log_level = option->says;
    else
        *option->flag = true;
    return STATUS_OK;
}

enum status command_line_parse(struct command_line *line, const struct command_option *options, void *context, int argc, char **argv)
{
    char letters[2 * OPTIONS_MAX + 3] = ":h";
    struct option known[OPTIONS_MAX + 2] = {{"help", no_argument, NULL, 'h'}};
    int count = 1;
    for (const struct command_option *option = options; option->name; option++, count++) {
        const int value = option->text || option->config || option->take ? required_argument : no_argument;
        known[count] = (struct option){option->name, value, NULL, option->letter ? option->letter : LONG_ONLY + count};
        if (option->letter)
            text_append(letters, sizeof letters, "%c%s", option->letter, value ? ":" : "");
    }
    *line = (struct command_line){.help = false};
    optind = 0; // GNU: start afresh, also when this is not the first command line of the process
    opterr = 0;
    for (int code; !line->help && (code = getopt_long(argc, argv, letters, known, NULL)) != -1;) {
        int row = 0;
        while (row < count && known[row].val != code)
            row++;
        if (row == count)
            return fail_getopt(code, known, argv);
        line->help = row == 0;
        if (row > 0)
            TRY(take(&options[row - 1], context, optarg));
    }
    line->operands = argv + optind;
    line->operand_count = argc - optind;
    return STATUS_OK;
}
