// SPDX-License-Identifier: MIT
#include "common/config/config.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <math.h>
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

// All that there are, by name; one that several folders have is there several times.
static void find_known(char folders[FOLDERS][FILE_PATH_MAX], struct known *known)
{
    known->count = 0;
    for (int i = 0; i < FOLDERS; i++) {
        DIR *folder = folders[i][0] ? opendir(folders[i]) : NULL;
        if (!folder)
            continue;
        for (const struct dirent *entry; (entry = readdir(folder));)
            add_known(known, entry->d_name);
        closedir(folder);
    }
    qsort(known->names, (size_t)known->count, sizeof known->names[0], compare_names);
}

static enum status fail_unknown(const char *name, char folders[FOLDERS][FILE_PATH_MAX])
{
    struct known known;
    find_known(folders, &known);

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

// The file of the first folder that has it; empty: none has.
static enum status find_preset(char folders[FOLDERS][FILE_PATH_MAX], const char *name, char path[FILE_PATH_MAX])
{
    char file_name[NAME_MAX_LENGTH + sizeof extension];
    snprintf(file_name, sizeof file_name, "%s%s", name, extension);
    for (int i = 0; i < FOLDERS; i++) {
        if (!folders[i][0])
            continue;
        TRY(file_join(path, folders[i], file_name));
        if (access(path, F_OK) == 0)
            return STATUS_OK;
    }
    path[0] = '\0';
    return STATUS_OK;
}

enum status config_load_preset(struct config *config, const char *name)
{
    char folders[FOLDERS][FILE_PATH_MAX], path[FILE_PATH_MAX], shown[TEXT_EXCERPT_MAX];
    size_t length = strlen(name);
    text_excerpt(name, shown);
    if (length == 0 || length > NAME_MAX_LENGTH || name[0] == '.' || strchr(name, '/'))
        return fail(STATUS_USAGE, "'%s' is not the name of a preset (a file is given with -c)", shown);
    TRY(config_folders("presets", folders));
    TRY(find_preset(folders, name, path));
    return path[0] ? config_load_file(config, path) : fail_unknown(shown, folders);
}

// The first line of a preset's comment that is not the licence's; empty: it has none.
static void read_summary(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "r");
    line[0] = '\0';
    while (file && fgets(line, (int)size, file) && strncmp(line, "# SPDX", 6) == 0)
        line[0] = '\0';
    if (file)
        fclose(file);
    line[strcspn(line, "\n")] = '\0';
    text_make_printable(line);
    const char *text = line[0] == '#' ? line + 1 + strspn(line + 1, " ") : "";
    memmove(line, text, strlen(text) + 1);
}

void config_print_presets(FILE *stream)
{
    char folders[FOLDERS][FILE_PATH_MAX], path[FILE_PATH_MAX], line[128];
    struct known known;
    if (config_folders("presets", folders) != STATUS_OK)
        return;
    find_known(folders, &known);
    for (int i = 0; i < known.count; i++)
        if ((i == 0 || strcmp(known.names[i], known.names[i - 1]) != 0) && find_preset(folders, known.names[i], path) == STATUS_OK) {
            read_summary(path, line, sizeof line);
            fprintf(stream, "  %-10s  %s\n", known.names[i], line);
        }
}

