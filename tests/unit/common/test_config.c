// SPDX-License-Identifier: MIT
// Every way into the configuration and back out: defaults, presets, files, environment, -s, printing.
#include "common/config/config.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config/config_schema.h"
#include "common/system/file.h"
#include "test_config_files.h"
#include "unit.h"

static bool same(const struct config *a, const struct config *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static void test_defaults(void)
{
    struct config config;
    memset(&config, 0x55, sizeof config); // what was there must not matter
    config_init(&config);
    CU_ASSERT_EQUAL(config.targets.count, 2);
    CU_ASSERT_STRING_EQUAL(config.targets.items[0].layer, "mixed3");
    CU_ASSERT_STRING_EQUAL(config.targets.items[1].layer, "mixed6");
    CU_ASSERT_EQUAL(config.targets.items[1].weight, 1);
    CU_ASSERT(config.targets.items[1].channel_count == 0 && config.targets.items[1].lowered_count == 0);
    CU_ASSERT(config.targets.items[1].place_count == 0 && config.targets.items[1].octave_count == 0);
    CU_ASSERT_EQUAL(config.objective, OBJECTIVE_MEAN_SQUARE);
    CU_ASSERT_EQUAL(config.balance, BALANCE_AUTO);
    CU_ASSERT_EQUAL(config.saturation, 1);
    CU_ASSERT_STRING_EQUAL(config.guide, "none");
    CU_ASSERT_STRING_EQUAL(config.mask, "none");
    CU_ASSERT_EQUAL(config.mask_feather, 0.05);
    CU_ASSERT_EQUAL(config.gradient, GRADIENT_GUIDED);
    CU_ASSERT_EQUAL(config.octaves.count, GEOMETRY_OCTAVES_AUTO);
    CU_ASSERT_EQUAL(config.octaves.scale, 1.4);
    CU_ASSERT_TRUE(config.octaves.detail);
    CU_ASSERT_EQUAL(config.steps, 20);
    CU_ASSERT_EQUAL(config.step_size, 0.008);
    CU_ASSERT_EQUAL(config.step_decay, 1);
    CU_ASSERT_EQUAL(config.jitter, 32);
    CU_ASSERT_EQUAL(config.normalize, NORMALIZE_STD);
    CU_ASSERT_EQUAL(config.network_input, NETWORK_INPUT_SIGNED);
    CU_ASSERT(config.guidance.saliency == 0 && config.guidance.cam == 0 && config.guidance.importance == 0);
    CU_ASSERT(config.guidance.add_magnitude == 0 && config.guidance.add_saliency == 0 && config.guidance.add_cam == 0);
    CU_ASSERT_EQUAL(config.guidance.every, 1);
    CU_ASSERT_EQUAL(config.cam.method, CAM_GRAD);
    CU_ASSERT_STRING_EQUAL(config.cam.layer, "auto");
    CU_ASSERT_EQUAL(config.importance.method, IMPORTANCE_GRADIENT_ACTIVATION);
    CU_ASSERT_EQUAL(config.metrics.threshold, 0.1);
    CU_ASSERT_EQUAL(config.frames.every, 2);
    CU_ASSERT(config.frames.cam && config.frames.dream && !config.frames.png);
    CU_ASSERT_EQUAL(config.video.colormap, COLORMAP_TURBO);
    CU_ASSERT_EQUAL(config.tile.size, 0);
    CU_ASSERT_EQUAL(config.tile.halo, TILE_HALO_AUTO);
    CU_ASSERT_EQUAL(config.tile.blend, 32);
    CU_ASSERT_EQUAL(config.team.size, 0);
    CU_ASSERT_EQUAL(config.threads, 0);
    CU_ASSERT_EQUAL(config.memory.limit, 0);
    CU_ASSERT_STRING_EQUAL(config.model.path, "auto");
    CU_ASSERT_EQUAL(config.output.format, OUTPUT_AUTO);
    CU_ASSERT_EQUAL(config.output.quality, 95);
    CU_ASSERT_EQUAL(config.input.resize, 0);
    CU_ASSERT(config.input.max_side >= 12000 && config.input.max_pixels >= 12000u * 9000u);
    UNIT_OK(config_check(&config));
    struct config again;
    config_init(&again);
    CU_ASSERT(same(&config, &again));
}

// The schema is written by hand: sizes of fields, neighbours and names that would clash in the environment.
static void test_schema(void)
{
    static const size_t sizes[] = {[CONFIG_TYPE_BOOL] = sizeof(bool),      [CONFIG_TYPE_WORD] = sizeof(int),
                                   [CONFIG_TYPE_INT] = sizeof(int),        [CONFIG_TYPE_UINT64] = sizeof(uint64_t),
                                   [CONFIG_TYPE_COUNT] = sizeof(uint64_t), [CONFIG_TYPE_BYTES] = sizeof(uint64_t),
                                   [CONFIG_TYPE_REAL] = sizeof(double),    [CONFIG_TYPE_TARGETS] = sizeof(struct config_targets)};
    for (int i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        CU_ASSERT(key->type == CONFIG_TYPE_TEXT ? key->size > 1 : key->size == sizes[key->type]);
        CU_ASSERT(strlen(key->name) < CONFIG_KEY_MAX && strlen(key->help) > 10 && strlen(key->help) < 130);
        int dots = 0;
        for (const char *c = key->name; *c; c++) {
            CU_ASSERT_PTR_NOT_NULL(strchr("abcdefghijklmnopqrstuvwxyz_.", *c));
            dots += *c == '.';
        }
        CU_ASSERT(dots < CONFIG_LEVELS_MAX);
        CU_ASSERT((key->type == CONFIG_TYPE_WORD) <= (key->words != NULL));
        for (int k = 0; k < i; k++) {
            char a[CONFIG_KEY_MAX], b[CONFIG_KEY_MAX];
            snprintf(a, sizeof a, "%s", key->name);
            snprintf(b, sizeof b, "%s", config_keys[k].name);
            for (char *c = a; (c = strchr(c, '.'));)
                *c = '_';
            for (char *c = b; (c = strchr(c, '.'));)
                *c = '_';
            CU_ASSERT_STRING_NOT_EQUAL(a, b);
        }
    }
}

// A configuration in which every key differs from its default.
static void change_everything(struct config *config)
{
    static const char *const settings[] = {
        "targets=mixed4#12+45-0-7@0.25/1%1e-05..0.5:0.1,conv2d_7#-3:-2.5,mixed10@0/"
        "0.3333333333333333%0.3333333333333333..1,mixed5#auto12@0.5/0.5",
        "objective=mean",
        "balance=0.3",
        "saturation=0.7",
        "guide=https://example.org/a b.jpg",
        "mask=masks/a b.png",
        "mask_feather=0",
        "class=65535",
        "gradient=deconv",
        "gradient_above=input",
        "gradient_strength=0.4",
        "octaves.count=7",
        "octaves.smallest=99",
        "octaves.scale=1.3000001",
        "octaves.detail=no",
        "steps=100000",
        "step_size=1.0000000000000002",
        "step_decay=0.9",
        "jitter=0",
        "normalize=l2",
        "total_variation=1e-300",
        "smooth=0.30000000000000004",
        "shape.pyramid=3",
        "shape.coarse=-0.45",
        "shape.colour=0.25",
        "colours=original",
        "clip=channels",
        "seed=18446744073709551615",
        "network_input=unit",
        "guidance.every=3",
        "guidance.saliency=0.1",
        "guidance.cam=1",
        "guidance.importance=0.7",
        "guidance.add_magnitude=0.2",
        "guidance.add_saliency=1000",
        "guidance.add_cam=1e-3",
        "cam.method=gradcam++",
        "cam.layer=conv2d_7",
        "importance.method=expected_gradients",
        "importance.samples=200",
        "importance.baselines=images,blurred,black",
        "saliency.samples=0",
        "saliency.noise=0.15",
        "faithfulness.steps=24",
        "atlas.size=128",
        "atlas.exemplars=4",
        "metrics.threshold=0.25",
        "frames.every=100000",
        "frames.cam=off",
        "frames.dream=false",
        "frames.png=yes",
        "video.rate=29.97",
        "video.hold=0",
        "video.max_side=8192",
        "video.quality=51",
        "video.encoder=libx264",
        "video.colormap=jet",
        "video.steadiness=0",
        "video.opacity=0.35",
        "motion.steps=2",
        "motion.keep=0.9",
        "motion.haste=1",
        "motion.segment=120",
        "motion.lead=24",
        "motion.fade=16",
        "zoom.frames=300",
        "zoom.scale=1.05",
        "zoom.rotate=-1.5",
        "zoom.centre=0.25/0.75",
        "zoom.steps=2",
        "tile.size=75",
        "tile.halo=exact",
        "tile.blend=0",
        "team.size=1000000",
        "io=workers",
        "threads=3",
        "precision=bf16",
        "plan=/a b/run.h5",
        "checkpoint.seconds=12.5",
        "watchdog.seconds=7.5",
        "memory.limit=1500MB",
        "model.path=/a b/\"weights\" #1: \\ 'x' \xc3\xa9\xf0\x9f\x98\xb4.h5",
        "output.format=tiff",
        "output.quality=80",
        "output.folders=grouped",
        "input.bands=4,3,2",
        "input.range=p1,p99.5",
        "input.damaged=accept",
        "input.equal=each",
        "input.resize=600",
        "input.max_side=12000",
        "input.max_pixels=108M",
        "input.max_bytes=1G",
        "fetch.parallel=3",
        "fetch.user_agent=me (a@b)",
        "fetch.header_host=example.org:8080",
        "fetch.connect_seconds=2.5",
        "fetch.stall_seconds=7",
        "fetch.total_seconds=100",
        "fetch.attempts=2",
    };
    struct config defaults;
    config_init(&defaults);
    config_init(config);
    CU_ASSERT_EQUAL((int)(sizeof settings / sizeof settings[0]) + 1, config_key_count); // and fetch.header: test_secrets
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        UNIT_OK(config_set(config, settings[i]));
    for (int i = 0; i < config_key_count; i++) {
        size_t offset = config_keys[i].offset;
        CU_ASSERT(config_keys[i].secret || memcmp((char *)config + offset, (char *)&defaults + offset, config_keys[i].size) != 0);
    }
}

static void test_set(void)
{
    struct config config;
    change_everything(&config);
    CU_ASSERT_EQUAL(config.targets.count, 4);
    CU_ASSERT_EQUAL(config.targets.items[0].channel_count, 2);
    CU_ASSERT_EQUAL(config.targets.items[0].channels[1], 45);
    CU_ASSERT_EQUAL(config.targets.items[0].weight, 0.1);
    CU_ASSERT_EQUAL(config.targets.items[1].weight, -2.5);
    CU_ASSERT_STRING_EQUAL(config.targets.items[2].layer, "mixed10");
    CU_ASSERT_EQUAL(config.targets.items[2].weight, 1);
    CU_ASSERT_EQUAL(config.targets.items[0].place_count, 2);
    CU_ASSERT(config.targets.items[0].place[0] == 0.25 && config.targets.items[0].place[1] == 1);
    CU_ASSERT(config.targets.items[0].lowered_count == 2 && config.targets.items[0].lowered[0] == 0);
    CU_ASSERT_EQUAL(config.targets.items[0].lowered[1], 7);
    CU_ASSERT(config.targets.items[0].octave_count == 2 && config.targets.items[0].octaves[0] == 1e-5);
    CU_ASSERT_EQUAL(config.targets.items[0].octaves[1], 0.5);
    CU_ASSERT(config.targets.items[1].channel_count == 0 && config.targets.items[1].lowered_count == 1);
    CU_ASSERT(config.targets.items[1].lowered[0] == 3 && config.targets.items[1].octave_count == 0);
    CU_ASSERT(config.targets.items[2].lowered_count == 0 && config.targets.items[2].octaves[0] == 1.0 / 3);
    CU_ASSERT_EQUAL(config.targets.items[1].place_count, 0);
    CU_ASSERT(config.targets.items[2].place_count == 2 && config.targets.items[2].channel_count == 0);
    CU_ASSERT(config.targets.items[2].place[0] == 0 && config.targets.items[2].place[1] == 1.0 / 3);
    CU_ASSERT_STRING_EQUAL(config.guide, "https://example.org/a b.jpg");
    CU_ASSERT_EQUAL(config.cam.method, CAM_GRAD_PLUS_PLUS);
    CU_ASSERT_EQUAL(config.seed, UINT64_MAX);
    CU_ASSERT_EQUAL(config.memory.limit, 1500000000);
    CU_ASSERT_EQUAL(config.input.max_pixels, 108000000);
    CU_ASSERT_FALSE(config.octaves.detail);
    UNIT_OK(config_set(&config, "memory.limit=2GiB"));
    CU_ASSERT_EQUAL(config.memory.limit, UINT64_C(2) << 30);
    UNIT_OK(config_set(&config, "memory.limit=512M"));
    CU_ASSERT_EQUAL(config.memory.limit, UINT64_C(512) << 20);
    UNIT_OK(config_set(&config, "memory.limit=auto"));
    CU_ASSERT_EQUAL(config.memory.limit, 0);
    CU_ASSERT_EQUAL(config.tile.halo, TILE_HALO_EXACT);
    UNIT_OK(config_set(&config, "tile.halo=auto"));
    CU_ASSERT_EQUAL(config.tile.halo, TILE_HALO_AUTO);
    UNIT_OK(config_set(&config, "tile.halo=96"));
    CU_ASSERT_EQUAL(config.tile.halo, 96);
    UNIT_OK(config_set(&config, "tile.size=auto"));
    CU_ASSERT_EQUAL(config.tile.size, 0);
    UNIT_OK(config_set(&config, "team.size=auto"));
    CU_ASSERT_EQUAL(config.team.size, 0);
    UNIT_OK(config_set(&config, "input.resize=none"));
    CU_ASSERT_EQUAL(config.input.resize, 0);
    UNIT_OK(config_set(&config, "model.path=a=b")); // only the first = parts
    CU_ASSERT_STRING_EQUAL(config.model.path, "a=b");
}

static void test_round_trip(void)
{
    struct config config, read;
    for (int round = 0; round < 3; round++) {
        bool comments = round == 1;
        if (round == 0)
            config_init(&config);
        else
            change_everything(&config);
        char path[] = "test_config_XXXXXX", *text = NULL;
        int file = mkstemp(path);
        CU_ASSERT_FATAL(file >= 0);
        FILE *stream = fdopen(file, "w");
        UNIT_OK(config_print(&config, comments, stream));
        fclose(stream);
        // Every key must come from the text, so what it is read into differs everywhere.
        if (round == 0)
            change_everything(&read);
        else
            config_init(&read);
        UNIT_OK(config_load_file(&read, path));
        CU_ASSERT(same(&config, &read));
        UNIT_OK(config_to_string(&config, &text));
        UNIT_OK(config_load_text(&read, text));
        CU_ASSERT(same(&config, &read));
        CU_ASSERT_PTR_NULL(strchr(text, '#') && round == 0 ? text : NULL);
        free(text);
        unlink(path);
    }
}

// What means something to YAML is the name of a file here.
static void test_words_of_yaml(void)
{
    static const char *const words[] = {"null", "~", "true", "1e3", "...", "---", "-", "[]", "{}", "*a", "a #b", "a: b", " a "};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct config config, read;
        char setting[64], *text = NULL;
        config_init(&config);
        config_init(&read);
        snprintf(setting, sizeof setting, "mask=%s", words[i]);
        UNIT_OK(config_set(&config, setting));
        CU_ASSERT_STRING_EQUAL(config.mask, words[i]);
        UNIT_OK(config_to_string(&config, &text));
        UNIT_OK(config_load_text(&read, text));
        CU_ASSERT(same(&config, &read));
        free(text);
    }
}

