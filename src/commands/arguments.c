// SPDX-License-Identifier: MIT
#include "commands/arguments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands/options.h"
#include "common/config/config_schema.h"
#include "common/config/config_value.h"
#include "common/config/nearest.h"
#include "common/picture/geometry.h"
#include "common/system/text.h"
#include "job/launcher.h"
#include "kernels/network/network.h"

#define DREAM_OUTPUT "dreams"
#define EXPLAIN_OUTPUT "why"
#define ATLAS_OUTPUT "atlas"

// The defaults of an atlas where they are not those of a dream: one channel, as far as it goes, and nothing but that.
static const char *const atlas_settings[] = {"targets=mixed4",     "balance=0",        "saturation=none",     "shape.coarse=0",
                                             "octaves.count=auto", "steps=100",        "step_size=0.016",     "octaves.smallest=96",
                                             "smooth=0.4",         "shape.colour=0.4", "gradient_strength=0", "frames.cam=false",
                                             "frames.dream=false"};

// What is on the command line and waits for its turn in the order of precedence.
struct sources {
    struct job_options *options;
    const char *preset, *file, *plan; // NULL: not given
    const char **settings;            // of -s, in the order given
    int setting_count;
};

static enum status take_setting(void *context, const char *value)
{
    struct sources *sources = context;
    sources->settings[sources->setting_count++] = value;
    return STATUS_OK;
}

static enum status take_output(void *context, const char *folder)
{
    struct job_options *options = ((struct sources *)context)->options;
    if (options->output[0])
        return fail(STATUS_USAGE, "-o is given twice");
    if (folder[0] == '\0')
        return fail(STATUS_USAGE, "-o: the name of the output folder is empty");
    if (snprintf(options->output, sizeof options->output, "%s", folder) >= (int)sizeof options->output)
        return fail(STATUS_USAGE, "-o: a path longer than %zu bytes", sizeof options->output - 1);
    return STATUS_OK;
}

static enum status take_max_seconds(void *context, const char *value)
{
    struct sources *sources = context;
    return fail_in(config_parse_real(value, 1, 1e9, &sources->options->max_seconds), "--max-seconds");
}

static enum status take_set(struct job_options *options, const char *setting)
{
    char name[CONFIG_KEY_MAX];
    TRY(config_set(&options->config, setting));
    snprintf(name, sizeof name, "%.*s", (int)strcspn(setting, "="), setting);
    if (!config_key_matters(config_find(name), options->use))
        text_append(options->unseen, sizeof options->unseen, "%s%s", options->unseen[0] ? ", " : "", name);
    return STATUS_OK;
}

static enum status load_config(struct config *config, const struct sources *sources, char *const *environment)
{
    config_init(config);
    for (size_t i = 0; sources->options->use == CONFIG_ATLAS && i < sizeof atlas_settings / sizeof atlas_settings[0]; i++)
        TRY(config_set(config, atlas_settings[i]));
    if (sources->preset)
        TRY(config_load_preset(config, sources->preset));
    if (sources->file)
        TRY(config_load_file(config, sources->file));
    TRY(config_load_environment(config, environment));
    for (int i = 0; i < sources->setting_count; i++)
        TRY(take_set(sources->options, sources->settings[i]));
    if (sources->plan)
        TRY(fail_in(config_value_parse(config, config_find("plan"), sources->plan), "--plan"));
    if (sources->options->use == CONFIG_EXPLAIN &&
        !sources->options->print_config) { // what the network sees, not what a dream would make of it
        config->balance = config->balance == BALANCE_AUTO ? 0 : config->balance;
        config->saturation = SATURATION_NONE;
    }
    return arguments_check_config(config);
}

// So many octaves that not even the largest picture that is taken has them.
static enum status check_octaves(const struct config *config)
{
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    const int count = config->octaves.count, side = (int)fmin(config->input.max_side, sqrt((double)config->input.max_pixels));
    const int most = geometry_octaves(side, side, &config->octaves, octaves);
    if (most == count || count == GEOMETRY_OCTAVES_AUTO)
        return STATUS_OK;
    return fail(STATUS_USAGE,
                "octaves.count: %d octaves of a scale of %g are more than any picture has: even of %d x %d pixels, the most that "
                "input.max_side and input.max_pixels allow, there are %d; take no more",
                count, config->octaves.scale, side, side, most);
}

