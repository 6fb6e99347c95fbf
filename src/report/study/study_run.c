// SPDX-License-Identifier: MIT
#include "report/study/study_run.h"
#include "common/system/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runfile/run_images.h"

// One host of a run.
struct node {
    int ranks, workers, cores;
};

// The rank's host, as a number: that of the first rank there.
static int host_of(char *const *hosts, int rank)
{
    int first = 0;
    while (strcmp(hosts[first], hosts[rank]) != 0)
        first++;
    return first;
}

static void crowd(struct study_run *run, const struct node *node, int threads)
{
    const int busy = node->workers * (threads > 0 ? threads : 1);
    if (run->crowded)
        return;
    run->crowded = true;
    if (node->cores <= 0 && node->ranks > 1)
        snprintf(run->crowd, sizeof run->crowd,
                 "a run file does not say how many cores its %d ranks on one host had, so that nobody knows whether they shared them; run "
                 "again with this version",
                 node->ranks);
    else if (node->cores > 0 && node->ranks > node->cores)
        snprintf(run->crowd, sizeof run->crowd, "oversubscribed: %d ranks on %d core%s; these times say nothing about scaling", node->ranks,
                 node->cores, PLURAL(node->cores));
    else if (node->cores > 0 && busy > node->cores)
        snprintf(run->crowd, sizeof run->crowd,
                 "oversubscribed: %d worker%s of %d thread%s on %d core%s; these times say nothing about scaling", node->workers,
                 PLURAL(node->workers), threads, PLURAL(threads), node->cores, PLURAL(node->cores));
    else
        run->crowded = false;
}

void study_run_place(struct study_run *run, char *const *hosts, const int *node_cores, int threads)
{
    struct node *nodes = calloc((size_t)run->ranks, sizeof *nodes);
    bool known = node_cores != NULL;
    run->nodes = run->cores = 0;
    run->crowded = false;
    for (int i = 0; nodes && i < run->ranks; i++) {
        struct node *node = &nodes[host_of(hosts, i)];
        run->nodes += node->ranks == 0;
        node->ranks++;
        node->workers += run->ranks == 1 || i > 0;
        // Two nodes of one name, as containers may be, are one machine: nobody counts its cores twice.
        if (node_cores && node_cores[i] > node->cores)
            node->cores = node_cores[i];
    }
    for (int i = 0; nodes && i < run->ranks; i++)
        if (nodes[i].ranks > 0) {
            crowd(run, &nodes[i], threads);
            run->cores += nodes[i].cores;
            known = known && nodes[i].cores > 0;
        }
    if (!known)
        run->cores = 0;
    free(nodes);
}

static enum status sum_steps(struct run_reader *reader, double *work)
{
    struct run_cursor *cursor;
    TRY(run_cursor_open(&cursor, reader, RUN_STEPS));
    for (const struct step_row *step; (step = run_cursor_next(cursor));)
        *work += (double)step->width * step->height;
    return run_cursor_close(&cursor, STATUS_OK);
}

// FNV-1a. The digests of pictures are added, so that their order does not count.
static uint64_t hash(const char *text)
{
    uint64_t value = UINT64_C(14695981039346656037);
    for (; *text; text++)
        value = (value ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return value;
}

static enum status take_images(struct run_reader *reader, bool explains, struct study_run *run)
{
    struct run_images images;
    enum status rc = STATUS_OK;
    TRY(run_images_read(reader, &images));
    for (size_t i = 0; i < images.count && rc == STATUS_OK; i++) {
        const struct run_image *image = &images.items[i];
        if (image->status == IMAGE_STOPPED)
            rc = fail(STATUS_USAGE, "%s: its time says nothing: the run was stopped; leave it out", run->path);
        run->images += image->status == IMAGE_DONE;
        run->digest += image->status == IMAGE_DONE ? hash(image->sha256) : 0;
        run->work += explains && image->status == IMAGE_DONE ? (double)image->width * image->height : 0;
    }
    run_images_destroy(&images);
    return rc;
}

static enum status check(const char *path, const struct run_facts *facts)
{
    if (facts->complete != 1)
        return fail(STATUS_USAGE, "%s: its time says nothing: the run goes on, was stopped or was killed; leave it out, or run it again",
                    path);
    if (facts->resumed == 1)
        return fail(STATUS_USAGE,
                    "%s: its time says nothing: it is that of the last session of several; leave it out, or run it again with "
                    "--force",
                    path);
    if (facts->elapsed_seconds <= 0)
        return fail(STATUS_FORMAT, "%s: elapsed_seconds is %g; the file is damaged", path, facts->elapsed_seconds);
    return STATUS_OK;
}

static enum status take(struct run_reader *reader, struct study_run *run)
{
    const struct run_facts *facts = &reader->facts;
    const bool explains = strcmp(facts->kind, "explain") == 0;
    snprintf(run->path, sizeof run->path, "%s", reader->path);
    TRY(check(run->path, facts));
    snprintf(run->kind, sizeof run->kind, "%s", facts->kind);
    snprintf(run->version, sizeof run->version, "%s", facts->version);
    run->ranks = facts->ranks;
    run->workers = facts->workers;
    run->seconds = facts->elapsed_seconds;
    config_init(&run->config);
    TRY(config_yaml_read(&run->config, run->path, facts->config, strlen(facts->config)));
    study_run_place(run, facts->hosts.items, facts->node_cores, run->config.threads);
    TRY(take_images(reader, explains, run));
    if (!explains)
        TRY(sum_steps(reader, &run->work));
    if (!(run->work > 0))
        return fail(STATUS_USAGE, "%s: no picture was done, so there is nothing to compare; leave it out", run->path);
    return STATUS_OK;
}

enum status study_run_read(const char *given, struct study_run *run)
{
    struct run_reader *reader;
    memset(run, 0, sizeof *run);
    TRY(run_reader_open(&reader, given));
    const enum status rc = take(reader, run);
    run_reader_close(&reader);
    return rc;
}