// What may be a secret is in no text, and what comes of the text is no other setting.
static void test_secrets(void)
{
    static const char *const wrong[] = {"X-Key", "X-Key:", "X Key: geheim", ": geheim", "X-Key: \t"};
    char *const environment[] = {"ONEIROS_FETCH_HEADER=X-Key: geheim", NULL};
    struct config config, read;
    char *text, difference[256];
    config_init(&config);
    UNIT_OK(config_load_environment(&config, environment));
    UNIT_OK(config_set(&config, "guide=https://me:geheim@example.org/a.jpg?key=geheim#geheim"));
    UNIT_OK(config_set(&config, "mask=masks/a?b.png"));
    UNIT_OK(config_check(&config));
    UNIT_OK(config_to_string(&config, &text));
    CU_ASSERT_PTR_NULL(strstr(text, "geheim"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "https://...@example.org/a.jpg?...#..."));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "header: none # set, and not shown\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "masks/a?b.png"));
    config_init(&read);
    UNIT_OK(config_yaml_read(&read, "run.h5", text, strlen(text)));
    CU_ASSERT_FALSE(config_difference(&read, &config, CONFIG_DREAM, difference, sizeof difference));
    UNIT_OK(config_set(&config, "objective=guide"));
    UNIT_OK(config_set(&read, "objective=guide"));
    CU_ASSERT_FALSE(config_difference(&read, &config, CONFIG_DREAM, difference, sizeof difference));
    UNIT_OK(config_set(&config, "guide=https://me:geheim@example.org/b.jpg?geheim"));
    CU_ASSERT(config_difference(&read, &config, CONFIG_DREAM, difference, sizeof difference));
    CU_ASSERT_PTR_NULL(strstr(difference, "geheim"));
    free(text);
    UNIT_FAILS(config_set(&config, "fetch.header=X-Key: geheim"), STATUS_USAGE, "in a file");
    CU_ASSERT_PTR_NULL(strstr(status_message(), "geheim"));
    UNIT_FAILS(config_set(&config, "mask:http://me:geheim@host"), STATUS_USAGE, "KEY=VALUE");
    CU_ASSERT_PTR_NULL(strstr(status_message(), "geheim"));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(config.fetch.header, sizeof config.fetch.header, "%s", wrong[i]);
        UNIT_FAILS(config_check(&config), STATUS_USAGE, "fetch.header: not a header");
        CU_ASSERT_PTR_NULL(strstr(status_message(), "geheim"));
    }
}

