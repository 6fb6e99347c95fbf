// SPDX-License-Identifier: MIT
// How the address of a picture is written where others may see it, and known again by the next session: without user, password, query and
// fragment, and with 64 bits of a digest that tells it from others: https://...@host/a.png?...#0123456789abcdef
//
// A short secret could be guessed from its digest. So the password is in none: who asks with another one asks for the same picture. And
// the digest is keyed (HMAC-SHA-256), with a random key that is in the output folder, readable for its owner alone, and in no file that is
// passed on: who has run.h5 or a report cannot check a guess. Without the key addresses of an earlier session are not known again.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/wire/run_rows.h"

#define ADDRESS_KEY_FILE "addresses.key"

// Zeroed: not known yet.
struct address_key {
    uint8_t bytes[32];
    bool known;
};

// Writes what a row may say of an input: of what may be meant as an address ("@" before it or not) the above, of anything else the text
// itself, made well-formed and cut at the front if it is too long. The key is read from the folder `output` when it is first needed.
// `keep`: where it is not there it is made and kept; otherwise, and with a warning where that fails, it is a random one.
void address_show(struct address_key *key, const char *output, bool keep, const char *source, char shown[ROW_SOURCE_MAX]);

// The same of a file or folder that is there: nothing is hidden.
void address_show_path(const char *path, char shown[ROW_SOURCE_MAX]);

// Whether that is what is shown of an address, with something hidden.
bool address_has_mark(const char *shown);