// Those of a target that are chosen, or all.
static int channels_of(const struct config_target *target)
{
    const struct network *network = network_inception_v3();
    return target->channel_count ? target->channel_count : network->layers[network_find(network, target->layer)].channels;
}

// An atlas dreams of every channel of the targets, each an input before what was typed.
static enum status name_channels(struct job_options *options)
{
    const struct config_targets *targets = &options->config.targets;
    enum { TEXT = sizeof "channel:#" + CONFIG_NAME_MAX + 12 };
    size_t count = 0;
    for (int t = 0; t < targets->count; t++)
        count += (size_t)channels_of(&targets->items[t]);
    const size_t inputs = count + (size_t)options->input_count;
    options->made = malloc(inputs * sizeof *options->made + count * TEXT);
    TRY(options->made ? STATUS_OK : no_memory("for %zu channels", count));
    char *text = (char *)(options->made + inputs);
    char **input = options->made;
    for (int t = 0; t < targets->count; t++) {
        const struct config_target *target = &targets->items[t];
        for (int k = 0; k < channels_of(target); k++, text += TEXT) {
            snprintf(text, TEXT, "channel:%s#%d", target->layer, target->channel_count ? target->channels[k] : k);
            *input++ = text;
        }
    }
    memcpy(input, options->inputs, (size_t)options->input_count * sizeof *input);
    options->inputs = options->made;
    options->input_count = (int)inputs;
    options->channels = (int64_t)count;
    return STATUS_OK;
}

// What an atlas cannot be made of.
static enum status check_atlas(const struct config *config)
{
    for (int t = 0; t < config->targets.count; t++) {
        const struct config_target *target = &config->targets.items[t];
        if (target->automatic || target->lowered_count || target->place_count)
            return fail(STATUS_USAGE, "targets: an atlas is of layers, or of channels of theirs, as in mixed4 or mixed4#12+45");
    }
    if (config->objective == OBJECTIVE_GUIDE || config->objective == OBJECTIVE_CLASS)
        return fail(STATUS_USAGE, "objective: an atlas is of channels; take mean_square or mean");
    return STATUS_OK;
}

enum status arguments_parse(struct job_options *options, int argc, char **argv, char *const *environment)
{
    enum status rc = STATUS_OK;
    memset(options, 0, sizeof *options);
    options->log_level = LOG_INFO;
    options->use = config_use_named(argv[0]);
    struct sources sources = {.options = options, .settings = calloc((size_t)argc, sizeof *sources.settings)};
    const struct command_option table[] = {
        {"config", 'c', .text = &sources.file},
        {"preset", 'p', .text = &sources.preset},
        {"set", 's', .take = take_setting},
        {"output", 'o', .take = take_output},
        {"force", .flag = &options->force},
        {"resume", .flag = &options->resume},
        {"print-config", .flag = &options->print_config},
        {"plan", .text = &sources.plan},
        {"max-seconds", .take = take_max_seconds},
        {"quiet", 'q', .log_level = &options->log_level, .says = LOG_WARNING},
        {"verbose", 'v', .log_level = &options->log_level, .says = LOG_DEBUG},
        {"dry-run", .flag = &options->dry_run},
        {0},
    };
    struct command_line line;
    if (!sources.settings)
        return fail(STATUS_LIMIT, "not enough memory for %d arguments", argc);
    TRY_OUT(command_line_parse(&line, table, &sources, argc, argv));
    options->help = line.help;
    if (options->help)
        goto out;
    if (!options->output[0])
        snprintf(options->output, sizeof options->output, "%s",
                 options->use == CONFIG_EXPLAIN ? EXPLAIN_OUTPUT
                 : options->use == CONFIG_ATLAS ? ATLAS_OUTPUT
                                                : DREAM_OUTPUT);
    options->inputs = line.operands;
    options->input_count = line.operand_count;
    TRY_OUT(load_config(&options->config, &sources, environment));
    if (options->use != CONFIG_EXPLAIN)
        TRY_OUT(check_octaves(&options->config));
    if (options->use == CONFIG_ATLAS) {
        TRY_OUT(check_atlas(&options->config));
        TRY_OUT(name_channels(options));
    }
    if (options->use == CONFIG_EXPLAIN && options->dry_run)
        rc = fail(STATUS_USAGE, "--dry-run is for `oneiros dream` and `oneiros atlas`");
    else if (options->resume && options->force)
        rc = fail(STATUS_USAGE, "--resume goes on with a run and --force replaces it: take one of them");
    else if (!options->print_config && options->input_count == 0) // an atlas has its channels
        rc = fail(STATUS_USAGE, "name the pictures: files, folders, globs, URLs, noise:1024x768, channel:mixed4#12 or @list.txt");
out:
    free(sources.settings);
    return rc;
}

