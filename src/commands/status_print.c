// SPDX-License-Identifier: MIT
#include "commands/status_print.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"
#include "common/system/text.h"
#include "coordinator/progress/progress.h"
#include "report/page_data.h"

enum { LINE_MAX_BYTES = FILE_PATH_MAX + 1024, BAR = 32, REASONS_SHOWN = 8, TIME_MAX = 32, IDLE_SAID = 60 };

#define append(text, ...) text_append(text, LINE_MAX_BYTES, __VA_ARGS__)

static void put(FILE *stream, char text[LINE_MAX_BYTES])
{
    text_make_printable(text);
    fprintf(stream, "%s\n", text);
}

// A line with a word in front; "": it belongs to the line before.
static void put_row(FILE *stream, const char *label, const char *format, ...) PRINTF_LIKE(3, 4);
static void put_row(FILE *stream, const char *label, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list args;
    snprintf(text, sizeof text, "  %-9s ", label);
    va_start(args, format);
    vsnprintf(text + strlen(text), sizeof text - strlen(text), format, args);
    va_end(args);
    put(stream, text);
}

static const char *duration(double seconds, char text[PROGRESS_LINE_MAX])
{
    text[0] = '\0';
    progress_append_duration(text, seconds);
    return text;
}

static const char *moment(time_t time, const char *format, char text[TIME_MAX])
{
    struct tm utc;
    if (time == 0 || !gmtime_r(&time, &utc) || !strftime(text, TIME_MAX, format, &utc))
        snprintf(text, TIME_MAX, "an unknown time");
    return text;
}

static bool is_at_work(const struct run_state *state)
{
    return state->phase == RUN_STARTING || state->phase == RUN_GOES_ON;
}

static bool explains(const struct run_state *state)
{
    return state->reader && strcmp(state->reader->facts.kind, "explain") == 0;
}

// Pictures that nobody has in hand any more: those that were saved, or those that a kill has left.
static int64_t unfinished(const struct run_state *state)
{
    const struct run_progress *known = &state->known;
    return known->stopped > 0 || state->phase != RUN_KILLED || known->in_hand < 0 ? known->stopped : known->in_hand;
}

static enum config_use use_of(const struct run_state *state)
{
    return explains(state) ? CONFIG_EXPLAIN : CONFIG_DREAM;
}

static void print_head(const struct run_state *state, FILE *stream)
{
    const struct run_progress *known = &state->known;
    char text[LINE_MAX_BYTES];
    snprintf(text, sizeof text, "%s: %s", state->folder, run_phase_name(state->phase));
    if (state->reader) {
        if (known->inputs < 0)
            append(text, ", %" PRId64, known->done);
        else if (known->done == known->inputs && known->done > 1)
            append(text, ", all %" PRId64, known->done);
        else
            append(text, ", %" PRId64 " of %" PRId64, known->done, known->inputs);
        append(text, explains(state) ? " explained" : " done");
        append(text, state->unwritten ? " before" : "");
        if (known->failed > 0)
            append(text, ", %" PRId64 " failed", known->failed);
        if (!is_at_work(state) && unfinished(state) > 0)
            append(text, ", %" PRId64 " unfinished", unfinished(state));
    }
    put(stream, text);
}

static double seconds_left(const struct run_state *state)
{
    if (state->phase == RUN_COMPLETE)
        return 0;
    return isnan(state->known.seconds_left) || state->phase != RUN_GOES_ON
               ? NAN
               : fmax(state->known.seconds_left - fmin(state->idle, IDLE_SAID), 1);
}

// One that says something.
static bool has_rate(const struct run_state *state)
{
    return state->known.images_per_second > 0.05 / 3600 && state->known.inputs != 1 && state->known.done > 0;
}

static void print_progress(const struct run_state *state, bool utf8, FILE *stream)
{
    const struct run_progress *known = &state->known;
    char text[PROGRESS_LINE_MAX] = "", line[LINE_MAX_BYTES];
    if (isnan(known->progress))
        return;
    progress_append_bar(text, known->progress, BAR, utf8);
    if (state->phase == RUN_GOES_ON) {
        const char *comma = " ";
        if (known->in_hand >= 0) {
            text_append(text, sizeof text, "%s%d in hand", comma, known->in_hand);
            comma = ", ";
        }
        if (has_rate(state)) {
            text_append(text, sizeof text, "%s", comma);
            progress_append_rate(text, known->images_per_second);
            comma = ", ";
        }
        if (!isnan(known->seconds_left)) {
            text_append(text, sizeof text, "%s", comma);
            progress_append_duration(text, seconds_left(state));
            text_append(text, sizeof text, " left");
        }
    }
    snprintf(line, sizeof line, "  %3d%%      %s", (int)(100 * known->progress), text);
    put(stream, line);
}

static int count_hosts(const struct run_facts *facts)
{
    int count = facts->hosts.count > 0;
    for (size_t i = 1; i < facts->hosts.count; i++)
        count += strcmp(facts->hosts.items[i], facts->hosts.items[i - 1]) != 0; // those of a host stand together
    return count;
}

