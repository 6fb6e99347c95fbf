// SPDX-License-Identifier: MIT
// The command line of `oneiros dream`: precedence, what is refused and how, targets against the network.
#include "commands/arguments.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test_config_files.h"
#include "unit.h"

enum { WORDS_MAX = 32 };

// Parses a command line given as words with spaces between; a % in a word stands for a space. The words live until the next call.
static enum status parse(struct job_options *options, const char *line, char *const *environment)
{
    static char text[1024];
    static char *argv[WORDS_MAX + 1];
    int argc = 0;
    snprintf(text, sizeof text, "dream %s", line);
    char *rest = text;
    for (char *word; (word = strsep(&rest, " ")) && argc < WORDS_MAX;)
        if (word[0])
            argv[argc++] = word;
    argv[argc] = NULL;
    for (int i = 0; i < argc; i++)
        for (char *c = argv[i]; (c = strchr(c, '%'));)
            *c = ' ';
    return arguments_parse(options, argc, argv, environment);
}

static void test_options(void)
{
    struct job_options options;
    UNIT_OK(parse(&options, "a.png -o out --force b.png --dry-run -q -- -c.png", NULL));
    CU_ASSERT_STRING_EQUAL(options.output, "out");
    CU_ASSERT_EQUAL_FATAL(options.input_count, 3);
    CU_ASSERT_STRING_EQUAL(options.inputs[0], "a.png");
    CU_ASSERT_STRING_EQUAL(options.inputs[1], "b.png");
    CU_ASSERT_STRING_EQUAL(options.inputs[2], "-c.png");
    CU_ASSERT(options.force && options.dry_run && !options.print_config && !options.help);
    CU_ASSERT_EQUAL(options.log_level, LOG_WARNING);
    struct config defaults;
    config_init(&defaults);
    CU_ASSERT_EQUAL(memcmp(&options.config, &defaults, sizeof defaults), 0);

    UNIT_OK(parse(&options, "--output=out --set seed=4 --set=steps=5 -v x", NULL));
    CU_ASSERT_EQUAL(options.config.seed, 4);
    CU_ASSERT_EQUAL(options.config.steps, 5);
    CU_ASSERT_EQUAL(options.log_level, LOG_DEBUG);
    CU_ASSERT_FALSE(options.force);
    UNIT_OK(parse(&options, "x", NULL));
    CU_ASSERT_STRING_EQUAL(options.output, "dreams");
    UNIT_OK(parse(&options, "--print-config", NULL)); // needs neither folder nor pictures
    CU_ASSERT_TRUE(options.print_config);
    UNIT_OK(parse(&options, "--help --nonsense", NULL));
    CU_ASSERT_TRUE(options.help);

    UNIT_OK(parse(&options, "-s steps=4 -s seed=1 -s saliency.noise=0.2 -s saliency.samples=2 x", NULL));
    CU_ASSERT_STRING_EQUAL(options.unseen, "saliency.noise, saliency.samples");
    char explain[] = "explain", set[] = "-s", mask[] = "mask=gone.png", samples[] = "saliency.samples=2", input[] = "x";
    UNIT_OK(arguments_parse(&options, 6, (char *[]){explain, set, mask, set, samples, input, NULL}, NULL));
    CU_ASSERT_STRING_EQUAL(options.unseen, "mask");
}

static void test_precedence(void)
{
    char root[] = "test_precedence_XXXXXX", folder[64], preset[128], file[64], line[512];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
    snprintf(folder, sizeof folder, "%s/presets", root);
    snprintf(preset, sizeof preset, "%s/five.yaml", folder);
    snprintf(file, sizeof file, "%s/file.yaml", root);
    UNIT_OK(file_make_folder(folder));
    static const char preset_text[] = "steps: 2\njitter: 2\nseed: 2\nthreads: 2\n", file_text[] = "jitter: 3\nseed: 3\nthreads: 3\n";
    write_file(preset, preset_text, sizeof preset_text - 1);
    write_file(file, file_text, sizeof file_text - 1);
    setenv("ONEIROS_CONFIG_DIR", root, 1);
    char *environment[] = {"ONEIROS_SEED=4", "ONEIROS_THREADS=4", NULL};
    for (int order = 0; order < 2; order++) {
        struct job_options options;
        if (order == 0)
            snprintf(line, sizeof line, "-p five -c %s -s threads=6 -s threads=5 -o out x", file);
        else
            snprintf(line, sizeof line, "-s threads=6 -o out x -s threads=5 -c %s -p five", file);
        UNIT_OK(parse(&options, line, environment));
        CU_ASSERT_EQUAL(options.config.octaves.scale, 1.4); // default
        CU_ASSERT_EQUAL(options.config.steps, 2);           // preset
        CU_ASSERT_EQUAL(options.config.jitter, 3);          // file over preset
        CU_ASSERT_EQUAL(options.config.seed, 4);            // environment over file
        CU_ASSERT_EQUAL(options.config.threads, 5);         // the last -s over everything
    }
    unsetenv("ONEIROS_CONFIG_DIR");
    unlink(preset);
    unlink(file);
    rmdir(folder);
    rmdir(root);
}

