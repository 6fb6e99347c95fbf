// SPDX-License-Identifier: MIT
#include "coordinator/progress/notices.h"

#include <inttypes.h>
#include <stdbool.h>

#include "common/system/log.h"
#include "common/system/text.h"

static const struct {
    enum log_level level;
    const char *text; // of several pictures
} kinds[NOTICE_KINDS] = {
    [NOTICE_PAGES] = {LOG_INFO, "of several pages or frames the first is taken"},
    [NOTICE_PROFILE] = {LOG_INFO, "the ICC profile is ignored, or the dream has none"},
    [NOTICE_TAGS] = {LOG_INFO, "some of its tags are too long, and left out"},
    [NOTICE_INKS] = {LOG_INFO, "CMYK without a profile, its colours are a guess"},
    [NOTICE_CLIPPED] = {LOG_INFO, "what is outside the range is clipped"},
    [NOTICE_BANDS] = {LOG_INFO, "some of its bands are dreamed on (input.bands)"},
    [NOTICE_RANGE] = {LOG_INFO, "percentiles of its values are black and white (input.range)"},
    [NOTICE_NO_DATA] = {LOG_INFO, "some of its samples are no data"},
    [NOTICE_DAMAGE] = {LOG_INFO, "damage has been passed over (input.damaged)"},
    [NOTICE_READABLE] = {LOG_INFO, "input.damaged: accept takes what is there"},
    [NOTICE_ALPHA] = {LOG_INFO, "JPEG has no alpha, the dream is written without"},
    [NOTICE_OCTAVES] = {LOG_INFO, "fewer octaves than octaves.count"},
    [NOTICE_BASELINES] = {LOG_WARNING, "no other picture is there as a baseline"},
    [NOTICE_SAME] = {LOG_INFO, "the same bytes as another input, dreamed once"},
    [NOTICE_SILENT] = {LOG_WARNING, "a target is silent, nothing is raised there"},
};

void notices_say(struct notices *notices, const char *source, struct image *image)
{
    enum log_level level = LOG_DEBUG;
    bool first = false;
    for (int kind = 0; kind < NOTICE_KINDS; kind++) {
        if (!(image->notices >> kind & 1))
            continue;
        if (notices->counts[kind]++ == 0) {
            first = true;
            level = kinds[kind].level < level ? kinds[kind].level : level;
        }
    }
    if (image->notice[0])
        log_line(first ? level : LOG_DEBUG, "%s: %s", source, image->notice);
    image->notices = 0;
    image->notice[0] = '\0';
}

void notices_end(const struct notices *notices)
{
    for (int kind = 0; kind < NOTICE_KINDS; kind++) {
        const int64_t more = notices->counts[kind] - 1;
        if (more > 0)
            log_line(kinds[kind].level, "%" PRId64 " more picture%s like that: %s", more, PLURAL(more), kinds[kind].text);
    }
}