static void append_place(const struct run_state *state, char text[LINE_MAX_BYTES])
{
    const struct folder_holder *h = &state->holder;
    const struct run_facts *facts = state->reader ? &state->reader->facts : NULL;
    if (state->held && h->host[0])
        append(text, "process %lld on %s", h->process, h->host);
    else if (state->held)
        append(text, "an unknown process");
    else if (facts && facts->hosts.count > 0)
        append(text, "on %s", facts->hosts.items[0]);
    if (state->held && h->job)
        append(text, ", job %lld", h->job);
    else if (!state->held && facts && facts->slurm[0])
        append(text, ", job %s", facts->slurm[0]);
    if (facts && !state->unwritten && facts->ranks > 1)
        append(text, ", %d ranks on %d host%s", facts->ranks, count_hosts(facts), PLURAL(count_hosts(facts)));
}

// Who is, or was, at work.
static void print_place(const struct run_state *state, FILE *stream)
{
    char place[LINE_MAX_BYTES] = "", text[PROGRESS_LINE_MAX];
    const struct folder_holder *h = &state->holder;
    append_place(state, place);
    if (is_at_work(state) && !h->here) // else it has been seen
        append(place, "; last sign of life %s ago", duration(state->unwritten ? h->silence : fmin(h->silence, state->idle), text));
    put_row(stream, is_at_work(state) ? "at work" : "ran", "%s", place);
}

// When: of the last session, whether it has written anything or not.
static void print_time(const struct run_state *state, FILE *stream)
{
    static const char format[] = "%Y-%m-%d %H:%M:%S UTC";
    char text[PROGRESS_LINE_MAX], rate[PROGRESS_LINE_MAX] = "", time_text[TIME_MAX];
    const struct folder_holder *h = &state->holder;
    const char *label = !state->unwritten && state->reader->facts.resumed == 1 ? "resumed" : "started";
    moment(state->unwritten ? h->since : state->started, format, time_text);
    if (has_rate(state))
        progress_append_rate(rate, state->known.images_per_second);
    if (state->unwritten && h->since) // else its lock does not say
        put_row(stream, label, "%s%s", time_text, is_at_work(state) ? "" : ", and had written nothing");
    if (!state->unwritten && is_at_work(state))
        put_row(stream, label, "%s, %s ago", time_text, duration(difftime(time(NULL), state->started), text));
    if (!state->unwritten && !is_at_work(state))
        put_row(stream, label, "%s, for %s%s%s%s", time_text, duration(state->reader->facts.elapsed_seconds, text), rate[0] ? " (" : "",
                rate, rate[0] ? ")" : "");
    if (state->phase == RUN_KILLED)
        put_row(stream, "", "last sign of life: %s",
                moment(state->unwritten || h->heard > state->written ? h->heard : state->written, format, time_text));
}

static void append_setting(void *context, const char *key, const char *value)
{
    char(*text)[LINE_MAX_BYTES] = context;
    append(*text, " %s=%s", key, value);
}

static void print_settings(const struct run_state *state, FILE *stream)
{
    char text[LINE_MAX_BYTES] = "";
    struct config config;
    const struct run_facts *facts = &state->reader->facts;
    if (!run_facts_config(facts, &config))
        append(text, ", of oneiros %s, whose settings this version cannot read", facts->version);
    else if (!config_changes(&config, use_of(state), append_setting, &text) || !text[0])
        append(text, ", as by default");
    utf8_clean(text, '?');
    utf8_cut(text, 1000);
    put_row(stream, "settings", "oneiros %s%s", facts->kind, text);
}

// The reason once, and the first pictures that failed for it.
static void print_reason(const struct run_reason *reason, const char *label, FILE *stream)
{
    char names[LINE_MAX_BYTES] = "";
    if (reason->count == 1) {
        put_row(stream, label, "%s: %s", reason->first[0].source, reason->first[0].error);
        return;
    }
    for (size_t i = 0; i < reason->named; i++)
        append(names, "%s%s", i ? ", " : "", reason->first[i].source);
    if (reason->count > (int64_t)reason->named)
        append(names, " and %" PRId64 " more", reason->count - (int64_t)reason->named);
    put_row(stream, label, "%" PRId64 " pictures: %s", reason->count, reason->first[0].error);
    put_row(stream, "", "  %s", names);
}

static void print_failures(const struct run_state *state, FILE *stream)
{
    const struct run_failures *failures = &state->failures;
    int64_t rest = failures->others;
    for (size_t i = 0; i < failures->reasons; i++)
        if (i < REASONS_SHOWN)
            print_reason(&failures->reason[i], i ? "" : "failed", stream);
        else
            rest += failures->reason[i].count;
    if (rest > 0)
        put_row(stream, "", "and %" PRId64 " for other reasons", rest);
}

static void print_advice(const struct run_state *state, FILE *stream)
{
    char text[PROGRESS_LINE_MAX];
    if (state->rows_wait)
        put_row(stream, "rows wait", "run.h5 was last written %s ago: the disk is full, or slow", duration(state->idle, text));
    if (state->phase == RUN_STARTING)
        put_row(stream, "so far", "nothing of this session is written");
    if (state->phase == RUN_STOPPED || state->phase == RUN_KILLED)
        put_row(stream, "next", "the same command goes on with it");
    else if (state->phase == RUN_COMPLETE && state->known.failed > 0)
        put_row(stream, "next", "the same command tries those that failed again");
}