static void test_refused(void)
{
    struct job_options options;
    static const struct {
        const char *line, *message; // the message, or its start
    } refusals[] = {
        {"-o out", "name the pictures: files, folders, globs, URLs, noise:1024x768, channel:mixed4#12 or @list.txt"},
        {"-o", "option -o needs a value"},
        {"-o out x --preset", "option --preset needs a value"},
        {"-o out -o out x", "-o is given twice"},
        {"--output= x", "-o: the name of the output folder is empty"},
        {"-o out x -p guided -p classic", "-p is given twice"},
        {"-o out x -c a -c b", "-c is given twice"},
        {"-o out x --forse", "unknown option --forse; did you mean --force?"},
        {"-o out x --prezet=classic", "unknown option --prezet; did you mean --preset?"},
        {"-o out x --steps 5", "unknown option --steps; settings are given as -s steps=..."},
        {"-o out x --zzzzzzzzz", "unknown option --zzzzzzzzz; see `oneiros dream --help`"},
        {"-o out x -x", "unknown option -x; see"},
        {"-o out x --force -qx", "unknown option -x; see"},
        {"-o out x --force=yes", "option --force takes no value"},
        {"-o out x --help=yes", "option --help takes no value"},
        {"-o out x -s steps", "-s steps: write KEY=VALUE"},
        {"-o out x -s =3", "-s =3: write KEY=VALUE"},
        {"-o out x -s steps=0", "-s steps: 0 is not in 1..100000"},
        {"-o out x -s steps=%3", "-s steps: ' 3' is not a whole number in 1..100000"},
        {"-o out x -s steps%=3", "-s steps : unknown key steps ; did you mean steps?"},
        {"-o out x -s tile.size=74", "-s tile.size: 74 is not in 75..65536 (or auto)"},
        {"-o out x -s tile.size=exact", "-s tile.size: 'exact' is not a whole number in 75..65536 (or auto)"},
        {"-o out x -s tile.halo=-2", "-s tile.halo: -2 is not in 0..4096 (or auto or exact)"},
        {"-o out x -s tile.halo=exakt", "-s tile.halo: 'exakt' is not a whole number in 0..4096 (or auto or exact)"},
        {"-o out x -s tile.blend=auto", "-s tile.blend: 'auto' is not a whole number in 0..1024"},
        {"-o out x -s team.size=0", "-s team.size: 0 is not in 1..1000000 (or auto)"},
        {"-o out x -s octave.count=3", "-s octave.count: unknown key octave.count; did you mean octaves.count?"},
        {"-o out x -s octaves=3", "-s octaves: octaves holds several keys"},
        {"-o out x -s targets=mixd3", "targets: the network has no layer mixd3; did you mean mixed3? `oneiros model layers` lists them"},
        {"-o out x -s targets=conv2d_95", "targets: the network has no layer conv2d_95; did you mean conv2d_"},
        {"-o out x -s targets=activation_00", "targets: the network has no layer activation_00; did you mean activation_"},
        {"-o out x -s targets=inception",
         "targets: the network has no layer inception: take mixed0 ... mixed10; `oneiros model layers` lists them"},
        {"-o out x -s targets=input", "targets: the network has no layer input"},
        {"-o out x -s targets=mixed3,mixed3:2",
         "targets: mixed3 and mixed3 are the same layer, and one target may have it: join its channels, as in mixed4#12+45"},
        {"-o out x -s targets=mixed4#auto99999", "targets: mixed4 has 768 channels, of which a picture cannot choose 99999"},
        {"-o out x -s targets=mixed4#99999", "targets: mixed4 has channels 0..767, not 99999"},
        {"-o out x -s gradient_above=none",
         "gradient_above: the network has no layer none: take input (everywhere), mixed0 ... mixed10; `oneiros model layers` lists them"},
        {"-o out x -s gradient_above=inputs", "gradient_above: the network has no layer inputs; did you mean input?"},
        {"-o out x -s targets=conv2d_4,activation_4", "targets: conv2d_4 and activation_4 are the same layer"},
        {"-o out x -s targets=mixed3#768", "targets: mixed3 has channels 0..767, not 768"},
        {"-o out x -s targets=mixed3#auto769", "targets: mixed3 has 768 channels, of which a picture cannot choose 769"},
        {"-o out x -s targets=mixed3:0", "targets: every weight is 0"},
        {"-o out x -p nowhere", "unknown preset nowhere"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        check_refusal(parse(&options, refusals[i].line, NULL), refusals[i].line, refusals[i].message);
    }
    UNIT_FAILS(parse(&options, "-o out x -c no/such.yaml", NULL), STATUS_IO, "no/such.yaml");
}

static void test_long_arguments(void)
{
    enum { LENGTH = 100000 };
    char *text = malloc(LENGTH + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, 'a', LENGTH);
    text[LENGTH] = '\0';
    static const char *const flags[] = {"-o", "-s", "-c", "-p"};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        struct job_options options;
        char *argv[] = {"dream", (char *)flags[i], text, "x", NULL};
        CU_ASSERT_NOT_EQUAL(arguments_parse(&options, 4, argv, NULL), STATUS_OK);
    }
    memcpy(text, "--", 2);
    struct job_options options;
    char *argv[] = {"dream", text, NULL};
    CU_ASSERT_EQUAL(arguments_parse(&options, 2, argv, NULL), STATUS_USAGE);
    char *keys[] = {"dream", "-s", text, NULL};
    text[90000] = '=';
    CU_ASSERT_EQUAL(arguments_parse(&options, 3, keys, NULL), STATUS_USAGE);
    free(text);
}

