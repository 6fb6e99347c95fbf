// SPDX-License-Identifier: MIT
#include "coordinator/progress/progress.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/system/clock.h"
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

static bool all_ended(const struct progress_state *state)
{
    return state->done + state->failed >= state->total;
}

static double mean_of(double work, int64_t count, double unknown)
{
    return count > 0 ? work / (double)count : unknown;
}

// Work of images that nobody has looked at yet. One that failed before its work was known is taken for one that has none.
static double unseen_work(const struct progress_state *state)
{
    const int64_t unknown = state->total - state->sized - state->failed, left = state->channels - state->dreams_sized;
    const int64_t dreams = left < unknown ? left : unknown, seen = state->sized - state->dreams_sized;
    if (unknown <= 0)
        return 0;
    if (state->channels == 0)
        return mean_of(state->work, state->sized, state->expected) * (double)unknown;
    return (dreams > 0 ? mean_of(state->dreams_work, state->dreams_sized, state->expected) * (double)dreams : 0) +
           mean_of(state->work - state->dreams_work, seen, state->expected_seen) * (double)(dreams > 0 ? unknown - dreams : unknown);
}

static double work_done(const struct progress_state *state)
{
    return state->advanced + fmin(state->saved, unseen_work(state));
}

static double work_left(const struct progress_state *state)
{
    return fmax(state->work - state->advanced, 0) + fmax(unseen_work(state) - state->saved, 0);
}

double progress_fraction(const struct progress_state *state)
{
    if (state->total < 0)
        return -1;
    if (all_ended(state))
        return 1;
    // What follows the last step takes its time too: not all done before it is.
    return work_done(state) > 0 ? fmin(work_done(state) / (work_done(state) + work_left(state)), 0.99) : 0;
}

double progress_seconds_left(const struct progress_state *state)
{
    const double left = work_left(state);
    if (state->total < 0 || state->sized == 0 || !(state->rate > 0))
        return -1;
    if (all_ended(state))
        return 0;
    return left > 0 ? fmax(left / state->rate, 1) : -1; // nobody knows how long pictures are being written
}

// Images a second: of the smoothed rate of work, or of the whole run where that is not known.
static double image_rate(const struct progress_state *state)
{
    if (state->rate > 0 && state->work > 0)
        return state->rate * (double)state->sized / state->work;
    return state->elapsed > 0 ? (double)(state->done - state->earlier) / state->elapsed : 0;
}

// What stands beside the bar. Where there is little room, the last ones are left out first.
enum detail { DETAIL_COUNT, DETAIL_TIME, DETAIL_FAILED, DETAIL_HAND, DETAIL_WAITING, DETAIL_RATE };

static void append_count(char text[PROGRESS_LINE_MAX], const struct progress_state *state)
{
    append(text, "%lld", (long long)state->done);
    if (state->total >= 0)
        append(text, " of %lld", (long long)state->total);
    append(text, " done");
}

// "cat.jpg: octave 2 of 4, step 7 of 20", or how many there are.
static void append_hand(char text[PROGRESS_LINE_MAX], const struct progress_state *state)
{
    const struct progress_place *place = &state->place;
    if (state->in_flight > 1 || (state->in_flight == 1 && !state->name[0]))
        append(text, ", %d in hand", state->in_flight);
    else if (state->in_flight == 1)
        append(text, ", %s", state->name);
    if (state->in_flight == 1 && state->name[0] && place->octaves > 0)
        append(text, ": octave %d of %d, step %d of %d", place->octave + 1, place->octaves, place->step + 1, place->steps);
}

// Files are read ahead while there is work: only without any are they waited for.
static void append_waiting(char text[PROGRESS_LINE_MAX], const struct progress_state *state)
{
    if (state->downloads > 0)
        append(text, ", %d download%s", state->downloads, PLURAL(state->downloads));
    if (state->reading > 0 && state->in_flight == 0)
        append(text, ", reading %d", state->reading);
    if (state->writing > 0)
        append(text, ", writing %d", state->writing);
}

