// SPDX-License-Identifier: MIT
#include "runfile/run_facts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/hdf5/hdf5_attributes.h"
#include "common/hdf5/hdf5_file.h"

enum { TEXT_MAX = 1 << 20 };

enum kind { TEXT, INTEGER, WHOLE, UNSIGNED, REAL, HOSTS, INTEGERS }; // the last two, one a rank, are read only
static const struct attribute {
    enum kind kind;
    const char *name;
    size_t offset; // in struct run_facts
    bool optional; // there are run files without it
    bool changes;  // with each write
} attributes[] = {
#define FACT(name, kind, optional)                                                                                                         \
    {                                                                                                                                      \
        kind, #name, offsetof(struct run_facts, name), optional, false                                                                     \
    }
#define CHANGES(name, kind, optional)                                                                                                      \
    {                                                                                                                                      \
        kind, #name, offsetof(struct run_facts, name), optional, true                                                                      \
    }
#define PROGRESS(name, kind)                                                                                                               \
    {                                                                                                                                      \
        kind, #name, offsetof(struct run_facts, progress.name), true, true                                                                 \
    }
    FACT(version, TEXT, false),
    FACT(kind, TEXT, false),
    FACT(config, TEXT, false),
    FACT(weights_md5, TEXT, false),
    FACT(weights_source, TEXT, false),
    FACT(plan, TEXT, false),
    FACT(statistics_sha256, TEXT, true),
    FACT(class_name, TEXT, true),
    FACT(guide_sha256, TEXT, true),
    FACT(mask_sha256, TEXT, true),
    FACT(seed, UNSIGNED, false),
    FACT(ranks, INTEGER, false), // before the lists
    FACT(hosts, HOSTS, true),
    FACT(cores, INTEGERS, true),
    FACT(node_cores, INTEGERS, true),
    FACT(started, TEXT, false),
    FACT(workers, INTEGER, false),
    FACT(team_size, INTEGER, false),
    FACT(tile_size, INTEGER, false),
    FACT(tile_halo, INTEGER, false),
    FACT(tile_halo_exact, INTEGER, false),
    FACT(tile_blend, INTEGER, false),
    FACT(resumed, INTEGER, true),
    CHANGES(elapsed_seconds, REAL, false),
    CHANGES(complete, INTEGER, false),
    PROGRESS(inputs, WHOLE),
    PROGRESS(done, WHOLE),
    PROGRESS(failed, WHOLE),
    PROGRESS(stopped, WHOLE),
    PROGRESS(in_hand, INTEGER),
    PROGRESS(progress, REAL),
    PROGRESS(images_per_second, REAL),
    PROGRESS(seconds_left, REAL),
};
enum { ATTRIBUTES = sizeof attributes / sizeof attributes[0] };

const struct run_slurm run_slurm[RUN_SLURM_COUNT] = {
    {"slurm_job_id", "SLURM_JOB_ID"},
    {"slurm_job_name", "SLURM_JOB_NAME"},
    {"slurm_array_job_id", "SLURM_ARRAY_JOB_ID"},
    {"slurm_array_task_id", "SLURM_ARRAY_TASK_ID"},
    {"slurm_cluster_name", "SLURM_CLUSTER_NAME"},
    {"slurm_job_partition", "SLURM_JOB_PARTITION"},
    {"slurm_job_nodelist", "SLURM_JOB_NODELIST"},
    {"slurm_restart_count", "SLURM_RESTART_COUNT"},
};

static herr_t write_one(hid_t file, const struct attribute *attribute, const struct run_facts *facts)
{
    const void *member = (const char *)facts + attribute->offset;
    switch (attribute->kind) {
    case TEXT:
        return hdf5_add_text(file, attribute->name, *(const char *const *)member);
    case INTEGER:
        return hdf5_set_number(file, attribute->name, H5T_NATIVE_INT, member);
    case WHOLE:
        return hdf5_set_number(file, attribute->name, H5T_NATIVE_INT64, member);
    case UNSIGNED:
        return hdf5_set_number(file, attribute->name, H5T_NATIVE_UINT64, member);
    case REAL:
        return hdf5_set_number(file, attribute->name, H5T_NATIVE_DOUBLE, member);
    case HOSTS:
    case INTEGERS:
        break;
    }
    return 0;
}

