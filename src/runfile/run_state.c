// SPDX-License-Identifier: MIT
#include "runfile/run_state.h"

#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/system/text.h"

enum { ATTEMPTS = 3, SILENCE_SECONDS = 90 }; // a run writes at least every 30 seconds, and gives a sign of life as often

const char *run_phase_name(enum run_phase phase)
{
    static const char *const names[] = {"starting", "running", "complete", "stopped", "killed"};
    return names[phase];
}

// The text without each occurrence of a word.
static void leave_out(char *text, const char *word)
{
    const size_t length = strlen(word);
    for (char *at = text; length > 0 && (at = strstr(at, word));)
        memmove(at, at + length, strlen(at + length) + 1);
}

// What an error has in common with those of other pictures: not its numbers, but what a server answered is a reason.
static void make_key(const struct image_row *row, char key[ROW_ERROR_MAX])
{
    static const char answered[] = "the server answered ";
    const char *name = strrchr(row->source, '/');
    char text[ROW_ERROR_MAX];
    size_t length = 0;
    snprintf(text, sizeof text, "%s", row->error);
    leave_out(text, row->source);
    if (name)
        leave_out(text, name + 1);
    const char *answer = strstr(text, answered), *answer_end = answer;
    if (answer)
        answer_end += sizeof answered - 1 + strspn(answer + sizeof answered - 1, "0123456789");
    for (const char *c = text; *c; c++)
        if (!isdigit((unsigned char)*c) || (answer && c >= answer && c < answer_end))
            key[length++] = *c;
        else if (length == 0 || key[length - 1] != '0')
            key[length++] = '0';
    key[length] = '\0';
}

// Into a list of the first `room` ones.
static void name_failure(struct run_failure *first, size_t *named, size_t room, const struct image_row *row)
{
    size_t place = *named;
    while (place > 0 && first[place - 1].image > row->id)
        place--;
    if (place == room)
        return;
    *named += *named < room;
    memmove(first + place + 1, first + place, (*named - 1 - place) * sizeof *first);
    struct run_failure *failure = &first[place];
    failure->image = row->id;
    snprintf(failure->source, sizeof failure->source, "%s", row->source);
    snprintf(failure->error, sizeof failure->error, "%s", row->error);
}

static void count_reason(struct run_failures *failures, const struct image_row *row)
{
    char key[ROW_ERROR_MAX];
    size_t place = 0;
    make_key(row, key);
    while (place < failures->reasons && strcmp(failures->reason[place].key, key) != 0)
        place++;
    if (place == RUN_REASONS_MAX) {
        failures->others++;
        return;
    }
    struct run_reason *reason = &failures->reason[place];
    if (place == failures->reasons) {
        failures->reasons++;
        snprintf(reason->key, sizeof reason->key, "%s", key);
    }
    reason->count++;
    name_failure(reason->first, &reason->named, RUN_REASON_SOURCES, row);
}

static int by_count(const void *a, const void *b)
{
    const struct run_reason *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->key, y->key);
}

// Through /images: how many there are of each kind, and why some failed. What the root attributes say of that is enough where it fits and
// nothing failed; and from there on where all that failed have been seen.
static enum status count_images(struct run_state *state)
{
    struct run_progress *known = &state->known;
    struct run_cursor *cursor;
    int64_t counts[] = {[IMAGE_DONE] = 0, [IMAGE_FAILED] = 0, [IMAGE_STOPPED] = 0};
    TRY(run_cursor_open(&cursor, state->reader, RUN_IMAGES));
    const bool fits = known->done >= 0 && known->failed >= 0 && known->stopped >= 0 && known->done <= INT32_MAX &&
                      known->failed <= INT32_MAX && known->stopped <= INT32_MAX &&
                      (size_t)(known->done + known->failed + known->stopped) == cursor->rows;
    const struct image_row *row;
    while ((!fits || counts[IMAGE_FAILED] < known->failed) && (row = run_cursor_next(cursor))) {
        if (row->status >= IMAGE_DONE && row->status <= IMAGE_STOPPED)
            counts[row->status]++;
        if (row->status == IMAGE_FAILED) {
            name_failure(state->failures.first, &state->failures.named, RUN_FAILURES_NAMED, row);
            count_reason(&state->failures, row);
        }
    }
    if (!fits) {
        known->done = counts[IMAGE_DONE];
        known->failed = counts[IMAGE_FAILED];
        known->stopped = counts[IMAGE_STOPPED];
    }
    qsort(state->failures.reason, state->failures.reasons, sizeof *state->failures.reason, by_count);
    return run_cursor_close(&cursor, STATUS_OK);
}

