// SPDX-License-Identifier: MIT
#include "common/config/config.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config/config_schema.h"
#include "common/config/config_targets.h"
#include "common/config/config_value.h"
#include "common/config/nearest.h"
#include "common/picture/image.h"
#include "common/system/file.h"
#include "common/system/text.h"

enum { FILE_LIMIT = 1 << 20 };

void config_init(struct config *config)
{
    memset(config, 0, sizeof *config); // padding included: configurations are compared as bytes
    for (int i = 0; i < config_key_count; i++) {
        enum status rc = config_value_parse(config, &config_keys[i], config_keys[i].initial);
        assert(rc == STATUS_OK);
        (void)rc;
    }
}

enum status config_load_file(struct config *config, const char *path)
{
    void *bytes = NULL;
    size_t size = 0;
    TRY(file_read_any(path, FILE_LIMIT, &bytes, &size));
    const enum status rc = config_yaml_read(config, path, bytes, size);
    free(bytes);
    return rc;
}

// Presets: files with a name, in the first of three folders that has them.

enum { FOLDERS = CONFIG_FOLDERS, NAME_MAX_LENGTH = 63, KNOWN_MAX = 128 };
static const char extension[] = ".yaml";

enum status config_folders(const char *kind, char folders[CONFIG_FOLDERS][FILE_PATH_MAX])
{
    const char *roots[CONFIG_FOLDERS] = {getenv("ONEIROS_CONFIG_DIR"), ONEIROS_CONFIG_DIR, ONEIROS_SOURCE_CONFIG_DIR};
    for (int i = 0; i < CONFIG_FOLDERS; i++) {
        folders[i][0] = '\0';
        if (roots[i] && roots[i][0])
            TRY(file_join(folders[i], roots[i], kind));
    }
    return STATUS_OK;
}

struct known {
    char names[KNOWN_MAX][NAME_MAX_LENGTH + 1];
    int count;
};