static void test_presets_name_layers(void)
{
    static const char *const names[] = {"classic", "eyes", "focus", "guided", "neon", "own", "relief", "seed", "silver", "swirls"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct config config;
        config_init(&config);
        UNIT_OK(config_load_preset(&config, names[i]));
        UNIT_OK(arguments_check_config(&config));
    }
}

static void check_help(enum config_use use, const char *const *words, size_t count)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    arguments_print_help(use, stream);
    fclose(stream);
    for (size_t i = 0; i < count; i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(text, words[i]));
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        CU_ASSERT(strcspn(line, "\n") <= 140);
    free(text);
}

static void test_help(void)
{
    static const char *const dream[] = {
        "mpirun -n", "srun",      "--output", "--force",   "--config",       "--preset",           "--set",
        "--quiet",   "--verbose", "--help",   "--dry-run", "--print-config", "octaves.count=auto", "Exit codes"};
    static const char *const explain[] = {"oneiros explain", "explain.h5", "importance.samples=50", "--output", "Exit codes"};
    static const char *const atlas[] = {"Usage: oneiros atlas", "atlas.h5", "atlas.exemplars=9", "step_size=0.016", "Exit codes"};
    check_help(CONFIG_ATLAS, atlas, sizeof atlas / sizeof atlas[0]);
    check_help(CONFIG_DREAM, dream, sizeof dream / sizeof dream[0]);
    check_help(CONFIG_EXPLAIN, explain, sizeof explain / sizeof explain[0]);
}

static void test_explain(void)
{
    struct job_options options;
    char *dry[] = {"explain", "--dry-run", "-o", "out", "x", NULL}, *plain[] = {"explain", "-o", "out", "x", NULL};
    char *dream[] = {"dream", "-o", "out", "x", NULL};
    UNIT_FAILS(arguments_parse(&options, 5, dry, NULL), STATUS_USAGE, "--dry-run");
    UNIT_OK(arguments_parse(&options, 4, plain, NULL));
    CU_ASSERT_EQUAL(options.use, CONFIG_EXPLAIN);
    UNIT_OK(arguments_parse(&options, 4, dream, NULL));
    CU_ASSERT_EQUAL(options.use, CONFIG_DREAM);
    // Expected gradients go through layers at which the network can be cut, and what only one command uses is refused nowhere.
    char *branch[] = {"dream", "-s", "importance.method=expected_gradients", "-s", "targets=conv2d_30", "-o", "out", "x", NULL};
    UNIT_FAILS(arguments_parse(&options, 8, branch, NULL), STATUS_USAGE, "conv2d_30");
}

static const struct unit_test tests[] = {
    {"explain", test_explain},
    {"options, inputs and -- in any order", test_options},
    {"defaults < preset < file < environment < -s", test_precedence},
    {"what is refused, and how", test_refused},
    {"arguments of any length", test_long_arguments},
    {"presets name layers of the network", test_presets_name_layers},
    {"the help", test_help},
};
UNIT_MAIN("arguments", tests)
