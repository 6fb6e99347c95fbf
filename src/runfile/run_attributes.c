// SPDX-License-Identifier: MIT
#include "runfile/run_attributes.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/system/utf8.h"
#include "runfile/run_series.h"

static herr_t add_texts(hid_t object, const char *name, hid_t space, const char *const *texts)
{
    herr_t done = -1;
    hid_t type = run_text_type(H5T_VARIABLE);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute >= 0) {
        done = H5Awrite(attribute, type, texts);
        H5Aclose(attribute);
    }
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    return done;
}

herr_t run_attribute_text(hid_t object, const char *name, const char *text)
{
    return add_texts(object, name, H5Screate(H5S_SCALAR), &text);
}

herr_t run_attribute_texts(hid_t object, const char *name, const char *const *texts, size_t count)
{
    hsize_t size = count;
    return add_texts(object, name, H5Screate_simple(1, &size, NULL), texts);
}

static herr_t add_text(hid_t root, const char *name, const char *text)
{
    char *clean = strdup(text);
    if (!clean)
        return -1;
    utf8_clean(clean, '?');
    herr_t done = run_attribute_text(root, name, clean);
    free(clean);
    return done;
}

static herr_t set_number(hid_t root, const char *name, hid_t type, const void *value)
{
    herr_t done = -1;
    hid_t space = -1, attribute = -1;
    if (H5Aexists(root, name) > 0) {
        attribute = H5Aopen(root, name, H5P_DEFAULT);
    } else {
        space = H5Screate(H5S_SCALAR);
        attribute = H5Acreate2(root, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    }
    if (attribute >= 0) {
        done = H5Awrite(attribute, type, value);
        H5Aclose(attribute);
    }
    if (space >= 0)
        H5Sclose(space);
    return done;
}

herr_t run_attribute_integer(hid_t object, const char *name, int value)
{
    return set_number(object, name, H5T_NATIVE_INT, &value);
}

herr_t run_attribute_integers(hid_t object, const char *name, const int *values, size_t count)
{
    const hsize_t size = count;
    herr_t done = -1;
    hid_t space = H5Screate_simple(1, &size, NULL);
    hid_t attribute = space < 0 ? -1 : H5Acreate2(object, name, H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute >= 0) {
        done = H5Awrite(attribute, H5T_NATIVE_INT, values);
        H5Aclose(attribute);
    }
    if (space >= 0)
        H5Sclose(space);
    return done;
}

herr_t run_attribute_read_number(hid_t object, const char *name, hid_t type, void *value)
{
    herr_t done = -1;
    hid_t attribute = H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : -1;
    hid_t space = attribute < 0 ? -1 : H5Aget_space(attribute);
    if (space >= 0 && H5Sget_simple_extent_npoints(space) == 1)
        done = H5Aread(attribute, type, value);
    if (space >= 0)
        H5Sclose(space);
    if (attribute >= 0)
        H5Aclose(attribute);
    return done;
}

herr_t run_attribute_read_integer(hid_t object, const char *name, int *value)
{
    return run_attribute_read_number(object, name, H5T_NATIVE_INT, value);
}

char *run_attribute_read_text(hid_t object, const char *name, size_t limit)
{
    char *found = NULL, *text = NULL;
    hid_t attribute = H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : -1, type = -1, space = -1, memory = -1;
    if (attribute >= 0) {
        type = H5Aget_type(attribute);
        space = H5Aget_space(attribute);
    }
    if (type >= 0 && space >= 0 && H5Tis_variable_str(type) > 0 && H5Sget_simple_extent_npoints(space) == 1 &&
        H5Aget_storage_size(attribute) <= 64 && (memory = H5Tcopy(H5T_C_S1)) >= 0 && H5Tset_size(memory, H5T_VARIABLE) >= 0 &&
        H5Tset_cset(memory, H5Tget_cset(type)) >= 0 && H5Aread(attribute, memory, &found) >= 0 && found) {
        text = strlen(found) <= limit ? strdup(found) : NULL;
        H5Dvlen_reclaim(memory, space, H5P_DEFAULT, &found);
    }
    const hid_t types[] = {memory, type};
    for (int i = 0; i < 2; i++)
        if (types[i] >= 0)
            H5Tclose(types[i]);
    if (space >= 0)
        H5Sclose(space);
    if (attribute >= 0)
        H5Aclose(attribute);
    return text;
}

herr_t run_attributes_progress(hid_t root, double elapsed, int complete)
{
    if (set_number(root, "elapsed_seconds", H5T_NATIVE_DOUBLE, &elapsed) < 0)
        return -1;
    return set_number(root, "complete", H5T_NATIVE_INT, &complete);
}

const char *const run_slurm_names[RUN_SLURM_COUNT] = {"slurm_job_id",        "slurm_job_name",     "slurm_array_job_id",
                                                      "slurm_array_task_id", "slurm_cluster_name", "slurm_job_partition",
                                                      "slurm_job_nodelist",  "slurm_restart_count"};

static herr_t add_slurm(hid_t root)
{
    for (int i = 0; i < RUN_SLURM_COUNT; i++) {
        char variable[32];
        const size_t length = strlen(run_slurm_names[i]);
        assert(length < sizeof variable);
        for (size_t k = 0; k <= length; k++)
            variable[k] = (char)toupper((unsigned char)run_slurm_names[i][k]);
        const char *value = getenv(variable);
        if (value && add_text(root, run_slurm_names[i], value) < 0)
            return -1;
    }
    return 0;
}

static herr_t add_integers(hid_t root, const struct run_file_header *header, bool resumed)
{
    const struct {
        const char *name;
        int value;
    } attributes[] = {
        {"format_version", RUN_FILE_FORMAT_VERSION},
        {"ranks", header->ranks},
        {"workers", header->workers},
        {"team_size", header->config->team.size},
        {"tile_size", header->tiles->size},
        {"tile_halo", header->tiles->halo},
        {"tile_halo_exact", header->halo_exact},
        {"tile_blend", header->tiles->blend},
        {"resumed", resumed},
    };
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
        if (set_number(root, attributes[i].name, H5T_NATIVE_INT, &attributes[i].value) < 0)
            return -1;
    return 0;
}

herr_t run_attributes_create(hid_t root, const struct run_file_header *header, const char *config, bool resumed)
{
    char started[32];
    struct tm utc;
    time_t time_now = time(NULL);
    if (!gmtime_r(&time_now, &utc) || !strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", &utc))
        return -1;
    if (add_text(root, "program", "oneiros") < 0 || add_text(root, "version", ONEIROS_VERSION) < 0 ||
        add_text(root, "kind", header->kind) < 0 || add_text(root, "config", config) < 0 ||
        add_text(root, "weights_md5", header->weights_md5) < 0 || add_text(root, "weights_source", header->weights_source) < 0 ||
        add_text(root, "plan", header->plan) < 0 || set_number(root, "seed", H5T_NATIVE_UINT64, &header->config->seed) < 0 ||
        run_attribute_texts(root, "hosts", header->hosts, (size_t)header->ranks) < 0 ||
        run_attribute_integers(root, "cores", header->cores, (size_t)header->ranks) < 0 ||
        run_attribute_integers(root, "node_cores", header->node_cores, (size_t)header->ranks) < 0 || add_text(root, "started", started) < 0)
        return -1;
    return add_integers(root, header, resumed) < 0 || add_slurm(root) < 0 ? -1 : run_attributes_progress(root, 0, 0);
}