static void append_details(char text[PROGRESS_LINE_MAX], const struct progress_state *state, enum detail most)
{
    const double left = progress_seconds_left(state), rate = image_rate(state);
    append_count(text, state);
    if (state->failed && most >= DETAIL_FAILED)
        append(text, ", %lld failed", (long long)state->failed);
    if (most >= DETAIL_HAND)
        append_hand(text, state);
    if (most >= DETAIL_WAITING)
        append_waiting(text, state);
    if (rate > 0.05 / 3600 && state->total != 1 && most >= DETAIL_RATE) { // what would be shown as 0 is not
        append(text, ", ");
        append_rate(text, rate);
    }
    if (most >= DETAIL_TIME) {
        append(text, ", ");
        append_duration(text, left >= 0 ? left : state->elapsed);
        append(text, left >= 0 ? " left" : " so far");
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
    append(text, utf8 ? "▏" : "]");
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
    for (int most = DETAIL_RATE; most >= DETAIL_COUNT; most--) {
        details[0] = '\0';
        append_details(details, state, (enum detail)most);
        if ((int)utf8_columns(details) <= room)
            break;
    }
    if (fraction >= 0)
        append(text, "%3d%% ", (int)(fraction * 100));
    if (fraction >= 0 && bar >= BAR_LEAST && (int)utf8_columns(details) <= room) {
        append_bar(text, fraction, bar, utf8);
        append(text, " ");
    } else {
        utf8_cut(details, columns - percent > 0 ? (size_t)(columns - percent) : 0); // a column has a byte at least
    }
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
    append_details(text, state, DETAIL_RATE);
}

void progress_format_summary(char text[PROGRESS_LINE_MAX], const struct progress_state *state)
{
    const int64_t done = state->done - state->earlier;
    text[0] = '\0';
    if (done == 0 && state->failed == 0 && state->done == state->total) {
        append(text, "nothing was to be done");
        return;
    }
    if (done > 0)
        append(text, "%lld image%s in ", (long long)done, PLURAL(done));
    else if (state->stopping)
        append(text, "stopped before %s image was done, after ", state->earlier ? "another" : "the first");
    else
        append(text, "no %simage is done after ", state->earlier > 0 ? "other " : "");
    if (state->elapsed < 1)
        append(text, "less than a second");
    else
        append_duration(text, state->elapsed);
    if (done > 1 && state->elapsed >= 1) {
        append(text, " (");
        append_rate(text, (double)done / state->elapsed);
        append(text, ")");
    }
    if (state->failed)
        append(text, ", %lld failed", (long long)state->failed);
}

// The display.

static const double draw_interval = 0.1, first_log = 5, log_interval = 30; // seconds

struct progress {
    struct progress_state state;
    int fd;
    bool quiet, terminal, utf8, drawn;
    double started, next; // seconds of the monotonic clock; next: when to show something again
    // Sums that fade with age; their quotient is the rate.
    double seen, seen_advanced, fading_work, fading_time;
};

static struct progress *on_terminal; // the one that the log's hooks belong to

static void put(const struct progress *progress, const char *text)
{
    const ssize_t written = write(progress->fd, text, strlen(text));
    (void)written; // a display that is gone must not stop the run
}

static bool locale_is_utf8(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (!locale)
        return false;
    const bool utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return utf8;
}

static bool is_terminal(int fd)
{
    const char *kind = getenv("TERM");
    return isatty(fd) && kind && *kind && strcmp(kind, "dumb") != 0;
}

// Long runs forget more slowly: steps come in bursts whose spacing does not shrink with the run.
static void update_rate(struct progress *progress, double time)
{
    struct progress_state *state = &progress->state;
    const double passed = time - progress->seen, memory = fmax(30, state->elapsed / 5), keep = exp(-passed / memory);
    progress->fading_work = progress->fading_work * keep + (state->advanced - progress->seen_advanced);
    progress->fading_time = progress->fading_time * keep + passed;
    progress->seen = time;
    progress->seen_advanced = state->advanced;
    state->rate = progress->fading_time > 0 ? progress->fading_work / progress->fading_time : 0;
}

static void update(struct progress *progress)
{
    const double time = now();
    progress->state.elapsed = time - progress->started;
    if (time - progress->seen >= draw_interval)
        update_rate(progress, time);
}

static void clear(void)
{
    if (on_terminal->drawn)
        put(on_terminal, "\r\033[K");
    on_terminal->drawn = false;
}

static void draw(void)
{
    struct progress *progress = on_terminal;
    struct winsize size;
    char bar[PROGRESS_LINE_MAX], text[PROGRESS_LINE_MAX + 16];
    // Asked at each draw: no signal to catch when the window changes.
    const int width = ioctl(progress->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
    update(progress);
    progress_format_bar(bar, &progress->state, width, progress->utf8);
    snprintf(text, sizeof text, "\r%s\033[K", bar);
    put(progress, text);
    progress->drawn = true;
}

static void write_line(const struct progress *progress, void (*format)(char *, const struct progress_state *))
{
    char text[PROGRESS_LINE_MAX], line[PROGRESS_LINE_MAX + 16];
    format(text, &progress->state);
    snprintf(line, sizeof line, "oneiros: %s\n", text);
    put(progress, line);
}

enum status progress_create(struct progress **out, int64_t total_images, enum log_level level, int fd)
{
    TRY(ALLOCATE(*out, 1, "for the progress display"));
    struct progress *progress = *out;
    progress->state.total = total_images;
    progress->fd = fd;
    progress->quiet = level < LOG_INFO;
    progress->terminal = !progress->quiet && is_terminal(fd);
    progress->utf8 = locale_is_utf8();
    progress->started = progress->seen = now();
    progress->next = progress->started + (progress->terminal ? 0 : first_log);
    if (progress->terminal) {
        on_terminal = progress;
        log_set_hooks(clear, draw);
    }
    return STATUS_OK;
}

void progress_tick(struct progress *progress)
{
    if (progress->quiet || now() < progress->next)
        return;
    update(progress);
    if (progress->terminal)
        draw();
    else
        write_line(progress, progress_format_log);
    progress->next = now() + (progress->terminal ? draw_interval : log_interval);
}

void progress_set_total(struct progress *progress, int64_t total_images)
{
    progress->state.total = total_images;
}

void progress_add_work(struct progress *progress, double work, bool dreams)
{
    progress->state.dreams_sized += dreams && work > 0;
    progress->state.dreams_work += dreams ? work : 0;
    progress->state.sized += work > 0;
    progress->state.work += work;
}

void progress_advance(struct progress *progress, double work)
{
    progress->state.advanced += work;
    progress_tick(progress);
}

void progress_take_up(struct progress *progress, double work)
{
    progress->state.advanced += work;
    progress->seen_advanced += work;
}

void progress_add_earlier(struct progress *progress, double work, bool dreams)
{
    progress->state.done++;
    progress->state.earlier++;
    progress_add_work(progress, work, dreams);
    progress_take_up(progress, work);
}

void progress_set_saved(struct progress *progress, double saved, double expected)
{
    progress->state.saved = saved;
    progress->state.expected = expected;
}

void progress_set_channels(struct progress *progress, int64_t channels, double expected_seen)
{
    progress->state.channels = channels;
    progress->state.expected_seen = expected_seen;
}

void progress_set_stopping(struct progress *progress)
{
    progress->state.stopping = true;
}

void progress_set_in_flight(struct progress *progress, int images)
{
    if (images != progress->state.in_flight)
        progress->state.name[0] = '\0'; // until it is known which one is left
    progress->state.in_flight = images;
}

// The last part of a path or URL, as far as there is room for it.
static void set_name(const struct progress *progress, char *name, size_t size, const char *source)
{
    const char *slash = strrchr(source, '/');
    char shown[TEXT_EXCERPT_MAX];
    text_excerpt(slash && slash[1] ? slash + 1 : source, shown);
    utf8_clean(shown, '?');
    for (char *c = shown; *c && !progress->utf8; c++)
        *c = (unsigned char)*c < 0x80 ? *c : '?';
    utf8_cut(shown, size - 1);
    snprintf(name, size, "%s", shown);
}

void progress_set_place(struct progress *progress, const char *source, const struct progress_place *place)
{
    if (!progress->quiet)
        set_name(progress, progress->state.name, sizeof progress->state.name, source);
    progress->state.place = *place;
}

void progress_set_waiting(struct progress *progress, int downloads, int reading, int writing)
{
    progress->state.downloads = downloads;
    progress->state.reading = reading;
    progress->state.writing = writing;
}

void progress_image_done(struct progress *progress, bool ok)
{
    progress->state.done += ok;
    progress->state.failed += !ok;
    progress_tick(progress);
}

void progress_destroy(struct progress **progress)
{
    if (!*progress)
        return;
    if ((*progress)->terminal) {
        clear();
        log_set_hooks(NULL, NULL);
        on_terminal = NULL;
    }
    update(*progress);
    if (!(*progress)->quiet && (*progress)->state.total != 0)
        write_line(*progress, progress_format_summary);
    free(*progress);
    *progress = NULL;
}

// For others than the display.

struct progress_state progress_now(struct progress *progress)
{
    update(progress);
    return progress->state;
}

double progress_image_rate(const struct progress_state *state)
{
    return image_rate(state);
}

void progress_append_duration(char text[PROGRESS_LINE_MAX], double seconds)
{
    append_duration(text, seconds);
}

void progress_append_rate(char text[PROGRESS_LINE_MAX], double images_per_second)
{
    append_rate(text, images_per_second);
}

void progress_append_bar(char text[PROGRESS_LINE_MAX], double fraction, int columns, bool utf8)
{
    append_bar(text, fraction, columns, utf8);
}

bool progress_locale_is_utf8(void)
{
    return locale_is_utf8();
}