void status_print(const struct run_state *state, bool utf8, FILE *stream)
{
    print_head(state, stream);
    if (state->reader && state->phase != RUN_COMPLETE && state->phase != RUN_STARTING)
        print_progress(state, utf8, stream);
    print_place(state, stream);
    print_time(state, stream);
    if (state->reader) {
        print_settings(state, stream);
        print_failures(state, stream);
    }
    print_advice(state, stream);
}

// JSON.

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

static json_t *count_json(int64_t count)
{
    return count < 0 ? json_null() : json_integer(count);
}

static json_t *moment_json(time_t time)
{
    char text[TIME_MAX];
    return time == 0 ? json_null() : page_data_text(moment(time, "%Y-%m-%dT%H:%M:%SZ", text));
}

static json_t *holder_json(const struct run_state *state)
{
    const struct folder_holder *h = &state->holder;
    json_t *json = json_object();
    if (!state->held) {
        json_decref(json);
        return json_null();
    }
    set(json, "alive", json_boolean(!h->gone));
    set(json, "host", page_data_text(h->host[0] ? h->host : NULL));
    set(json, "process", h->process ? json_integer(h->process) : json_null());
    set(json, "job", h->job ? json_integer(h->job) : json_null());
    set(json, "since", moment_json(h->since));
    set(json, "silent_seconds", page_data_number(h->silence));
    return json;
}

static void set_setting(void *context, const char *key, const char *value)
{
    set(context, key, page_data_text(value));
}

static json_t *settings_json(const struct run_state *state)
{
    struct config config;
    json_t *json = json_object();
    if (run_facts_config(&state->reader->facts, &config) && config_changes(&config, use_of(state), set_setting, json))
        return json;
    json_decref(json);
    return json_null();
}

static json_t *failures_json(const struct run_failures *failures)
{
    json_t *list = json_array();
    for (size_t i = 0; i < failures->named; i++) {
        json_t *failure = json_object();
        set(failure, "image", json_integer(failures->first[i].image));
        set(failure, "source", page_data_text(failures->first[i].source));
        set(failure, "error", page_data_text(failures->first[i].error));
        json_array_append_new(list, failure);
    }
    return list;
}

static json_t *sources_json(const struct run_reason *reason)
{
    json_t *list = json_array();
    for (size_t i = 0; i < reason->named; i++)
        json_array_append_new(list, page_data_text(reason->first[i].source));
    return list;
}

static json_t *reasons_json(const struct run_failures *failures)
{
    json_t *list = json_array();
    for (size_t i = 0; i < failures->reasons; i++) {
        json_t *reason = json_object();
        set(reason, "count", json_integer(failures->reason[i].count));
        set(reason, "error", page_data_text(failures->reason[i].first[0].error));
        set(reason, "sources", sources_json(&failures->reason[i]));
        json_array_append_new(list, reason);
    }
    return list;
}

// What the run file says.
static void set_run(json_t *json, const struct run_state *state)
{
    const struct run_facts *facts = &state->reader->facts;
    set(json, "kind", page_data_text(facts->kind));
    set(json, "version", page_data_text(facts->version));
    set(json, "started", moment_json(state->started));
    set(json, "elapsed_seconds", page_data_number(facts->elapsed_seconds));
    set(json, "written", moment_json(state->written));
    set(json, "rows_wait", json_boolean(state->rows_wait));
    set(json, "resumed", json_boolean(facts->resumed == 1));
    set(json, "ranks", json_integer(facts->ranks));
    set(json, "workers", json_integer(facts->workers));
    set(json, "hosts", json_integer(count_hosts(facts)));
    set(json, "host", page_data_text(facts->hosts.count > 0 ? facts->hosts.items[0] : NULL));
    set(json, "slurm_job_id", page_data_text(facts->slurm[0]));
    set(json, "settings", settings_json(state));
    set(json, "failures", failures_json(&state->failures));
    set(json, "reasons", reasons_json(&state->failures));
    set(json, "other_reasons", json_integer(state->failures.others));
}

json_t *status_json(const struct run_state *state)
{
    const struct run_progress *known = &state->known;
    json_t *json = json_object();
    set(json, "folder", page_data_text(state->folder));
    set(json, "state", page_data_text(run_phase_name(state->phase)));
    set(json, "inputs", count_json(known->inputs));
    set(json, "done", count_json(known->done));
    set(json, "failed", count_json(known->failed));
    set(json, "stopped", count_json(known->stopped));
    set(json, "in_hand", count_json(known->in_hand));
    set(json, "progress", page_data_number(known->progress));
    set(json, "images_per_second", page_data_number(known->images_per_second));
    set(json, "seconds_left", page_data_number(state->reader ? seconds_left(state) : NAN));
    set(json, "holder", holder_json(state));
    if (state->reader)
        set_run(json, state);
    return json;
}