// What can be no address's host would never get the header, without a word.
static void test_header_host(void)
{
    static const char *const right[] = {"any",
                                        "localhost",
                                        "example.org:8080",
                                        "127.0.0.1",
                                        "[::1]",
                                        "[fe80::1]:80",
                                        "b\xc3\xbc"
                                        "cher.de"};
    static const char *const wrong[][2] = {{"http://127.0.0.1:8771", "write 127.0.0.1:8771"},
                                           {"https://me:geheim@example.org/a/b?geheim", "write example.org"},
                                           {"127.0.0.1:", "write 127.0.0.1"},
                                           {"example.org/", "write example.org"},
                                           {"a b", "write example.org, example.org:8080 or any"},
                                           {"*.example.org", "or any"},
                                           {":80", "or any"},
                                           {"a:b", "or any"},
                                           {"a:123456", "or any"},
                                           {"[::1", "or any"},
                                           {"[]", "or any"}};
    struct config config;
    config_init(&config);
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        snprintf(config.fetch.header_host, sizeof config.fetch.header_host, "%s", right[i]);
        UNIT_OK(config_check(&config));
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(config.fetch.header_host, sizeof config.fetch.header_host, "%s", wrong[i][0]);
        UNIT_FAILS(config_check(&config), STATUS_USAGE, "fetch.header_host: not a host");
        CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), wrong[i][1]));
        CU_ASSERT_PTR_NULL(strstr(status_message(), "geheim"));
    }
}