herr_t run_facts_write(hid_t file, const struct run_facts *facts)
{
    herr_t done = hdf5_add_text(file, "program", "oneiros");
    for (int i = 0; i < ATTRIBUTES && done >= 0; i++)
        done = write_one(file, &attributes[i], facts);
    for (int i = 0; i < RUN_SLURM_COUNT && done >= 0; i++)
        if (getenv(run_slurm[i].variable))
            done = hdf5_add_text(file, run_slurm[i].name, getenv(run_slurm[i].variable));
    return done;
}

herr_t run_facts_update(hid_t file, const struct run_facts *facts)
{
    herr_t done = 0;
    for (int i = 0; i < ATTRIBUTES && done >= 0; i++)
        if (attributes[i].changes)
            done = write_one(file, &attributes[i], facts);
    return done;
}

struct run_progress run_progress_unknown(void)
{
    return (struct run_progress){-1, -1, -1, -1, -1, NAN, NAN, NAN};
}

static int *read_integers(hid_t file, const char *name, size_t count)
{
    int *values = calloc(count, sizeof *values);
    if (values && !hdf5_read_numbers(file, name, H5T_NATIVE_INT, count, values)) {
        free(values);
        values = NULL;
    }
    return values;
}

static bool read_one(hid_t file, const struct attribute *attribute, struct run_facts *facts)
{
    void *member = (char *)facts + attribute->offset;
    const char *name = attribute->name;
    const bool ranks_known = facts->ranks >= 1 && facts->ranks <= RUN_RANKS_MAX;
    const struct hdf5_limits limits = {.count = (size_t)facts->ranks, .bytes = TEXT_MAX, .variable = true};
    switch (attribute->kind) {
    case TEXT:
        return (*(char **)member = hdf5_read_text(file, name, TEXT_MAX)) != NULL;
    case HOSTS:
        if (ranks_known && hdf5_read_texts(file, name, &limits, &facts->hosts) == STATUS_OK && facts->hosts.count == limits.count)
            return true;
        hdf5_free_texts(&facts->hosts);
        return false;
    case INTEGERS:
        return ranks_known && (*(int **)member = read_integers(file, name, limits.count)) != NULL;
    case INTEGER:
        return hdf5_read_numbers(file, name, H5T_NATIVE_INT, 1, member);
    case WHOLE:
        return hdf5_read_numbers(file, name, H5T_NATIVE_INT64, 1, member);
    case UNSIGNED:
        return hdf5_read_numbers(file, name, H5T_NATIVE_UINT64, 1, member);
    case REAL:
        return hdf5_read_numbers(file, name, H5T_NATIVE_DOUBLE, 1, member);
    }
    return false;
}

static bool read_targets(hid_t file, struct hdf5_texts *targets)
{
    const struct hdf5_limits limits = {.count = CONFIG_TARGETS_MAX, .bytes = TEXT_MAX, .variable = true};
    HDF5_HANDLE images = H5Oopen(file, "images", H5P_DEFAULT);
    return images >= 0 && hdf5_read_texts(images, "targets", &limits, targets) == STATUS_OK && targets->count > 0;
}

enum status run_facts_read(hid_t file, struct run_facts *facts)
{
    *facts = (struct run_facts){.resumed = -1, .progress = run_progress_unknown()};
    bool good = true;
    for (int i = 0; i < ATTRIBUTES && good; i++)
        good = read_one(file, &attributes[i], facts) || attributes[i].optional;
    for (int i = 0; i < RUN_SLURM_COUNT; i++)
        facts->slurm[i] = hdf5_read_text(file, run_slurm[i].name, TEXT_MAX);
    if (good && facts->workers >= 1 && facts->workers <= facts->ranks && isfinite(facts->elapsed_seconds) && facts->elapsed_seconds >= 0 &&
        read_targets(file, &facts->targets))
        return STATUS_OK;
    run_facts_destroy(facts);
    return fail(STATUS_FORMAT, "it does not say what it is of; the file is damaged, or no run file");
}

bool run_facts_config(const struct run_facts *facts, struct config *config)
{
    config_init(config);
    return config_yaml_read(config, "run.h5", facts->config, strlen(facts->config)) == STATUS_OK;
}

void run_facts_destroy(struct run_facts *facts)
{
    for (int i = 0; i < ATTRIBUTES; i++) {
        void *member = (char *)facts + attributes[i].offset;
        if (attributes[i].kind == TEXT || attributes[i].kind == INTEGERS)
            free(*(void **)member);
    }
    for (int i = 0; i < RUN_SLURM_COUNT; i++)
        free(facts->slurm[i]);
    hdf5_free_texts(&facts->hosts);
    hdf5_free_texts(&facts->targets);
    *facts = (struct run_facts){0};
}