enum status config_set(struct config *config, const char *key_value)
{
    char name[CONFIG_KEY_MAX], shown[TEXT_EXCERPT_MAX];
    size_t length = strcspn(key_value, "=");
    if (key_value[length] != '=' || length == 0)
        return fail(STATUS_USAGE, "-s %s: write KEY=VALUE", strstr(key_value, "://") ? "..." : text_excerpt(key_value, shown));
    snprintf(name, sizeof name, "%.*s", (int)length, key_value); // one that is cut here is no key either
    const struct config_key *key = config_find(name);
    if (!key)
        return fail_in(config_unknown_key(name), "-s %s", text_excerpt(name, shown));
    if (key->secret)
        return fail(STATUS_USAGE, "-s %s: others can see a command line: set it in a file for -c, or in the environment", name);
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

// The part of the way around `at` where no target counts.
static void find_gap(const struct config_targets *targets, double at, double gap[2])
{
    gap[0] = 0;
    gap[1] = 1;
    for (int i = 0; i < targets->count; i++) {
        const struct config_target *target = &targets->items[i];
        if (target->weight != 0 && target->octaves[1] < at)
            gap[0] = fmax(gap[0], target->octaves[1]);
        else if (target->weight != 0)
            gap[1] = fmin(gap[1], target->octaves[0]);
    }
}

static bool has_layer(const struct config_targets *targets, const char *layer)
{
    bool has = false;
    for (int i = 0; i < targets->count; i++)
        has = has || strcmp(targets->items[i].layer, layer) == 0;
    return has;
}

// What to do where no target counts in octave `octave` of `count`, of `most` that there may be.
static enum status fail_octave(const struct config *config, int octave, int count, int most)
{
    const char *why = "";
    char layer[CONFIG_NAME_MAX];
    double gap[2];
    find_gap(&config->targets, (double)octave / (count - 1), gap);
    for (int i = 3; i < CONFIG_TARGETS_MAX && (i == 3 || has_layer(&config->targets, layer)); i++)
        snprintf(layer, sizeof layer, "mixed%d", i <= 10 ? i : i - 11);
    if (config->octaves.count == GEOMETRY_OCTAVES_AUTO)
        why = "; octaves.count: auto gives pictures any number of octaves, a number gives no more than that";
    else if (count < most)
        why = "; a picture that is too small for all octaves has one there";
    return fail(
        STATUS_USAGE,
        "targets: none counts in %%%g..%g (0: the smallest octave, 1: full size), and each octave needs one: add such as %s%%%g..%g%s",
        gap[0], gap[1], layer, gap[0], gap[1], why);
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
                return fail_octave(config, octave, count, most);
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

// Its value is in no message.
static enum status check_header(const char *header)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"; // RFC 9110, 5.6.2
    const size_t length = strspn(header, letters);
    if (strcmp(header, "none") == 0 || (length > 0 && header[length] == ':' && header[length + 1 + strspn(header + length + 1, " \t")]))
        return STATUS_OK;
    return fail(STATUS_USAGE, "fetch.header: not a header, Name: value");
}

// Whether a text may be the host, or host:port, of an address.
static bool is_host(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_~%", digits[] = "0123456789";
    const char *end = text;
    if (*text == '[') { // IPv6
        end += 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");
        if (end == text + 1 || *end++ != ']')
            return false;
    } else {
        while (*end && (strchr(letters, *end) || (unsigned char)*end >= 0x80))
            end++;
    }
    if (end == text || *end == '\0')
        return end > text;
    const size_t port = *end == ':' ? strspn(end + 1, digits) : 0;
    return port > 0 && port <= 5 && end[1 + port] == '\0';
}

// What is no host would never get the header. Of an address, its host is what to write.
static enum status check_header_host(const char *text)
{
    char host[CONFIG_PATH_MAX];
    const char *scheme = strstr(text, "://"), *start = scheme ? scheme + 3 : text;
    if (is_host(text))
        return STATUS_OK;
    const size_t length = strcspn(start, "/\\?#");
    const char *user = memrchr(start, '@', length);
    snprintf(host, sizeof host, "%.*s", (int)(length - (user ? (size_t)(user + 1 - start) : 0)), user ? user + 1 : start);
    if (host[0] && host[strlen(host) - 1] == ':')
        host[strlen(host) - 1] = '\0';
    return fail(STATUS_USAGE, "fetch.header_host: not a host, or host:port, alone: write %s",
                is_host(host) ? host : "example.org, example.org:8080 or any");
}

static enum status check_faithfulness(const struct config *config)
{
    if (config->faithfulness.steps == 1)
        return fail(STATUS_USAGE, "faithfulness.steps: a curve has 2 steps at least, 16 are usual; 0 is none");
    return STATUS_OK;
}

static enum status check_motion(const struct config *config)
{
    double x, y;
    if (config->motion.fade > config->motion.lead || 2 * config->motion.fade > config->motion.segment)
        return fail(STATUS_USAGE, "motion.fade is %d frames: at most motion.lead, %d, and half of motion.segment, %d", config->motion.fade,
                    config->motion.lead, config->motion.segment);
    return config_zoom_centre(config, &x, &y);
}

enum status config_zoom_centre(const struct config *config, double *x, double *y)
{
    const char *centre = config->zoom.centre;
    int end = 0;
    if (sscanf(centre, "%lf/%lf%n", x, y, &end) == 2 && !centre[end] && *x >= 0 && *x <= 1 && *y >= 0 && *y <= 1)
        return STATUS_OK;
    return fail(STATUS_USAGE, "zoom.centre is X/Y, parts of the width and the height from 0 to 1, not '%s'", centre);
}

enum status config_check(const struct config *config)
{
    struct image_choice choice;
    TRY(image_choice_parse(&choice, config->input.bands, config->input.range));
    TRY(check_header(config->fetch.header));
    TRY(check_header_host(config->fetch.header_host));
    TRY(check_objective(config));
    TRY(check_octaves(config));
    TRY(check_cam_layer(config));
    TRY(check_statistics(config));
    TRY(check_faithfulness(config));
    TRY(check_motion(config));
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