static void test_text_limits(void)
{
    struct config config, read;
    config_init(&config);
    char setting[CONFIG_PATH_MAX + 64] = "model.path=", *text = NULL;
    size_t start = strlen(setting);
    memset(setting + start, '"', CONFIG_PATH_MAX - 1);
    UNIT_OK(config_set(&config, setting));
    UNIT_OK(config_to_string(&config, &text));
    config_init(&read);
    UNIT_OK(config_load_text(&read, text));
    CU_ASSERT(same(&config, &read));
    free(text);
    setting[start + CONFIG_PATH_MAX - 1] = '"';
    CU_ASSERT_EQUAL(config_set(&config, setting), STATUS_USAGE);
    CU_ASSERT_STRING_EQUAL(status_message(), "-s model.path: longer than 4095 bytes");
    CU_ASSERT(same(&config, &read));
}

// What YAML cannot hold on one line as it is, is not taken; its neighbours are.
static void test_characters(void)
{
    static const char *const bad[] = {"\x01",   "\x1f",   "\n",     "\x7f",         "\xc2\x85", "\xc2\x9f",
                                      "\u2028", "\u2029", "\ufeff", "\ufffe",       "\uffff",   "\xe9",
                                      "\xc3",   "\x80",   "\xff",   "\xed\xa0\x80", "\xc0\xaf", "\xf4\x90\x80\x80"};
    static const char *const good[] = {" ", "~", "\u00a0", "\u2027", "\u202a", "\ufffd", "\U0010ffff"};
    struct config config;
    config_init(&config);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0] + sizeof good / sizeof good[0]; i++) {
        const bool refused = i < sizeof bad / sizeof bad[0];
        char setting[64];
        snprintf(setting, sizeof setting, "guide=ab%sc", refused ? bad[i] : good[i - sizeof bad / sizeof bad[0]]);
        const enum status rc = config_set(&config, setting);
        CU_ASSERT_EQUAL(rc, refused ? STATUS_USAGE : STATUS_OK);
        if (refused)
            CU_ASSERT_STRING_EQUAL(status_message(), "-s guide: holds a control character, or is not UTF-8, at byte 3");
        CU_ASSERT_EQUAL(strcmp(config.guide, setting + 6) == 0, !refused);
    }
}