static void add_known(struct known *known, const char *file_name)
{
    const char *end = strrchr(file_name, '.');
    if (file_name[0] == '.' || !end || strcmp(end, extension) != 0 || end - file_name > NAME_MAX_LENGTH || known->count == KNOWN_MAX)
        return;
    snprintf(known->names[known->count++], sizeof known->names[0], "%.*s", (int)(end - file_name), file_name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static enum status fail_unknown(const char *name, char folders[FOLDERS][FILE_PATH_MAX])
{
    struct known known = {.count = 0};
    for (int i = 0; i < FOLDERS; i++) {
        DIR *folder = folders[i][0] ? opendir(folders[i]) : NULL;
        if (!folder)
            continue;
        for (const struct dirent *entry; (entry = readdir(folder));)
            add_known(&known, entry->d_name);
        closedir(folder);
    }
    qsort(known.names, (size_t)known.count, sizeof known.names[0], compare_names);

    struct nearest nearest;
    nearest_init(&nearest, name);
    char list[512] = "", hint[NEAREST_HINT_MAX];
    for (int i = 0; i < known.count; i++)
        if (i == 0 || strcmp(known.names[i], known.names[i - 1]) != 0) { // several folders may have it
            nearest_offer(&nearest, known.names[i]);
            text_append(list, sizeof list, "%s%s", i ? ", " : "", known.names[i]);
        }
    return fail(STATUS_USAGE, "unknown preset %s%s (known: %s)", name, nearest_hint(&nearest, "", hint), known.count ? list : "none found");
}

enum status config_load_preset(struct config *config, const char *name)
{
    char folders[FOLDERS][FILE_PATH_MAX], path[FILE_PATH_MAX], file_name[NAME_MAX_LENGTH + sizeof extension], shown[TEXT_EXCERPT_MAX];
    size_t length = strlen(name);
    text_excerpt(name, shown);
    if (length == 0 || length > NAME_MAX_LENGTH || name[0] == '.' || strchr(name, '/'))
        return fail(STATUS_USAGE, "'%s' is not the name of a preset (a file is given with -c)", shown);
    snprintf(file_name, sizeof file_name, "%s%s", name, extension);
    TRY(config_folders("presets", folders));
    for (int i = 0; i < FOLDERS; i++) {
        if (!folders[i][0])
            continue;
        TRY(file_join(path, folders[i], file_name));
        if (access(path, F_OK) == 0)
            return config_load_file(config, path);
    }
    return fail_unknown(shown, folders);
}

enum status config_set(struct config *config, const char *key_value)
{
    char name[CONFIG_KEY_MAX], shown[TEXT_EXCERPT_MAX];
    size_t length = strcspn(key_value, "=");
    if (key_value[length] != '=' || length == 0)
        return fail(STATUS_USAGE, "-s %s: write KEY=VALUE", text_excerpt(key_value, shown));
    snprintf(name, sizeof name, "%.*s", (int)length, key_value); // one that is cut here is no key either
    const struct config_key *key = config_find(name);
    if (!key)
        return fail_in(config_unknown_key(name), "-s %s", text_excerpt(key_value, shown));
    return fail_in(config_value_parse(config, key, key_value + length + 1), "-s %s", name);
}

static const char env_prefix[] = "ONEIROS_";

// ONEIROS_OCTAVES_COUNT for octaves.count.
static void environment_name(const struct config_key *key, char out[CONFIG_KEY_MAX + sizeof env_prefix])
{
    char *end = stpcpy(out, env_prefix);
    for (const char *c = key->name; *c; c++)
        *end++ = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
    *end = '\0';
}

// Names that are no keys but have their reasons: ours, and what environment modules and package managers set for a program.
static bool is_reserved(const char *name)
{
    static const char *const names[] = {"ONEIROS_CONFIG_DIR", "ONEIROS_ROOT",   "ONEIROS_HOME",    "ONEIROS_DIR", "ONEIROS_BASE",
                                        "ONEIROS_BIN",        "ONEIROS_PREFIX", "ONEIROS_VERSION", "ONEIROS_SIMD"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

// What is typed may also be meant for a group alone, or for the last part of a name.
static void offer_parts(struct nearest *nearest, const struct config_key *key, const char *variable)
{
    const char *name = variable + sizeof env_prefix - 1, *dot = strchr(key->name, '.');
    char group[CONFIG_KEY_MAX];
    nearest_offer_as(nearest, name, variable);
    if (!dot)
        return;
    snprintf(group, sizeof group, "%.*s", (int)(dot - key->name), name);
    nearest_offer_as(nearest, group, variable);
    nearest_offer_as(nearest, name + (strrchr(key->name, '.') + 1 - key->name), variable);
}

static enum status set_from_environment(struct config *config, const char *name, const char *value)
{
    const char *const typed = name + sizeof env_prefix - 1;
    const size_t length = strlen(typed);
    char variable[CONFIG_KEY_MAX + sizeof env_prefix], hint[NEAREST_HINT_MAX], of_group[512] = "";
    struct nearest nearest;
    nearest_init(&nearest, typed);
    for (int i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        environment_name(key, variable);
        if (strcmp(variable, name) == 0)
            return fail_in(config_value_parse(config, key, value), "%s", name);
        if (strncmp(variable + sizeof env_prefix - 1, typed, length) == 0 && key->name[length] == '.')
            text_append(of_group, sizeof of_group, "%s%s", of_group[0] ? ", " : "", variable);
        offer_parts(&nearest, key, variable);
    }
    if (of_group[0])
        return fail(STATUS_USAGE, "environment variable %s names several keys: take one of %s", name, of_group);
    return fail(STATUS_USAGE, "environment variable %s names no key%s", name,
                nearest_hint(&nearest, "; `oneiros dream --help` lists the keys", hint));
}

enum status config_load_environment(struct config *config, char *const *environment)
{
    for (; environment && *environment; environment++) {
        const char *equals = strchr(*environment, '=');
        if (!equals || strncmp(*environment, env_prefix, sizeof env_prefix - 1) != 0)
            continue;
        char name[TEXT_EXCERPT_MAX];
        snprintf(name, sizeof name, "%.*s", (int)(equals - *environment), *environment);
        if (!is_reserved(name))
            TRY(set_from_environment(config, name, equals + 1));
    }
    return STATUS_OK;
}

static enum status check_objective(const struct config *config)
{
    const bool guide = config->objective == OBJECTIVE_GUIDE, class = config->objective == OBJECTIVE_CLASS;
    bool any = false;
    for (int i = 0; i < config->targets.count; i++) {
        const struct config_target *target = &config->targets.items[i];
        any = any || target->weight != 0;
        if ((guide || class) && (target->channel_count || target->lowered_count || target->automatic || target->place_count))
            return fail(STATUS_USAGE, "targets: objective: %s takes whole layers, without # and @", guide ? "guide" : "class");
    }
    if (!any)
        return fail(STATUS_USAGE, "targets: every weight is 0, so there is nothing to raise");
    if (guide && strcmp(config->guide, "none") == 0)
        return fail(STATUS_USAGE, "objective: guide needs a picture: set guide to its file or URL");
    if (guide && config->guidance.importance > 0)
        return fail(STATUS_USAGE, "guidance.importance: objective: guide has no weights of channels");
    if (config->cam.method == CAM_CLASS && !class)
        return fail(STATUS_USAGE, "cam.method: class needs objective: class");
    return STATUS_OK;
}

// Small pictures have fewer octaves than others, but none is dreamed with nothing to raise.
static enum status check_octaves(const struct config *config)
{
    const int most = config->octaves.count == GEOMETRY_OCTAVES_AUTO ? GEOMETRY_OCTAVES_MAX : config->octaves.count;
    for (int count = most; count > 1; count--)
        for (int octave = 0; octave < count; octave++) {
            bool any = false;
            for (int i = 0; i < config->targets.count; i++)
                any = any || (config->targets.items[i].weight != 0 && config_target_counts(&config->targets.items[i], octave, count));
            if (!any)
                return fail(STATUS_USAGE, "targets: none counts at %.3g of the way from the smallest octave to full size%s",
                            (double)octave / (count - 1), count < most ? ", where a picture too small for all octaves has one" : "");
        }
    return STATUS_OK;
}

static enum status check_cam_layer(const struct config *config)
{
    bool known = strcmp(config->cam.layer, "auto") == 0;
    for (int i = 0; i < config->targets.count; i++)
        known = known || strcmp(config->cam.layer, config->targets.items[i].layer) == 0;
    return known ? STATUS_OK : fail(STATUS_USAGE, "cam.layer: %s is none of the targets", config->cam.layer);
}

static enum status check_baselines(const char *text)
{
    static const char *const words[] = {"black", "blurred", "images"};
    enum { WORDS = sizeof words / sizeof words[0] };
    char copy[CONFIG_NAME_MAX], *rest = copy;
    bool seen[WORDS] = {false};
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word; (word = strsep(&rest, ","));) {
        int i = 0;
        while (i < WORDS && strcmp(word, words[i]) != 0)
            i++;
        if (i == WORDS || seen[i])
            return fail(STATUS_USAGE, "importance.baselines: %s is not a list of black, blurred and images with commas", text);
        seen[i] = true;
    }
    return STATUS_OK;
}

bool config_weighs_channels(const struct config *config)
{
    return config->objective == OBJECTIVE_MEAN_SQUARE || config->objective == OBJECTIVE_MEAN;
}

static enum status check_statistics(const struct config *config)
{
    if (config_needs_statistics(config) && config->network_input != NETWORK_INPUT_SIGNED)
        return fail(STATUS_USAGE, "balance and channels: auto need network_input: signed, which channels were measured with");
    return STATUS_OK;
}

enum status config_check(const struct config *config)
{
    struct image_choice choice;
    TRY(image_choice_parse(&choice, config->input.bands, config->input.range));
    TRY(check_objective(config));
    TRY(check_octaves(config));
    TRY(check_cam_layer(config));
    TRY(check_statistics(config));
    return check_baselines(config->importance.baselines);
}

bool config_chooses_channels(const struct config *config)
{
    bool chooses = false;
    for (int i = 0; i < config->targets.count; i++)
        chooses = chooses || config->targets.items[i].automatic > 0;
    return chooses;
}

bool config_needs_statistics(const struct config *config)
{
    return config_chooses_channels(config) || (config->balance > 0 && config_weighs_channels(config));
}

bool config_wants_statistics(const struct config *config)
{
    return config_needs_statistics(config) ||
           (config->balance == BALANCE_AUTO && config_weighs_channels(config) && config->network_input == NETWORK_INPUT_SIGNED);
}

bool config_has_baseline(const struct config *config, const char *word)
{
    return strstr(config->importance.baselines, word) != NULL; // no word is a part of another
}
