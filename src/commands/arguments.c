// SPDX-License-Identifier: MIT
#include "commands/arguments.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config_number.h"
#include "common/config/config_schema.h"
#include "common/config/config_value.h"
#include "common/config/nearest.h"
#include "common/system/text.h"
#include "kernels/network/network.h"

enum { OPTION_FORCE = 256, OPTION_PRINT_CONFIG, OPTION_DRY_RUN, OPTION_PLAN, OPTION_MAX_SECONDS, OPTION_RESUME };
static const char short_options[] = ":c:p:s:o:qvh";
static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"preset", required_argument, NULL, 'p'},
    {"set", required_argument, NULL, 's'},
    {"output", required_argument, NULL, 'o'},
    {"force", no_argument, NULL, OPTION_FORCE},
    {"resume", no_argument, NULL, OPTION_RESUME},
    {"print-config", no_argument, NULL, OPTION_PRINT_CONFIG},
    {"plan", required_argument, NULL, OPTION_PLAN},
    {"max-seconds", required_argument, NULL, OPTION_MAX_SECONDS},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const double max_seconds_least = 1, max_seconds_most = 1e9;

// What is on the command line and waits for its turn in the order of precedence.
struct sources {
    const char *preset, *file, *plan; // NULL: not given
    const char **settings;            // of -s, in the order given
    int setting_count;
};

static enum status fail_option(const char *typed)
{
    char shown[TEXT_EXCERPT_MAX], hint[NEAREST_HINT_MAX];
    text_excerpt(typed, shown);
    char name[TEXT_EXCERPT_MAX];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(shown, "="), shown);
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (const struct option *option = long_options; option->name && strncmp(name, "--", 2) == 0; option++) {
        char candidate[NEAREST_TEXT_MAX];
        snprintf(candidate, sizeof candidate, "--%s", option->name);
        nearest_offer(&nearest, candidate);
    }
    return fail(STATUS_USAGE, "unknown option %s%s", shown, nearest_hint(&nearest, "; see `oneiros dream --help`", hint));
}

// An option that getopt_long() refused; `code` is ':' where its argument is missing, otherwise '?'.
static enum status fail_getopt(int code, char **argv)
{
    const char letter[] = {'-', (char)optopt, '\0'};
    const char *typed = argv[optind - 1];
    if (code == ':')
        return fail(STATUS_USAGE, "option %s needs a value", strncmp(typed, "--", 2) == 0 ? typed : letter);
    if (optopt == 0)
        return fail_option(typed); // a long one that is unknown or ambiguous
    for (const struct option *option = long_options; option->name; option++)
        if (option->val == optopt)
            return fail(STATUS_USAGE, "option --%s takes no value", option->name);
    return fail_option(letter);
}

static enum status set_once(const char **field, const char *what, const char *value)
{
    if (*field)
        return fail(STATUS_USAGE, "%s is given twice", what);
    *field = value;
    return STATUS_OK;
}

static enum status set_output(struct job_options *options, const char *folder)
{
    size_t length = strlen(folder);
    if (options->output[0])
        return fail(STATUS_USAGE, "-o is given twice");
    if (length == 0)
        return fail(STATUS_USAGE, "-o: the name of the output folder is empty");
    if (length >= sizeof options->output)
        return fail(STATUS_USAGE, "-o: a path longer than %zu bytes", sizeof options->output - 1);
    memcpy(options->output, folder, length + 1);
    return STATUS_OK;
}

static enum status take_option(struct job_options *options, struct sources *sources, int code, char **argv)
{
    switch (code) {
    case 'c':
        return set_once(&sources->file, "-c", optarg);
    case 'p':
        return set_once(&sources->preset, "-p", optarg);
    case 's':
        sources->settings[sources->setting_count++] = optarg;
        break;
    case 'o':
        return set_output(options, optarg);
    case 'q':
        options->log_level = LOG_WARNING;
        break;
    case 'v':
        options->log_level = LOG_DEBUG;
        break;
    case 'h':
        options->help = true;
        break;
    case OPTION_FORCE:
        options->force = true;
        break;
    case OPTION_RESUME:
        options->resume = true;
        break;
    case OPTION_PRINT_CONFIG:
        options->print_config = true;
        break;
    case OPTION_PLAN:
        return set_once(&sources->plan, "--plan", optarg);
    case OPTION_MAX_SECONDS:
        return fail_in(config_parse_real(optarg, max_seconds_least, max_seconds_most, &options->max_seconds), "--max-seconds");
    case OPTION_DRY_RUN:
        options->dry_run = true;
        break;
    default:
        return fail_getopt(code, argv);
    }
    return STATUS_OK;
}

