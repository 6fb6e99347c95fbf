// SPDX-License-Identifier: MIT
#include "coordinator/resume/address_check.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/text.h"
#include "coordinator/intake/address.h"

enum { LOOKED_UP_MAX = 16 }; // inputs that are compared with all of the earlier run: a wrong key shows in each of them

void address_check_see(struct address_check *check, const struct run_images *past, const char *shown, bool known)
{
    if (!address_has_mark(shown))
        return;
    check->hidden++;
    check->known += known;
    if (known || check->alike || check->hidden > LOOKED_UP_MAX)
        return;
    const size_t stem = (size_t)(strrchr(shown, '#') + 1 - shown);
    for (size_t i = 0; i < past->count && !check->alike; i++)
        check->alike = strncmp(past->items[i].source, shown, stem) == 0 && address_has_mark(past->items[i].source);
}

void address_check_warn(const struct address_check *check, const struct run_images *past, const char *output)
{
    static const char then[] = "they are fetched again, and new folders for them stand beside the old ones";
    char path[FILE_PATH_MAX];
    int64_t marked = 0;
    for (size_t i = 0; i < past->count; i++)
        marked += address_has_mark(past->items[i].source);
    if (check->hidden == 0 || check->known > 0 || marked == 0 || file_join(path, output, ADDRESS_KEY_FILE) != STATUS_OK)
        return;
    if (access(path, F_OK) != 0)
        log_warning("%s is missing, without which %" PRId64 " address%s of the run that is there, with a user or a query, cannot be known "
                    "again: %s. If you have it still, stop, put it back, and start again",
                    path, marked, marked == 1 ? "" : "es", then);
    else if (check->alike)
        log_warning("none of the addresses with a user or a query is known from the run that is there: all their queries are others, or %s "
                    "is not that run's: %s",
                    path, then);
}