// Makes something of what files of before lack, and nothing of what cannot be.
static void complete_progress(struct run_state *state)
{
    const struct run_facts *facts = &state->reader->facts;
    struct run_progress *known = &state->known;
    const int64_t ended = known->done + known->failed + known->stopped;
    if (known->inputs < ended)
        known->inputs = facts->complete == 1 || known->inputs >= 0 ? ended : -1;
    if (facts->complete == 1)
        known->progress = 1;
    if (!(known->progress >= 0 && known->progress <= 1))
        known->progress = NAN;
    if (!(known->images_per_second >= 0 && isfinite(known->images_per_second)))
        known->images_per_second = facts->resumed == 0 && facts->elapsed_seconds > 0 ? (double)known->done / facts->elapsed_seconds : NAN;
    if (!(known->seconds_left >= 0 && isfinite(known->seconds_left)))
        known->seconds_left = NAN;
    if (known->in_hand < -1)
        known->in_hand = -1;
}

static enum run_phase phase_of(const struct run_state *state)
{
    const bool alive = state->held && !state->holder.gone, complete = state->reader && state->reader->facts.complete == 1;
    if (alive && state->unwritten)
        return RUN_STARTING;
    if (complete)
        return RUN_COMPLETE;
    return alive ? RUN_GOES_ON : state->held ? RUN_KILLED : RUN_STOPPED;
}

static enum status read_file(struct run_state *state, const char *given)
{
    struct stat info;
    struct tm utc = {0};
    TRY(run_reader_open(&state->reader, given));
    const struct run_facts *facts = &state->reader->facts;
    const char *end = strptime(facts->started, "%Y-%m-%dT%H:%M:%SZ", &utc);
    state->started = end && !*end ? timegm(&utc) : 0;
    const bool told = facts->progress.done >= 0; // else it is of a build that did not write now and then
    state->known = facts->progress;
    TRY(count_images(state));
    complete_progress(state);
    if (stat(state->reader->path, &info) != 0)
        return fail(STATUS_IO, "%s: %m", state->reader->path);
    state->written = info.st_mtime;
    state->idle = fmax(difftime(time(NULL), info.st_mtime), 0);
    state->rows_wait = told && state->held && difftime(state->holder.heard, info.st_mtime) > SILENCE_SECONDS;
    return STATUS_OK;
}

// Once. *again: it has come, gone or written something in the meantime.
static enum status look(struct run_state *state, const char *given, bool *again)
{
    struct folder_holder after;
    struct stat info;
    state->held = folder_lock_holder(state->folder, &state->holder);
    const bool missing = stat(given, &info) != 0 && errno == ENOENT;
    char path[FILE_PATH_MAX];
    TRY(file_join(path, given, "run.h5"));
    const bool nothing = !missing && S_ISDIR(info.st_mode) && stat(path, &info) != 0 && errno == ENOENT;
    const enum status rc = nothing && state->held ? STATUS_OK : read_file(state, given);
    *again = folder_lock_holder(state->folder, &after) != state->held || (rc != STATUS_OK && state->held && !after.gone);
    if (rc != STATUS_OK)
        return *again ? fail_in(rc, "a run is at work there, and its file is being written: try again") : rc;
    state->unwritten = state->held && (!state->reader || state->holder.since > state->started);
    state->phase = phase_of(state);
    state->unwritten = state->unwritten && state->phase != RUN_COMPLETE; // it had nothing to do
    state->rows_wait = state->rows_wait && state->phase == RUN_GOES_ON;
    return STATUS_OK;
}

static enum status find_folder(const char *given, char folder[FILE_PATH_MAX])
{
    struct stat info;
    if (snprintf(folder, FILE_PATH_MAX, "%s", given) >= FILE_PATH_MAX)
        return fail(STATUS_USAGE, "a path of more than %d bytes", FILE_PATH_MAX - 1);
    if (stat(given, &info) == 0 && !S_ISDIR(info.st_mode)) {
        char path[FILE_PATH_MAX];
        memcpy(path, folder, sizeof path);
        snprintf(folder, FILE_PATH_MAX, "%s", dirname(path));
    }
    return STATUS_OK;
}

enum status run_state_read(struct run_state **result, const char *given)
{
    char folder[FILE_PATH_MAX];
    enum status rc = STATUS_OK;
    bool again = true;
    *result = NULL;
    TRY(find_folder(given, folder));
    for (int i = 0; i < ATTEMPTS && again; i++) {
        run_state_destroy(result);
        if (i > 0)
            nanosleep(&(struct timespec){.tv_nsec = 200 * 1000 * 1000}, NULL);
        TRY(ALLOCATE(*result, 1, "for the state of a run"));
        memcpy((*result)->folder, folder, sizeof folder);
        (*result)->known = run_progress_unknown();
        rc = look(*result, given, &again);
    }
    if (rc != STATUS_OK)
        run_state_destroy(result);
    return rc;
}

void run_state_destroy(struct run_state **state)
{
    if (!*state)
        return;
    run_reader_close(&(*state)->reader);
    free(*state);
    *state = NULL;
}