static enum status fail_layer(const struct network *network, const char *key, const char *name)
{
    char hint[NEAREST_HINT_MAX];
    struct nearest nearest;
    const bool any = strcmp(key, "gradient_above") == 0; // or the picture itself
    nearest_init(&nearest, name);
    for (int i = any ? 0 : 1; i < network->layer_count; i++) {
        char activation[LAYER_NAME_MAX];
        nearest_offer(&nearest, network->layers[i].name);
        if (network->layers[i].kind == LAYER_CONV) {
            snprintf(activation, sizeof activation, "activation_%d", network->layers[i].conv + 1);
            nearest_offer(&nearest, activation);
        }
    }
    return fail(STATUS_USAGE, "%s: the network has no layer %s%s `oneiros model layers` lists them", key, name,
                nearest_hint(&nearest, any ? ": take input (everywhere), mixed0 ... mixed10;" : ": take mixed0 ... mixed10;", hint));
}

enum status arguments_check_config(const struct config *config)
{
    const struct network *network = network_inception_v3();
    int rows[CONFIG_TARGETS_MAX];
    TRY(config_check(config));
    if (network_find(network, config->gradient_above) < 0)
        return fail_layer(network, "gradient_above", config->gradient_above);
    for (int i = 0; i < config->targets.count; i++) {
        const struct config_target *target = &config->targets.items[i];
        rows[i] = network_find(network, target->layer);
        if (rows[i] <= 0) // 0 is the picture itself
            return fail_layer(network, "targets", target->layer);
        for (int k = 0; k < i; k++)
            if (rows[k] == rows[i])
                return fail(STATUS_USAGE,
                            "targets: %s and %s are the same layer, and one target may have it: join its channels, as in mixed4#12+45, or "
                            "take another layer for other octaves",
                            config->targets.items[k].layer, target->layer);
        int channels = network->layers[rows[i]].channels;
        for (int k = 0; k < target->channel_count + target->lowered_count; k++) {
            const int channel = k < target->channel_count ? target->channels[k] : target->lowered[k - target->channel_count];
            if (channel >= channels)
                return fail(STATUS_USAGE, "targets: %s has channels 0..%d, not %d", target->layer, channels - 1, channel);
        }
        if (target->automatic > channels)
            return fail(STATUS_USAGE, "targets: %s has %d channels, of which a picture cannot choose %d", target->layer, channels,
                        target->automatic);
        if (config->importance.method == IMPORTANCE_EXPECTED_GRADIENTS && !network_is_cut(network, rows[i]))
            return fail(STATUS_USAGE,
                        "importance.method: expected_gradients needs targets that all of the network passes, such as mixed3; "
                        "%s is on a branch",
                        target->layer);
    }
    return STATUS_OK;
}

static const char dream_help[] =
    "Usage: oneiros dream [OPTION]... INPUT...\n"
    "Makes a DeepDream of every INPUT: pictures, folders, globs (quote them), http(s) URLs, noise:1024x768 (a picture\n"
    "of noise; noise:1024x768:2 is another one), channel:mixed4#12 (noise from which one channel of a target is dreamed),\n"
    "or @list.txt (one of these a line, or with a NUL behind each; @-: from standard input).\n"
    "\n"
    "Examples:\n"
    "  oneiros dream -o dreams photo.jpg\n"
    "  mpirun -n 8 oneiros dream -p classic -o dreams holiday/\n"
    "  " LAUNCHER_SRUN " oneiros dream -c job.yaml -s steps=40 -o $SCRATCH/dreams @pictures.txt\n"
    "  oneiros dream -s targets=mixed4:1 --print-config > job.yaml\n";