static enum status load_config(struct config *config, const struct sources *sources, char *const *environment)
{
    config_init(config);
    if (sources->preset)
        TRY(config_load_preset(config, sources->preset));
    if (sources->file)
        TRY(config_load_file(config, sources->file));
    TRY(config_load_environment(config, environment));
    for (int i = 0; i < sources->setting_count; i++)
        TRY(config_set(config, sources->settings[i]));
    if (sources->plan)
        TRY(fail_in(config_value_parse(config, config_find("plan"), sources->plan), "--plan"));
    return job_options_check(config);
}

enum status job_options_parse(struct job_options *options, int argc, char **argv, char *const *environment)
{
    enum status rc = STATUS_OK;
    memset(options, 0, sizeof *options);
    options->log_level = LOG_INFO;
    options->explain = strcmp(argv[0], "explain") == 0;
    struct sources sources = {.settings = calloc((size_t)argc, sizeof *sources.settings)};
    if (!sources.settings) {
        rc = fail(STATUS_LIMIT, "not enough memory for %d arguments", argc);
        goto out;
    }
    optind = 0; // GNU: start afresh, also when this is not the first command line of the process
    opterr = 0;
    for (int code; !options->help && (code = getopt_long(argc, argv, short_options, long_options, NULL)) != -1;)
        TRY_OUT(take_option(options, &sources, code, argv));
    if (options->help)
        goto out;
    options->inputs = argv + optind;
    options->input_count = argc - optind;
    TRY_OUT(load_config(&options->config, &sources, environment));
    if (options->explain && options->dry_run)
        rc = fail(STATUS_USAGE, "--dry-run is for `oneiros dream`");
    else if (options->resume && options->force)
        rc = fail(STATUS_USAGE, "--resume goes on with a run and --force replaces it: take one of them");
    else if (!options->print_config && !options->output[0])
        rc = fail(STATUS_USAGE, "name the output folder with -o DIR");
    else if (!options->print_config && options->input_count == 0)
        rc = fail(STATUS_USAGE, "name the pictures: files, folders, globs, URLs or @list.txt");
out:
    free(sources.settings);
    return rc;
}

static enum status fail_layer(const struct network *network, const char *key, const char *name)
{
    char hint[NEAREST_HINT_MAX];
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (int i = 1; i < network->layer_count; i++) {
        char activation[LAYER_NAME_MAX];
        nearest_offer(&nearest, network->layers[i].name);
        if (network->layers[i].kind == LAYER_CONV) {
            snprintf(activation, sizeof activation, "activation_%d", network->layers[i].conv + 1);
            nearest_offer(&nearest, activation);
        }
    }
    return fail(STATUS_USAGE, "%s: the network has no layer %s%s", key, name, nearest_hint(&nearest, "; take mixed0 ... mixed10", hint));
}

enum status job_options_check(const struct config *config)
{
    const struct network *network = network_inception_v3();
    int rows[CONFIG_TARGETS_MAX];
    enum status rc = config_check(config);
    if (rc != STATUS_OK)
        return rc;
    if (network_find(network, config->gradient_above) < 0)
        return fail_layer(network, "gradient_above", config->gradient_above);
    for (int i = 0; i < config->targets.count; i++) {
        const struct config_target *target = &config->targets.items[i];
        rows[i] = network_find(network, target->layer);
        if (rows[i] <= 0) // 0 is the picture itself
            return fail_layer(network, "targets", target->layer);
        for (int k = 0; k < i; k++)
            if (rows[k] == rows[i])
                return fail(STATUS_USAGE, "targets: %s and %s are the same layer", config->targets.items[k].layer, target->layer);
        int channels = network->layers[rows[i]].channels;
        for (int k = 0; k < target->channel_count; k++)
            if (target->channels[k] >= channels)
                return fail(STATUS_USAGE, "targets: %s has channels 0..%d, not %d", target->layer, channels - 1, target->channels[k]);
        if (config->importance.method == IMPORTANCE_EXPECTED_GRADIENTS && !network_is_cut(network, rows[i]))
            return fail(STATUS_USAGE,
                        "importance.method: expected_gradients needs targets that all of the network passes, such as mixed3; "
                        "%s is on a branch",
                        target->layer);
    }
    return STATUS_OK;
}

