// SPDX-License-Identifier: MIT
#include "coordinator/progress/progress_line.h"

#include <math.h>
#include <string.h>

#include "common/system/text.h"

enum { BAR_LEAST = 10, BAR_MOST = 40 };

#define append(text, ...) text_append(text, PROGRESS_LINE_MAX, __VA_ARGS__)

// "4s", "3m12s", "2h05m", "3d04h".
static void append_duration(char text[PROGRESS_LINE_MAX], double seconds)
{
    const long long s = seconds < 1e12 ? llround(fmax(seconds, 0)) : 1000000000000;
    if (s < 60)
        append(text, "%llds", s);
    else if (s < 3600)
        append(text, "%lldm%02llds", s / 60, s % 60);
    else if (s < 86400)
        append(text, "%lldh%02lldm", s / 3600, s / 60 % 60);
    else
        append(text, "%lldd%02lldh", s / 86400, s / 3600 % 24);
}

// "2.4 images/s", "14 images/min", "3.1 images/h".
static void append_rate(char text[PROGRESS_LINE_MAX], double images_per_second)
{
    static const char *const units[] = {"s", "min", "h"};
    double rate = images_per_second;
    int unit = 0;
    for (; unit < 2 && rate < 1; unit++)
        rate *= 60;
    append(text, rate < 9.95 ? "%.1f images/%s" : "%.0f images/%s", rate, units[unit]);
}

// Work that is left. An image that failed before its work was known is taken for one that has none.
static double work_left(const struct progress_state *state)
{
    const int64_t unknown = state->total - state->sized - state->failed;
    const double mean = state->sized > 0 ? state->work / (double)state->sized : 0;
    return fmax(state->work - state->advanced, 0) + (unknown > 0 ? mean * (double)unknown : 0);
}

double progress_fraction(const struct progress_state *state)
{
    if (state->total < 0)
        return -1;
    if (state->done + state->failed >= state->total)
        return 1;
    // What follows the last step takes its time too: not all done before it is.
    return state->advanced > 0 ? fmin(state->advanced / (state->advanced + work_left(state)), 0.99) : 0;
}

double progress_seconds_left(const struct progress_state *state)
{
    if (state->total < 0 || state->sized == 0 || !(state->rate > 0))
        return -1;
    return work_left(state) / state->rate;
}

// Images a second: of the smoothed rate of work, or of the whole run where that is not known.
static double image_rate(const struct progress_state *state)
{
    if (state->rate > 0 && state->work > 0)
        return state->rate * (double)state->sized / state->work;
    return state->elapsed > 0 ? (double)state->done / state->elapsed : 0;
}

// What stands beside the bar. Where there is little room, the last ones are left out first.
enum detail { DETAIL_COUNT, DETAIL_TIME, DETAIL_FAILED, DETAIL_RATE, DETAIL_IN_FLIGHT };

static void append_details(char text[PROGRESS_LINE_MAX], const struct progress_state *state, enum detail most)
{
    const double left = progress_seconds_left(state), rate = image_rate(state);
    if (state->total >= 0)
        append(text, "%lld/%lld", (long long)(state->done + state->failed), (long long)state->total);
    else
        append(text, "%lld images", (long long)(state->done + state->failed));
    if (state->failed && most >= DETAIL_FAILED)
        append(text, ", %lld failed", (long long)state->failed);
    if (state->in_flight && most >= DETAIL_IN_FLIGHT)
        append(text, ", %d in flight", state->in_flight);
    if (rate > 0 && most >= DETAIL_RATE) {
        append(text, ", ");
        append_rate(text, rate);
    }
    if (most >= DETAIL_TIME) {
        append(text, ", ");
        append_duration(text, left >= 0 ? left : state->elapsed);
        append(text, left >= 0 ? " left" : "");
    }
}

static void append_bar(char text[PROGRESS_LINE_MAX], double fraction, int columns, bool utf8)
{
    static const char *const eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const int filled = (int)(fraction * columns * (utf8 ? 8 : 1));
    const int whole = utf8 ? filled / 8 : filled;
    append(text, utf8 ? "▕" : "[");
    for (int i = 0; i < columns; i++) {
        if (i < whole)
            append(text, utf8 ? "█" : "=");
        else if (i == whole)
            append(text, "%s", utf8 ? eighths[filled % 8] : ">");
        else
            append(text, " ");
    }
    append(text, utf8 ? "▏ " : "] ");
}

void progress_format_bar(char text[PROGRESS_LINE_MAX], const struct progress_state *state, int width, bool utf8)
{
    const int columns = width > PROGRESS_LINE_MAX / 4 ? PROGRESS_LINE_MAX / 4 : width - 1;
    const double fraction = progress_fraction(state);
    // Its length follows from the terminal's alone, so that it stands still while the words beside it change.
    const int bar = columns / 4 < BAR_MOST ? columns / 4 : BAR_MOST;
    const int percent = fraction >= 0 ? 5 : 0, frame = 3; // "100% ", and what stands around the bar
    char details[PROGRESS_LINE_MAX];
    text[0] = '\0';
    if (columns <= 0)
        return;
    int room = columns - percent - (fraction >= 0 && bar >= BAR_LEAST ? bar + frame : 0);
    for (int most = DETAIL_IN_FLIGHT; most >= DETAIL_COUNT; most--) { // all ASCII: a byte is a column
        details[0] = '\0';
        append_details(details, state, (enum detail)most);
        if ((int)strlen(details) <= room)
            break;
    }
    if (fraction >= 0)
        append(text, "%3d%% ", (int)(fraction * 100));
    if (fraction >= 0 && bar >= BAR_LEAST && (int)strlen(details) <= room)
        append_bar(text, fraction, bar, utf8);
    else
        details[columns - percent > 0 ? columns - percent : 0] = '\0';
    append(text, "%s", details);
    if (columns < percent)
        text[columns] = '\0';
}

void progress_format_log(char text[PROGRESS_LINE_MAX], const struct progress_state *state)
{
    const double fraction = progress_fraction(state);
    text[0] = '\0';
    if (fraction >= 0)
        append(text, "%d%%: ", (int)(fraction * 100));
    append_details(text, state, DETAIL_IN_FLIGHT);
}

void progress_format_summary(char text[PROGRESS_LINE_MAX], const struct progress_state *state)
{
    text[0] = '\0';
    append(text, "%lld image%s in ", (long long)state->done, state->done == 1 ? "" : "s");
    append_duration(text, state->elapsed);
    if (state->done > 0 && state->elapsed > 0) {
        append(text, " (");
        append_rate(text, (double)state->done / state->elapsed);
        append(text, ")");
    }
    if (state->failed)
        append(text, ", %lld failed", (long long)state->failed);
}
