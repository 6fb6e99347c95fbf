// SPDX-License-Identifier: MIT
// Some files of one pinned npm package, by the user's own npm client and so by the user's own registry, proxy and cache settings.
#pragma once

#include <stdbool.h>

#include "common/system/status.h"

struct npm_package {
    const char *spec;    // name@version, passed to `npm pack`
    const char *tarball; // the file name that `npm pack` gives it
    const char *sha512;  // of the tarball, base64, as in a lock file
    const char *prefix;  // which of its files are wanted: prefix + plain name + suffix
    const char *suffix;
};

// Leaves the wanted files in `folder`, which must be private and on a disk with room for the package twice. Nothing of the package is
// run, and no file is unpacked before the tarball's digest is right. `stopped` is asked ten times a second while npm runs.
enum status npm_package_unpack(const struct npm_package *package, const char *folder, bool (*stopped)(void)) MUST_CHECK;