static const char dream_help[] =
    "Usage: oneiros dream [OPTION]... -o DIR INPUT...\n"
    "Makes a DeepDream of every INPUT: pictures, folders, globs (quote them), http(s) URLs, or @list.txt (one of these a line).\n"
    "\n"
    "Examples:\n"
    "  oneiros dream -o dreams photo.jpg\n"
    "  mpirun -n 8 oneiros dream -p classic -o dreams holiday/\n"
    "  srun --mpi=pmix oneiros dream -c job.yaml -s steps=40 -o $SCRATCH/dreams @pictures.txt\n"
    "  oneiros dream -s targets=mixed4:1 --print-config > job.yaml\n";

static const char explain_help[] =
    "Usage: oneiros explain [OPTION]... -o DIR INPUT...\n"
    "Shows what the network sees in every INPUT, and why: gradients, saliency, class activation maps, the importance of channels, as\n"
    "pictures and as numbers (DIR/<name>/explain.h5). INPUT: pictures, folders, globs (quote them), http(s) URLs, or @list.txt.\n"
    "\n"
    "Examples:\n"
    "  oneiros explain -o why photo.jpg\n"
    "  oneiros explain -s targets=mixed5:1 -s importance.samples=200 -o why photo.jpg\n"
    "  mpirun -n 8 oneiros explain -s importance.baselines=black,images -o why holiday/\n";

static const char options_help[] =
    "\n"
    "Options:\n"
    "  -o, --output DIR       folder for the results; made if it is not there\n"
    "                         a run that DIR holds already is gone on with: what is done stays, dreams are taken up where they were\n"
    "      --resume           only go on with a run; an error if there is none\n"
    "      --force            replace the run that DIR holds already\n"
    "  -c, --config FILE      settings in YAML\n"
    "  -p, --preset NAME      named settings: guided (the defaults), classic, eyes, focus, relief, seed\n"
    "  -s, --set KEY=VALUE    one setting; may be given many times, the last one counts\n"
    "      --plan FILE        how convolutions run, as in an earlier run: its run.h5, or a plan as the cache keeps it\n"
    "      --max-seconds N    save what there is and end N seconds after the start, as on a signal\n"
    "      --print-config     print the settings that would be used, as YAML for -c, and stop\n"
    "      --dry-run          look at all inputs, print what would be done, and stop (dream only)\n"
    "  -q, --quiet            warnings and errors only\n"
    "  -v, --verbose          say more\n"
    "  -h, --help             this text\n"
    "\n"
    "Settings: defaults, then the preset, then the file, then the environment (ONEIROS_STEPS for steps, ONEIROS_OCTAVES_COUNT\n"
    "for octaves.count), then -s; later ones win. In files, octaves.count may also be written nested:\n"
    "  octaves:\n"
    "    count: 3\n"
    "Presets are looked for in $ONEIROS_CONFIG_DIR/presets, then where the program was installed.\n"
    "\n"
    "Keys, as KEY=DEFAULT  [range]:\n"
    "\n";

void job_options_print_help(bool explain, FILE *stream)
{
    fputs(explain ? explain_help : dream_help, stream);
    fputs(options_help, stream);
    config_print_help(stream);
    fputs("\n"
          "Exit codes: 0 all done; 1 internal error; 2 wrong usage or settings; 3 some pictures failed, the others are complete;\n"
          "75 stopped by a signal or by --max-seconds.\n",
          stream);
}