static const char explain_help[] =
    "Usage: oneiros explain [OPTION]... INPUT...\n"
    "Shows what the network sees in every INPUT, and why: gradients, saliency, class activation maps, the importance of channels, as\n"
    "pictures and as numbers (DIR/<name>/explain.h5). INPUT: pictures, folders, globs (quote them), http(s) URLs, noise:1024x768,\n"
    "or @list.txt (@-: standard input).\n"
    "\n"
    "Examples:\n"
    "  oneiros explain -o why photo.jpg\n"
    "  oneiros explain -s targets=mixed5:1 -s importance.samples=200 -o why photo.jpg\n"
    "  mpirun -n 8 oneiros explain -s importance.baselines=black,images -o why holiday/\n";

static const char atlas_help[] =
    "Usage: oneiros atlas [OPTION]... [INPUT]...\n"
    "Shows what every channel of the targets wants, dreamed from noise, and which places of the INPUTs excite it most: as a page\n"
    "(DIR/atlas.html), as pictures, and as numbers (DIR/atlas.h5). INPUT: pictures, folders, globs (quote them), http(s) URLs,\n"
    "or @list.txt (@-: standard input); none: dreams alone.\n"
    "\n"
    "Examples:\n"
    "  oneiros atlas -s targets=mixed4#12+45+447 -o atlas holiday/\n"
    "  mpirun -n 8 oneiros atlas -s targets=mixed4 -o atlas @pictures.txt\n"
    "  " LAUNCHER_SRUN " oneiros atlas -s targets=mixed3,mixed4,mixed5 -o $SCRATCH/atlas @pictures.txt\n";

static const char options_help[] =
    "\n"
    "Options:\n"
    "  -o, --output DIR       folder for the results, made if it is not there; without it " DREAM_OUTPUT ", " EXPLAIN_OUTPUT
    " or " ATLAS_OUTPUT " here\n"
    "                         a run that DIR holds already is gone on with: what is done stays, dreams are taken up where they were\n"
    "      --resume           only go on with a run; an error if there is none\n"
    "      --force            replace the run that DIR holds already\n"
    "  -c, --config FILE      settings in YAML\n"
    "  -p, --preset NAME      named settings, listed below\n"
    "  -s, --set KEY=VALUE    one setting; may be given many times, the last one counts\n"
    "      --plan FILE        how convolutions run, as in an earlier run: its run.h5, or a plan as the cache keeps it\n"
    "      --max-seconds N    save what there is and end N seconds after the start, as on a signal\n"
    "      --print-config     print the settings that would be used, as YAML for -c, and stop\n"
    "      --dry-run          look at all inputs, print what would be done, and stop (not of explanations)\n"
    "  -q, --quiet            warnings and errors only\n"
    "  -v, --verbose          say more\n"
    "  -h, --help             this text\n"
    "\n"
    "Settings: defaults, then the preset, then the file, then the environment (ONEIROS_STEPS for steps, ONEIROS_OCTAVES_COUNT\n"
    "for octaves.count), then -s; later ones win. In files, octaves.count may also be written nested:\n"
    "  octaves:\n"
    "    count: 3\n"
    "\n"
    "Presets, from $ONEIROS_CONFIG_DIR/presets or where the program was installed:\n";

static const char keys_help[] = "\nKeys, as KEY=DEFAULT  [range]:\n\n";

void arguments_print_help(enum config_use use, FILE *stream)
{
    fputs(use == CONFIG_EXPLAIN ? explain_help : use == CONFIG_ATLAS ? atlas_help : dream_help, stream);
    fputs(options_help, stream);
    config_print_presets(stream);
    fputs(keys_help, stream);
    config_print_help(use, stream);
    for (size_t i = 0; use == CONFIG_ATLAS && i < sizeof atlas_settings / sizeof atlas_settings[0]; i++)
        fprintf(stream, "%s%s", i == 0 ? "\nIn an atlas the defaults are:\n  " : i % 6 ? ", " : ",\n  ", atlas_settings[i]);
    fputs(use == CONFIG_ATLAS ? "\n" : "", stream);
    fprintf(stream, "\nThe keys of `oneiros %s --help` that are not here are taken, too, and do nothing: a file may serve both.\n",
            use == CONFIG_DREAM ? "explain" : "dream");
    fputs("\n"
          "Exit codes: 0 all done; 1 internal error; 2 wrong usage or settings; 3 some pictures failed, the others are complete;\n"
          "75 stopped by a signal or by --max-seconds.\n",
          stream);
}
