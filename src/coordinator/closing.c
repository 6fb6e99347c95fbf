// SPDX-License-Identifier: MIT
#include "coordinator/closing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/text.h"

// For those who ask, and where there are several workers to compare.
void closing_timing(const struct coordinator_outcome *outcome, const struct timing_part *workers, const struct timing_part *own,
                    double elapsed)
{
    char title[64];
    if (outcome->done + outcome->stopped == 0 || log_get_level() < (workers->ranks > 1 ? LOG_INFO : LOG_DEBUG))
        return;
    snprintf(title, sizeof title, "%d worker%s", workers->ranks, PLURAL(workers->ranks));
    timing_part_print(workers, title, elapsed, stderr);
    timing_part_print(own, "rank 0", elapsed, stderr);
}

void closing_unfinished(const struct coordinator_outcome *outcome, enum config_use use)
{
    const int64_t count = outcome->stopped;
    const bool one = count == 1;
    if (count > 0 && use == CONFIG_EXPLAIN)
        log_warning("%" PRId64 " picture%s not explained to the end; nothing is kept of %s", count, one ? " was" : "s were",
                    one ? "it" : "them");
    else if (count > 0)
        log_warning("%" PRId64 " dream%s unfinished; run the same command again to go on with %s", count, one ? " is" : "s are",
                    one ? "it" : "them");
}

// Where what was made is, and how to look at it.
void closing_where(const struct coordinator_outcome *outcome, const struct run_setup *setup, const char *last)
{
    const bool explains = setup->use == CONFIG_EXPLAIN;
    const char *output = setup->output;
    char path[FILE_PATH_MAX], word[TEXT_WORD_MAX], first[ROW_SOURCE_MAX + 16]; // what to look at first
    const char *slash = strrchr(last, '/');
    if (explains && slash) // beside its numbers
        snprintf(first, sizeof first, "%.*s/overview.png", (int)(slash - last), last);
    else
        snprintf(first, sizeof first, "%s", last);
    text_word(output, word);
    if (outcome->done > 1)
        log_info("%s are in %s, a folder for each picture; `oneiros report %s` makes a page to look at",
                 explains ? "the explanations" : "the dreams", output, word);
    else if (outcome->done == 1 && file_join(path, output, first) == STATUS_OK)
        log_info("%s is %s; `oneiros report %s` makes a page to look at", explains ? "the explanation" : "the dream", path, word);
}