static void test_default_file(void)
{
    struct config config, defaults;
    void *bytes = NULL;
    size_t size = 0;
    config_init(&defaults);
    change_everything(&config);
    UNIT_OK(config_load_file(&config, ONEIROS_SOURCE_CONFIG_DIR "/default.yaml"));
    CU_ASSERT(same(&config, &defaults));
    // After its own first lines it is what --print-config says, so no comment in it can grow old.
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    UNIT_OK(config_print(&defaults, true, stream));
    fclose(stream);
    UNIT_OK(file_read(ONEIROS_SOURCE_CONFIG_DIR "/default.yaml", 1 << 20, &bytes, &size));
    const char *body = strstr(bytes, "\n\n");
    CU_ASSERT_PTR_NOT_NULL_FATAL(body);
    CU_ASSERT_STRING_EQUAL(body + 2, text);
    for (int i = 0; i < config_key_count; i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(bytes, config_keys[i].help));
    free(bytes);
    free(text);
}

static void test_presets(void)
{
    struct config config, defaults;
    config_init(&defaults);
    UNIT_OK(config_set(&defaults, "seed=9"));
    config = defaults;
    UNIT_OK(config_load_preset(&config, "guided"));
    CU_ASSERT(config.gradient == GRADIENT_GUIDED && config.gradient_strength == 1 && config.shape.pyramid == 0);
    CU_ASSERT_EQUAL(config.seed, 9); // left alone
    UNIT_OK(config_load_preset(&config, "classic"));
    CU_ASSERT_EQUAL(config.gradient, GRADIENT_PLAIN);
    CU_ASSERT_EQUAL(config.normalize, NORMALIZE_MEAN_ABS);
    CU_ASSERT_EQUAL(config.seed, 9);
    UNIT_OK(config_load_preset(&config, "seed"));
    CU_ASSERT(config.network_input == NETWORK_INPUT_UNIT && config.guidance.add_cam == 0.2 && config.normalize == NORMALIZE_NONE);
    CU_ASSERT(config.step_size == 2 && config.jitter == 0 && !config.octaves.detail);

    static const char *const bad[] = {"", ".", "..", ".hidden", "../default", "/etc/passwd", "a/b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        UNIT_FAILS(config_load_preset(&config, bad[i]), STATUS_USAGE, "is not the name of a preset");
    }
    UNIT_FAILS(config_load_preset(&config, "clasic"), STATUS_USAGE, "unknown preset clasic; did you mean classic?");
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "classic, "));
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "guided, "));
}

