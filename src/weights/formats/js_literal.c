// SPDX-License-Identifier: MIT
#include "weights/formats/js_literal.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

struct scanner {
    const char *text;
    size_t size, at;
    int depth;
    FILE *out;
};

static enum status refuse(const struct scanner *scanner, const char *what)
{
    return fail(STATUS_FORMAT, "offset %zu of the literal: %s", scanner->at, what);
}

static int peek(const struct scanner *scanner)
{
    return scanner->at < scanner->size ? (unsigned char)scanner->text[scanner->at] : EOF;
}

static void skip_space(struct scanner *scanner)
{
    while (peek(scanner) != EOF && strchr(" \t\r\n\v\f", peek(scanner)) && peek(scanner) != '\0')
        scanner->at++;
}

static bool take(struct scanner *scanner, const char *token)
{
    size_t length = strlen(token);
    if (scanner->size - scanner->at < length || memcmp(scanner->text + scanner->at, token, length) != 0)
        return false;
    scanner->at += length;
    return true;
}

static bool is_name(int c)
{
    return c != EOF && (isalnum(c) || c == '_' || c == '$');
}

static void put(struct scanner *scanner, int c)
{
    putc_unlocked(c, scanner->out);
}

static void put_unit(struct scanner *scanner, unsigned unit)
{
    fprintf(scanner->out, "\\u%04x", unit);
}

// What follows a backslash in a string.
static enum status scan_escape(struct scanner *scanner)
{
    static const char same[] = "\"\\/bfnrt"; // JSON has these too
    int c = peek(scanner);
    if (c == EOF)
        return refuse(scanner, "a string has no end");
    if (c == 'x' || c == 'u') {
        size_t digits = c == 'x' ? 2 : 4;
        unsigned unit = 0;
        scanner->at++;
        for (size_t i = 0; i < digits; i++, scanner->at++) {
            int digit = peek(scanner);
            if (digit == EOF || !isxdigit(digit))
                return refuse(scanner, "an escape lacks hexadecimal digits");
            unit = unit * 16 + (unsigned)(isdigit(digit) ? digit - '0' : tolower(digit) - 'a' + 10);
        }
        put_unit(scanner, unit);
        return STATUS_OK;
    }
    if (isdigit(c))
        return refuse(scanner, "octal escapes and NUL are not understood");
    scanner->at++;
    if (c == '\n')
        return STATUS_OK; // a line continuation
    if (strchr(same, c) && c != '\0') {
        put(scanner, '\\');
        put(scanner, c);
    } else if (c == 'v') {
        put_unit(scanner, '\v');
    } else {
        put(scanner, c);
    }
    return STATUS_OK;
}

static enum status scan_string(struct scanner *scanner)
{
    int quote = peek(scanner);
    scanner->at++;
    put(scanner, '"');
    for (;;) {
        int c = peek(scanner);
        if (c == EOF || c == '\n' || c == '\r')
            return refuse(scanner, "a string has no end");
        scanner->at++;
        if (c == quote)
            break;
        if (c == '\\') {
            TRY(scan_escape(scanner));
        } else if (c == '"') {
            put(scanner, '\\');
            put(scanner, c);
        } else if (c < 0x20) {
            put_unit(scanner, (unsigned)c);
        } else {
            put(scanner, c);
        }
    }
    put(scanner, '"');
    return STATUS_OK;
}

static size_t copy_digits(struct scanner *scanner)
{
    size_t count = 0;
    for (; peek(scanner) != EOF && isdigit(peek(scanner)); count++)
        put(scanner, scanner->text[scanner->at++]);
    return count;
}

static enum status scan_number(struct scanner *scanner)
{
    if (take(scanner, "-"))
        put(scanner, '-');
    if (peek(scanner) == '0' && scanner->at + 1 < scanner->size && is_name(scanner->text[scanner->at + 1]) &&
        scanner->text[scanner->at + 1] != 'e')
        return refuse(scanner, "only decimal numbers are understood");
    size_t whole = copy_digits(scanner), fraction = 0;
    if (whole == 0)
        put(scanner, '0');
    if (take(scanner, ".")) {
        put(scanner, '.');
        fraction = copy_digits(scanner);
        if (fraction == 0)
            put(scanner, '0');
    }
    if (whole + fraction == 0)
        return refuse(scanner, "not a value");
    if (take(scanner, "e") || take(scanner, "E")) {
        put(scanner, 'e');
        if (take(scanner, "-"))
            put(scanner, '-');
        else
            (void)take(scanner, "+");
        if (copy_digits(scanner) == 0)
            return refuse(scanner, "an exponent has no digits");
    }
    return is_name(peek(scanner)) ? refuse(scanner, "a number runs into a name") : STATUS_OK;
}

