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
#include "coordinator/progress/progress_line.h"

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

void progress_add_work(struct progress *progress, double work)
{
    progress->state.sized += work > 0;
    progress->state.work += work;
}

void progress_advance(struct progress *progress, double work)
{
    progress->state.advanced += work;
    progress_tick(progress);
}

void progress_set_in_flight(struct progress *progress, int images)
{
    progress->state.in_flight = images;
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
    if (!(*progress)->quiet)
        write_line(*progress, progress_format_summary);
    free(*progress);
    *progress = NULL;
}