static void test_all_presets(void)
{
    struct config defaults;
    struct dirent *entry;
    int count = 0;
    DIR *folder = opendir(ONEIROS_SOURCE_CONFIG_DIR "/presets");
    CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
    config_init(&defaults);
    while ((entry = readdir(folder))) {
        char name[64], *end;
        struct config config;
        snprintf(name, sizeof name, "%s", entry->d_name);
        if (!(end = strstr(name, ".yaml")))
            continue;
        *end = '\0';
        config_init(&config);
        UNIT_OK(config_load_preset(&config, name));
        UNIT_OK(config_check(&config));
        CU_ASSERT(!same(&config, &defaults));
        count++;
    }
    CU_ASSERT(count >= 8 && count <= 10);
    closedir(folder);
}

static void test_preset_folder(void)
{
    char root[] = "test_presets_XXXXXX", folder[64], path[128];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
    snprintf(folder, sizeof folder, "%s/presets", root);
    snprintf(path, sizeof path, "%s/classic.yaml", folder);
    UNIT_OK(file_make_folder(folder));
    write_file(path, "steps: 3\n", 9);
    setenv("ONEIROS_CONFIG_DIR", root, 1);
    struct config config;
    config_init(&config);
    UNIT_OK(config_load_preset(&config, "classic")); // the user's own goes first
    CU_ASSERT_EQUAL(config.steps, 3);
    CU_ASSERT_EQUAL(config.gradient, GRADIENT_GUIDED);
    UNIT_OK(config_load_preset(&config, "guided")); // and the others are still there
    CU_ASSERT_EQUAL(config.steps, 20);
    write_file(path, "steps: 0\n", 9);
    UNIT_FAILS(config_load_preset(&config, "classic"), STATUS_USAGE, "/presets/classic.yaml:1: steps: 0 is not in 1..100000");
    unsetenv("ONEIROS_CONFIG_DIR");
    unlink(path);
    rmdir(folder);
    rmdir(root);
}

