// SPDX-License-Identifier: MIT
#include "report/run_facts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config/config.h"
#include "common/hdf5/hdf5_error.h"
#include "common/system/utf8.h"
#include "runfile/columns.h"
#include "runfile/run_attributes.h"
#include "runfile/run_file.h"
#include "runfile/run_file_inside.h"

enum { TEXT_MAX = 1 << 20 };

enum status run_facts_path(const char *given, char path[FILE_PATH_MAX])
{
    struct stat info;
    if (stat(given, &info) == 0 && S_ISDIR(info.st_mode))
        return file_join(path, given, "run.h5");
    if (strlen(given) >= FILE_PATH_MAX)
        return fail(STATUS_USAGE, "a path of more than %d bytes", FILE_PATH_MAX - 1);
    strcpy(path, given);
    return STATUS_OK;
}

enum status run_facts_open(const char *path, hid_t *file)
{
    int version = 0;
    *file = -1;
    if (access(path, R_OK) != 0)
        return fail(STATUS_IO, "%s: %m; give the output folder of `oneiros dream` or `oneiros explain`", path);
    *file = run_file_open(path);
    if (*file < 0)
        return hdf5_fail(path, "this is no run file, or a damaged one");
    if (run_attribute_read_integer(*file, "format_version", &version) >= 0 && version == RUN_FILE_FORMAT_VERSION)
        return STATUS_OK;
    H5Fclose(*file);
    *file = -1;
    if (version > 0)
        return fail(STATUS_FORMAT, "%s: a run file of format %d, this program reads %d; use the version of oneiros that wrote it", path,
                    version, RUN_FILE_FORMAT_VERSION);
    return fail(STATUS_FORMAT, "%s: HDF5, but no run file of oneiros, or a damaged one", path);
}

static char *text_of(hid_t file, const char *name)
{
    char *text = run_attribute_read_text(file, name, TEXT_MAX);
    if (text)
        utf8_clean(text, '?');
    return text;
}

static bool read_texts(hid_t file, struct run_facts *facts)
{
    facts->version = text_of(file, "version");
    facts->kind = text_of(file, "kind");
    facts->config = text_of(file, "config");
    facts->weights_md5 = text_of(file, "weights_md5");
    facts->weights_source = text_of(file, "weights_source");
    facts->plan = text_of(file, "plan");
    facts->started = text_of(file, "started");
    for (int i = 0; i < RUN_SLURM_COUNT; i++)
        facts->slurm[i] = text_of(file, run_slurm_names[i]);
    return facts->version && facts->kind && facts->config && facts->weights_md5 && facts->weights_source && facts->plan && facts->started;
}

static bool read_integers(hid_t file, struct run_facts *facts)
{
    const struct {
        const char *name;
        int *value;
    } numbers[] = {{"ranks", &facts->ranks},          {"workers", &facts->workers},     {"team_size", &facts->team_size},
                   {"tile_size", &facts->tile_size},  {"tile_halo", &facts->tile_halo}, {"tile_halo_exact", &facts->tile_halo_exact},
                   {"tile_blend", &facts->tile_blend}};
    int complete = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (run_attribute_read_integer(file, numbers[i].name, numbers[i].value) < 0)
            return false;
    if (run_attribute_read_integer(file, "complete", &complete) < 0)
        return false;
    facts->complete = complete == 1;
    if (run_attribute_read_integer(file, "resumed", &facts->resumed) < 0)
        facts->resumed = -1;
    return facts->ranks >= 1 && facts->ranks <= RUN_FACTS_RANKS_MAX && facts->workers >= 1 && facts->workers <= facts->ranks;
}

static bool read_all(hid_t file, struct run_facts *facts)
{
    size_t hosts = 0;
    if (!read_texts(file, facts) || !read_integers(file, facts))
        return false;
    if (run_attribute_read_number(file, "seed", H5T_NATIVE_UINT64, &facts->seed) < 0 ||
        run_attribute_read_number(file, "elapsed_seconds", H5T_NATIVE_DOUBLE, &facts->elapsed) < 0)
        return false;
    facts->hosts = columns_texts(file, ".", "hosts", (size_t)facts->ranks, &hosts);
    if (!facts->hosts || hosts != (size_t)facts->ranks) {
        columns_free_texts(facts->hosts, hosts);
        facts->hosts = NULL;
        return false;
    }
    facts->cores = columns_integers(file, "cores", hosts);
    facts->node_cores = columns_integers(file, "node_cores", hosts);
    facts->targets = columns_texts(file, "images", "targets", CONFIG_TARGETS_MAX, &facts->target_count);
    return facts->targets && isfinite(facts->elapsed) && facts->elapsed >= 0;
}

enum status run_facts_read(hid_t file, const char *path, struct run_facts *facts)
{
    *facts = (struct run_facts){.resumed = -1};
    if (read_all(file, facts))
        return STATUS_OK;
    run_facts_destroy(facts);
    return fail(STATUS_FORMAT, "%s: it does not say what it is of; the file is damaged, or no run file", path);
}

void run_facts_destroy(struct run_facts *facts)
{
    char *const texts[] = {facts->version,        facts->kind, facts->config, facts->weights_md5,
                           facts->weights_source, facts->plan, facts->started};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    for (int i = 0; i < RUN_SLURM_COUNT; i++)
        free(facts->slurm[i]);
    columns_free_texts(facts->hosts, (size_t)facts->ranks);
    columns_free_texts(facts->targets, facts->target_count);
    free(facts->cores);
    free(facts->node_cores);
    *facts = (struct run_facts){0};
}