static enum status scan_word(struct scanner *scanner)
{
    static const struct {
        const char *js, *json;
    } words[] = {{"true", "true"}, {"false", "false"}, {"null", "null"}, {"!0", "true"}, {"!1", "false"}, {"void 0", "null"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!take(scanner, words[i].js))
            continue;
        if (is_name(peek(scanner)))
            break;
        fputs(words[i].json, scanner->out);
        return STATUS_OK;
    }
    return refuse(scanner, "not a value");
}

static enum status scan_key(struct scanner *scanner)
{
    if (peek(scanner) == '"' || peek(scanner) == '\'')
        return scan_string(scanner);
    if (!is_name(peek(scanner)))
        return refuse(scanner, "an object's key is missing");
    put(scanner, '"');
    while (is_name(peek(scanner)))
        put(scanner, scanner->text[scanner->at++]);
    put(scanner, '"');
    return STATUS_OK;
}

static enum status scan_value(struct scanner *scanner);

// An object or an array: `close` ends it.
static enum status scan_members(struct scanner *scanner, char close)
{
    put(scanner, scanner->text[scanner->at++]);
    if (++scanner->depth > DEPTH_MAX)
        return refuse(scanner, "nested too deeply");
    skip_space(scanner);
    for (bool first = true; peek(scanner) != close; first = false) {
        if (!first && !take(scanner, ","))
            return refuse(scanner, "a comma or the end of the list is missing");
        if (!first)
            put(scanner, ',');
        skip_space(scanner);
        if (close == '}') {
            TRY(scan_key(scanner));
            skip_space(scanner);
            if (!take(scanner, ":"))
                return refuse(scanner, "an object's key has no colon");
            put(scanner, ':');
        }
        TRY(scan_value(scanner));
        skip_space(scanner);
    }
    put(scanner, close);
    scanner->at++;
    scanner->depth--;
    return STATUS_OK;
}

static enum status scan_value(struct scanner *scanner)
{
    skip_space(scanner);
    int c = peek(scanner);
    if (c == '{')
        return scan_members(scanner, '}');
    if (c == '[')
        return scan_members(scanner, ']');
    if (c == '"' || c == '\'')
        return scan_string(scanner);
    if (c == '-' || c == '.' || (c != EOF && isdigit(c)))
        return scan_number(scanner);
    return scan_word(scanner);
}

enum status js_find_export(const char *text, size_t size, size_t *offset)
{
    static const char word[] = "exports";
    const char *at = text, *end = text + size;
    while ((at = memmem(at, (size_t)(end - at), word, sizeof word - 1))) {
        at += sizeof word - 1;
        const char *value = at;
        while (value < end && isspace((unsigned char)*value))
            value++;
        if (value == end || *value++ != '=')
            continue;
        while (value < end && isspace((unsigned char)*value))
            value++;
        if (value < end && (*value == '{' || *value == '"' || *value == '\'')) {
            *offset = (size_t)(value - text);
            return STATUS_OK;
        }
    }
    return fail(STATUS_FORMAT, "no module.exports of an object or a string in it");
}

enum status js_literal_to_json(const char *text, size_t size, char **json, size_t *json_size, size_t *used)
{
    struct scanner scanner = {.text = text, .size = size};
    *json = NULL;
    scanner.out = open_memstream(json, json_size);
    if (!scanner.out)
        return no_memory("for a literal");
    enum status rc = scan_value(&scanner);
    if (used)
        *used = scanner.at;
    int failed = ferror(scanner.out);
    if (fclose(scanner.out) != 0 || failed)
        rc = rc == STATUS_OK ? fail(STATUS_LIMIT, "no memory for a literal of %zu bytes", size) : rc;
    if (rc != STATUS_OK) {
        free(*json);
        *json = NULL;
    }
    return rc;
}