static void test_environment(void)
{
    struct config config;
    config_init(&config);
    char *good[] = {"HOME=/",
                    "ONEIROS_STEPS=7",
                    "ONEIROS_OCTAVES_COUNT=2",
                    "ONEIROS_TARGETS=mixed7",
                    "ONEIROS_CONFIG_DIR=/x",
                    "ONEIROS_ROOT=/opt",
                    "ONEIROS",
                    "",
                    NULL};
    UNIT_OK(config_load_environment(&config, good));
    CU_ASSERT_EQUAL(config.steps, 7);
    CU_ASSERT_EQUAL(config.octaves.count, 2);
    CU_ASSERT_STRING_EQUAL(config.targets.items[0].layer, "mixed7");
    UNIT_OK(config_load_environment(&config, NULL));

    static const struct {
        const char *entry, *message;
    } bad[] = {
        {"ONEIROS_STEPS=0", "ONEIROS_STEPS: 0 is not in 1..100000"},
        {"ONEIROS_STEPS=", "ONEIROS_STEPS: has no value"},
        {"ONEIROS_OCTAVE_COUNT=2", "environment variable ONEIROS_OCTAVE_COUNT names no key; did you mean ONEIROS_OCTAVES_COUNT?"},
        {"ONEIROS_=2", "environment variable ONEIROS_ names no key; `oneiros dream --help` lists the keys"},
        {"ONEIROS_OCTAVES=2", "environment variable ONEIROS_OCTAVES names several keys: take one of ONEIROS_OCTAVES_COUNT, "
                              "ONEIROS_OCTAVES_SMALLEST, ONEIROS_OCTAVES_SCALE, ONEIROS_OCTAVES_DETAIL"},
        {"ONEIROS_OCTAVE=2", "environment variable ONEIROS_OCTAVE names no key; did you mean ONEIROS_OCTAVES_COUNT?"},
        {"ONEIROS_ENCODER=x", "environment variable ONEIROS_ENCODER names no key; did you mean ONEIROS_VIDEO_ENCODER?"},
        {"ONEIROS_PICTURES=x", "environment variable ONEIROS_PICTURES names no key; `oneiros dream --help` lists the keys"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char *environment[] = {(char *)bad[i].entry, NULL};
        CU_ASSERT_EQUAL(config_load_environment(&config, environment), STATUS_USAGE);
        CU_ASSERT_STRING_EQUAL(status_message(), bad[i].message);
    }
    char name[5000] = "ONEIROS_"; // of any length
    memset(name + 8, 'X', sizeof name - 11);
    strcpy(name + sizeof name - 3, "=1");
    char *environment[] = {name, NULL};
    CU_ASSERT_EQUAL(config_load_environment(&config, environment), STATUS_USAGE);
}

static void test_help(void)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    config_print_help(CONFIG_DREAM, stream);
    config_print_help(CONFIG_EXPLAIN, stream);
    config_print_help(CONFIG_ATLAS, stream);
    fclose(stream);
    for (int i = 0; i < config_key_count; i++) {
        char line[256];
        snprintf(line, sizeof line, "    %s=%s  [", config_keys[i].name, config_keys[i].initial);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
        CU_ASSERT_PTR_NOT_NULL(strstr(text, config_keys[i].help));
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "[auto, 64MiB..1PiB]"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "[guided | plain | deconv]"));
    free(text);
}

static const struct unit_test tests[] = {
    {"defaults are those of the design", test_defaults},
    {"the schema agrees with struct config", test_schema},
    {"every key can be set", test_set},
    {"what is printed is read back to the same bytes", test_round_trip},
    {"texts that are words of YAML", test_words_of_yaml},
    {"secrets", test_secrets},
    {"header host", test_header_host},
    {"the longest path survives, a longer one is refused", test_text_limits},
    {"characters that are taken and that are not", test_characters},
    {"default.yaml names every key and says what the program says", test_default_file},
    {"presets load; wrong names are refused", test_presets},
    {"every preset loads and passes the check", test_all_presets},
    {"$ONEIROS_CONFIG_DIR goes first", test_preset_folder},
    {"the environment", test_environment},
    {"the help names every key", test_help},
};
UNIT_MAIN("config", tests)
