// SPDX-License-Identifier: MIT
// What a file may say, and everything that is wrong with it: each refusal with its file, line, key and range.
#include "common/config/config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "test_config_files.h"
#include "unit.h"

static void test_forms(void)
{
    struct config nested, dotted;
    config_init(&nested);
    config_init(&dotted);
    UNIT_OK(config_load_text(&nested,
                             "\xef\xbb\xbf# a comment\n---\noctaves: {count: 3, scale: 2}\nsteps: \"5\"\nmodel:\n  path: 'a b'\n...\n"));
    UNIT_OK(config_load_text(&dotted, "steps: 5\r\nmodel.path: a b\r\noctaves.count: 3\r\noctaves:\r\n  scale: 2.0\r\n"));
    CU_ASSERT_EQUAL(nested.octaves.count, 3);
    CU_ASSERT_EQUAL(nested.octaves.scale, 2);
    CU_ASSERT_TRUE(nested.octaves.detail); // what is not named stays
    CU_ASSERT_STRING_EQUAL(nested.model.path, "a b");
    CU_ASSERT_EQUAL(memcmp(&nested, &dotted, sizeof nested), 0);
    config_init(&nested);
    UNIT_OK(config_load_text(&nested, "\xef\xbb\xbfsteps: 5\nmodel.path: a b\noctaves: {count: 3, scale: 2}\n"));
    CU_ASSERT_EQUAL(memcmp(&nested, &dotted, sizeof nested), 0);
    static const char *const nothing[] = {"", "\xef\xbb\xbf", "# only a comment\n", "---\n", "\n\n", "octaves:\n#  count: 3\nmodel:\n"};
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++)
        UNIT_OK(config_load_text(&nested, nothing[i]));
    CU_ASSERT_EQUAL(memcmp(&nested, &dotted, sizeof nested), 0);
    static const char *const booleans[] = {"false", "False", "no", "NO", "off", "true", "yes", "on", "ON"};
    for (size_t i = 0; i < sizeof booleans / sizeof booleans[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "octaves: {detail: %s}\n", booleans[i]);
        UNIT_OK(config_load_text(&nested, text));
        CU_ASSERT_EQUAL(nested.octaves.detail, i >= 5);
    }
}

// Four texts that say the same; the first fills the configuration.
static void check_same(struct config *first, const char *const texts[4])
{
    struct config other;
    config_init(first);
    UNIT_OK(config_load_text(first, texts[0]));
    for (int i = 1; i < 4; i++) {
        config_init(&other);
        UNIT_OK(config_load_text(&other, texts[i]));
        CU_ASSERT_EQUAL(memcmp(first, &other, sizeof other), 0);
    }
}

static void test_targets(void)
{
    static const char *const same[] = {
        "targets: mixed4#12+45:0.5,mixed5\n",
        "targets: [mixed4#12+45:0.5, mixed5]\n",
        "targets:\n  - {layer: mixed4, weight: 0.5, channels: [12, 45]}\n  - layer: mixed5\n",
        "targets:\n  - channels:\n      - 12\n      - 45\n    weight: .5\n    layer: mixed4\n  - mixed5:1.0\n",
    };
    struct config first;
    check_same(&first, same);
    CU_ASSERT_EQUAL(first.targets.count, 2);
    CU_ASSERT_EQUAL(first.targets.items[0].weight, 0.5);
    CU_ASSERT_EQUAL(first.targets.items[0].channel_count, 2);
}

// YAML's words for nothing are the default, but in quotes.
static void test_nothing(void)
{
    static const char *const same[] = {"guide: none\n", "guide: null\n", "guide: ~\n", "steps: 20\n"};
    struct config config;
    check_same(&config, same);
    UNIT_OK(config_load_text(&config, "guide: 'null'\n"));
    CU_ASSERT_STRING_EQUAL(config.guide, "null");
}

static void test_places(void)
{
    static const char *const same[] = {
        "targets: mixed4#12+45@0.5/0.25:0.5,mixed5@1/0\n",
        "targets: ['mixed4#12+45@0.5/0.25:0.5', mixed5@1.0/0]\n",
        "targets:\n  - {layer: mixed4, weight: 0.5, channels: [12, 45], at: [0.5, 0.25]}\n  - {at: [1, 0], layer: mixed5}\n",
        "targets:\n  - at:\n      - .5\n      - 25e-2\n    layer: mixed4\n    weight: 0.5\n    channels: [12, 45]\n  - mixed5@1/0:1\n",
    };
    struct config first;
    check_same(&first, same);
    CU_ASSERT_EQUAL(first.targets.items[0].place_count, 2);
    CU_ASSERT(first.targets.items[0].place[0] == 0.5 && first.targets.items[0].place[1] == 0.25);
    CU_ASSERT_EQUAL(first.targets.items[0].weight, 0.5);
    CU_ASSERT_EQUAL(first.targets.items[0].channels[1], 45);
    CU_ASSERT(first.targets.items[1].place[0] == 1 && first.targets.items[1].place[1] == 0);
}

static void test_lowered(void)
{
    static const char *const same[] = {
        "targets: mixed4#12-0+45-7:0.5,mixed5#-3\n",
        "targets: [mixed4#-0-7+12+45:0.5, 'mixed5#-3:1']\n",
        "targets:\n  - {layer: mixed4, weight: 0.5, channels: [12, 45], lowered: [0, 7]}\n  - {lowered: [3], layer: mixed5}\n",
        "targets:\n  - lowered:\n      - 0\n      - 7\n    channels: [12, 45]\n    weight: .5\n    layer: mixed4\n  - mixed5#-3\n",
    };
    struct config first;
    check_same(&first, same);
    CU_ASSERT(first.targets.items[0].channel_count == 2 && first.targets.items[0].lowered_count == 2);
    CU_ASSERT(first.targets.items[0].channels[1] == 45 && first.targets.items[0].lowered[0] == 0);
    CU_ASSERT(first.targets.items[1].channel_count == 0 && first.targets.items[1].lowered[0] == 3);
    // A plus of its own before a minus is one too many, but says the same.
    UNIT_OK(config_set(&first, "targets=mixed4#12+-45"));
    CU_ASSERT(first.targets.items[0].channels[0] == 12 && first.targets.items[0].lowered[0] == 45);
}

static void test_octaves(void)
{
    static const char *const same[] = {
        "targets: mixed4%0..0.5:0.5,mixed5#3@0.5/0%.25..1\n",
        "targets: [mixed4%0...5:0.5, 'mixed5#3@0.5/0%0.25..1.0']\n",
        "targets: 'mixed4 %0..0.5: 0.5 , mixed5#3 @ 0.5/0 % 0.25..1.0'\n",
        "targets:\n  - {layer: mixed4, weight: 0.5, octaves: [0, 0.5]}\n  - {octaves: [25e-2, 1], layer: mixed5, at: [.5, 0], channels: "
        "[3]}\n",
        "targets:\n  - octaves:\n      - 0\n      - .5\n    layer: mixed4\n    weight: 0.5\n  - mixed5#3@.5/0%0.25..1:1\n",
    };
    struct config first;
    check_same(&first, same);
    CU_ASSERT(first.targets.items[0].octave_count == 2 && first.targets.items[1].octave_count == 2);
    CU_ASSERT(first.targets.items[0].octaves[0] == 0 && first.targets.items[0].octaves[1] == 0.5);
    CU_ASSERT(first.targets.items[1].octaves[0] == 0.25 && first.targets.items[1].octaves[1] == 1);
    CU_ASSERT(first.targets.items[1].place_count == 2 && first.targets.items[1].channels[0] == 3);
}

static void test_automatic(void)
{
    static const char *const same[] = {
        "targets: mixed4#auto:0.5,mixed5#auto12\n",
        "targets: ['mixed4#auto8:0.5', 'mixed5#auto12']\n",
        "targets:\n  - {layer: mixed4, weight: 0.5, channels: auto}\n  - {channels: auto12, layer: mixed5}\n",
        "targets:\n  - {layer: mixed4, weight: 0.5, channels: [auto]}\n  - mixed5#auto12:1\n",
    };
    struct config first;
    check_same(&first, same);
    CU_ASSERT(first.targets.items[0].automatic == 8 && first.targets.items[1].automatic == 12);
    CU_ASSERT(first.targets.items[0].channel_count == 0);
}

struct refusal {
    const char *text, *message; // the message, or its start
};

static void refuse_all(const struct refusal *refusals, size_t count)
{
    struct config config;
    for (size_t i = 0; i < count; i++) {
        config_init(&config);
        check_refusal(config_load_text(&config, refusals[i].text), refusals[i].text, refusals[i].message);
    }
}
#define REFUSE_ALL(list) refuse_all(list, sizeof list / sizeof list[0])

static void test_wrong_values(void)
{
    static const struct refusal refusals[] = {
        {"targets: mixed4#auto0", "x.yaml:1: targets: channels: auto: 0 is not in 1..1000000"},
        {"targets: mixed4#automatic", "x.yaml:1: targets: channels: auto: 'matic' is not a whole number in 1..1000000 (channels are "
                                      "written as #12+45, #12-45 where 45 is lowered, or #auto8)"},
        {"targets: mixed4#auto3+7", "x.yaml:1: targets: channels: auto and numbers: take one of them"},
        {"targets: mixed4#auto3+auto", "x.yaml:1: targets: channels: auto is there twice"},
        {"targets: [{layer: mixed4, at: auto}]", "x.yaml:1: targets: at: 'auto' is not a number in 0..1"},
        {"\n\nsteps: 0\n", "x.yaml:3: steps: 0 is not in 1..100000"},
        {"steps: 100001", "x.yaml:1: steps: 100001 is not in 1..100000"},
        {"steps: -3", "x.yaml:1: steps: -3 is not in 1..100000"},
        {"steps: 99999999999999999999999", "x.yaml:1: steps: 99999999999999999999999 is not in 1..100000"},
        {"steps: twenty", "x.yaml:1: steps: 'twenty' is not a whole number in 1..100000"},
        {"steps: 2.5", "x.yaml:1: steps: '2.5' is not a whole number"},
        {"steps: 1e3", "x.yaml:1: steps: '1e3' is not a whole number"},
        {"steps: 0x10", "x.yaml:1: steps: '0x10' is not a whole number"},
        {"steps: 20 30", "x.yaml:1: steps: '20 30' is not a whole number"},
        {"steps: 20k", "x.yaml:1: steps: '20k' is not a whole number"},
        {"steps: ' 20'", "x.yaml:1: steps: ' 20' is not a whole number"},
        {"steps:", "x.yaml:1: steps: has no value"},
        {"steps: [1]", "x.yaml:1: steps: takes a single value, not a list or a group"},
        {"steps: {a: 1}", "x.yaml:1: steps: takes a single value, not a list or a group"},
        {"jitter: -1", "x.yaml:1: jitter: -1 is not in 0..4096"},
        {"seed: 18446744073709551616", "x.yaml:1: seed: 18446744073709551616 is not in 0..18446744073709551615"},
        {"step_size: .nan", "x.yaml:1: step_size: '.nan' is not a number in 1e-06..1000000000"},
        {"step_size: inf", "x.yaml:1: step_size: 'inf' is not a number"},
        {"step_size: nan", "x.yaml:1: step_size: 'nan' is not a number"},
        {"step_size: 0x1p3", "x.yaml:1: step_size: '0x1p3' is not a number"},
        {"step_size: 0.1f", "x.yaml:1: step_size: '0.1f' is not a number"},
        {"step_size: 1e", "x.yaml:1: step_size: '1e' is not a number"},
        {"step_size: 1e999", "x.yaml:1: step_size: 1e999 is not in 1e-06..1000000000"},
        {"step_size: 0", "x.yaml:1: step_size: 0 is not in"},
        {"octaves:\n  count: 0\n", "x.yaml:2: octaves.count: 0 is not in 1..32"},
        {"octaves: {scale: 1}", "x.yaml:1: octaves.scale: 1 is not in 1.01..8"},
        {"octaves: {detail: 1}", "x.yaml:1: octaves.detail: '1' is neither true nor false"},
        {"octaves: {detail: y}", "x.yaml:1: octaves.detail: 'y' is neither true nor false"},
        {"gradient: guide", "x.yaml:1: gradient: 'guide' is not one of guided, plain, deconv; did you mean guided?"},
        {"gradient: Guided", "x.yaml:1: gradient: 'Guided' is not one of"},
        {"threads: 0", "x.yaml:1: threads: 0 is not in 1..8192 (or auto)"},
        {"threads: some", "x.yaml:1: threads: 'some' is not a whole number in 1..8192 (or auto)"},
        {"memory: {limit: 1K}", "x.yaml:1: memory.limit: 1K is not in 64MiB..1PiB (or auto)"},
        {"memory: {limit: 512 M}", "x.yaml:1: memory.limit: '512 M' is not a whole number"},
        {"memory: {limit: 512Q}", "x.yaml:1: memory.limit: '512Q' is not a whole number"},
        {"memory: {limit: 512MiBs}", "x.yaml:1: memory.limit: '512MiBs' is not a whole number"},
        {"memory: {limit: 99999999999999999P}", "x.yaml:1: memory.limit: 99999999999999999P is not in"},
        {"memory: {limit: 16385P}", "x.yaml:1: memory.limit: 16385P is not in"}, // wraps to 1 PiB in 64 bits
        {"memory: {limit: 4G8}", "x.yaml:1: memory.limit: '4G8' is not a whole number"},
        {"model: {path: \"a\\nb\"}", "x.yaml:1: model.path: holds a control character, or is not UTF-8, at byte 2"},
        {"model: {path: \"a\\Nb\"}", "x.yaml:1: model.path: holds a control character"},
        {"model: {path: \"a\\0b\"}", "x.yaml:1: a text with a zero byte"},
        {"model: {path: ''}", "x.yaml:1: model.path: has no value"},
        {"steps: \"\\e[31mred\"", "x.yaml:1: steps: '?[31mred' is not a whole number"},
    };
    REFUSE_ALL(refusals);
}

static void test_wrong_keys(void)
{
    static const struct refusal refusals[] = {
        {"seed: 1\nstep: 3\n", "x.yaml:2: unknown key step; did you mean steps?"},
        {"octave: {count: 3}", "x.yaml:1: unknown key octave; did you mean octaves?"},
        {"octaves:\n  size: 3\n", "x.yaml:2: unknown key octaves.size; did you mean octaves.scale?"},
        {"count: 3", "x.yaml:1: unknown key count; did you mean octaves.count?"},
        {"Steps: 3", "x.yaml:1: unknown key Steps; did you mean steps?"},
        {"zzzzzz: 3", "x.yaml:1: unknown key zzzzzz; `oneiros dream --help` lists the keys"},
        {"'': 3", "x.yaml:1: unknown key ;"},
        {"octaves: 3", "x.yaml:1: octaves holds several keys and has no value of its own: name one of octaves.count, octaves.smallest, "
                       "octaves.scale, octaves.d"},
        {"octaves: [3]", "x.yaml:1: octaves holds several keys"},
        {"octaves: {count: 3}\nseed: 1\noctaves.count: 3", "x.yaml:3: octaves.count: is given twice, first in line 1"},
        {"steps: 3\nsteps: 3\n", "x.yaml:2: steps: is given twice, first in line 1"},
        {"octaves: {count: 3}\noctaves: {scale: 2}\n", "x.yaml:2: octaves: is given twice, first in line 1"},
        {"octaves: {steps: 3}", "x.yaml:1: unknown key octaves.steps"},
        {"[a, b]: 3", "x.yaml:1: a list or group where the name of a key should be"},
        {"<<: {steps: 3}", "x.yaml:1: unknown key <<"},
        {"- steps", "x.yaml:1: not a list of `key: value`"},
        {"steps", "x.yaml:1: not a list of `key: value`"},
        {"steps: 3\n---\nsteps: 4\n", "x.yaml:2: a second document"},
        {"\"\\x1b[2Jx\": 3", "x.yaml:1: unknown key ?[2Jx"},
    };
    REFUSE_ALL(refusals);
}

static void test_wrong_targets(void)
{
    static const struct refusal refusals[] = {
        {"targets: []", "x.yaml:1: targets: an empty list"},
        {"targets:", "x.yaml:1: targets: has no value"},
        {"targets: {layer: mixed3}", "x.yaml:1: targets: takes a list; write - {layer: mixed3, weight: 1}"},
        {"targets: 'mixed3:'", "x.yaml:1: targets: weight: '' is not a number in -1000000..1000000"},
        {"targets: mixed3:1,", "x.yaml:1: targets: '' is not the name of a layer"},
        {"targets: mixed4#12,45", "x.yaml:1: targets: '45' is not the name of a layer; channels are joined with +, as in mixed4#12+45"},
        {"targets: mixed4#12..20",
         "x.yaml:1: targets: channels: '12..20' is not a whole number in 0..1000000 (channels are written as #12+45, "
         "#12-45 where 45 is lowered, or #auto8)"},
        {"targets: mixed4#-auto3",
         "x.yaml:1: targets: lowered: 'auto3' is not a whole number in 0..1000000 (channels are written as #12+45, "},
        {"targets: mixed4#12%0..1@0.5/0.5",
         "x.yaml:1: targets: the order of a target's parts is LAYER#CHANNELS@X/Y%FROM..TO:WEIGHT, such as "},
        {"targets: mixed4@0.5/0.5#12", "x.yaml:1: targets: the order of a target's parts is "},
        {"targets: 'mixed4:1#12'", "x.yaml:1: targets: the order of a target's parts is "},
        {"targets: [{layer: mixed3, octaves: 0..0.5}]", "x.yaml:1: targets: octaves: is not a list such as [0, 0.5]"},
        {"targets: mixed3,,mixed4", "x.yaml:1: targets: '' is not the name of a layer"},
        {"targets: mixed3#", "x.yaml:1: targets: channels: '' is not a whole number in 0..1000000"},
        {"targets: mixed3#1+1", "x.yaml:1: targets: channels: 1 is there twice"},
        {"targets: mixed3:1#4", "x.yaml:1: targets: the order of a target's parts is "},
        {"targets: mixed-3", "x.yaml:1: targets: 'mixed-3' is not the name of a layer"},
        {"targets: mixed3mixed3mixed3mixed3mixed3mixed3", "x.yaml:1: targets: 'mixed3mixed3mixed3mixed3mixed3mixed3' is not the name"},
        {"targets:\n  - weight: 2\n", "x.yaml:2: targets: a target without its layer"},
        {"targets:\n  - {}\n", "x.yaml:2: targets: a target without its layer"},
        {"targets:\n  - layer: mixed3\n    wait: 2\n", "x.yaml:3: targets: wait is none of layer, weight, channels, lowered, at, octaves"},
        {"targets:\n  - layer: mixed3\n    layer: mixed4\n", "x.yaml:3: targets: layer is given twice"},
        {"targets:\n  - layer: [mixed3]\n", "x.yaml:2: targets: layer and weight are single values"},
        {"targets:\n  - layer: mixed3\n    channels: 3\n", "x.yaml:3: targets: channels: is not a list such as [12, 45]"},
        {"targets:\n  - layer: mixed3\n    channels: []\n", "x.yaml:3: targets: channels: an empty list"},
        {"targets:\n  - layer: mixed3\n    channels: [3,\n      -1]\n", "x.yaml:4: targets: channels: -1 is not in 0..1000000"},
        {"targets:\n  - layer: mixed3\n    channels: [[3]]\n", "x.yaml:3: targets: channels: not a list of numbers"},
        {"targets: mixed3@", "x.yaml:1: targets: at: '' is not a number in 0..1"},
        {"targets: mixed3@0.5", "x.yaml:1: targets: at: x without y, as parts of the picture: 0.5 and 0.5 are its middle"},
        {"targets: mixed3@0.5/", "x.yaml:1: targets: at: '' is not a number in 0..1"},
        {"targets: mixed3@0.5/1.5", "x.yaml:1: targets: at: 1.5 is not in 0..1"},
        {"targets: mixed3@-0.1/0", "x.yaml:1: targets: at: -0.1 is not in 0..1"},
        {"targets: mixed3@nan/0", "x.yaml:1: targets: at: 'nan' is not a number in 0..1"},
        {"targets: mixed3@0/0/0", "x.yaml:1: targets: at: more than x and y"},
        {"targets: mixed3@0/0#4", "x.yaml:1: targets: the order of a target's parts is "}, // channels go before the place
        {"targets:\n  - layer: mixed3\n    at: 0.5\n", "x.yaml:3: targets: at: is not a list such as [0.5, 0.5]"},
        {"targets:\n  - layer: mixed3\n    at: [0.5]\n", "x.yaml:2: targets: at: x without y"},
        {"targets:\n  - layer: mixed3\n    at: []\n", "x.yaml:3: targets: at: an empty list"},
        {"targets:\n  - layer: mixed3\n    at: [0.5,\n      2]\n", "x.yaml:4: targets: at: 2 is not in 0..1"},
        {"targets:\n  - layer: mixed3\n    at: [0.5, 0.5]\n    at: [0, 0]\n", "x.yaml:4: targets: at is given twice"},
        {"targets: mixed3#-", "x.yaml:1: targets: lowered: '' is not a whole number in 0..1000000"},
        {"targets: mixed3#1-", "x.yaml:1: targets: lowered: '' is not a whole number in 0..1000000"},
        {"targets: mixed3#1--2", "x.yaml:1: targets: lowered: '' is not a whole number in 0..1000000"},
        {"targets: mixed3#+1", "x.yaml:1: targets: channels: '' is not a whole number in 0..1000000"},
        {"targets: mixed3#1+", "x.yaml:1: targets: channels: '' is not a whole number in 0..1000000"},
        {"targets: mixed3#1++2", "x.yaml:1: targets: channels: '' is not a whole number in 0..1000000"},
        {"targets: mixed3#-1000001", "x.yaml:1: targets: lowered: 1000001 is not in 0..1000000"},
        {"targets: mixed3#1-1", "x.yaml:1: targets: lowered: 1 is both raised and lowered"},
        {"targets: mixed3#-1+1", "x.yaml:1: targets: channels: 1 is both raised and lowered"},
        {"targets: mixed3#-0-0", "x.yaml:1: targets: lowered: 0 is there twice"},
        {"targets:\n  - layer: mixed3\n    channels: [3]\n    lowered: [3]\n", "x.yaml:4: targets: lowered: 3 is both raised and lowered"},
        {"targets:\n  - layer: mixed3\n    lowered: [-3]\n", "x.yaml:3: targets: lowered: -3 is not in 0..1000000"},
        {"targets:\n  - layer: mixed3\n    lowered: 3\n", "x.yaml:3: targets: lowered: is not a list"},
        {"targets: mixed3%", "x.yaml:1: targets: octaves: '' is not a number in 0..1"},
        {"targets: mixed3%0.5",
         "x.yaml:1: targets: octaves: the first without the last, as parts of the way from the smallest (0) to full "},
        {"targets: mixed3%..1", "x.yaml:1: targets: octaves: '' is not a number in 0..1"},
        {"targets: mixed3%0..", "x.yaml:1: targets: octaves: '' is not a number in 0..1"},
        {"targets: mixed3%0..1.5", "x.yaml:1: targets: octaves: 1.5 is not in 0..1"},
        {"targets: mixed3%0-0.5", "x.yaml:1: targets: octaves: '0-0.5' is not a number in 0..1"},
        {"targets: mixed3%0..0.5..1", "x.yaml:1: targets: octaves: '0.5..1' is not a number in 0..1"},
        {"targets: mixed3%0.6..0.5", "x.yaml:1: targets: octaves: the first, 0.6, is behind the last, 0.5"},
        {"targets: mixed3%0..1@0/0", "x.yaml:1: targets: the order of a target's parts is "}, // the place goes before the octaves
        {"targets: mixed3:1%0..1", "x.yaml:1: targets: the order of a target's parts is "},
        {"targets:\n  - layer: mixed3\n    octaves: [1]\n", "x.yaml:2: targets: octaves: the first without the last"},
        {"targets:\n  - layer: mixed3\n    octaves: [0, 0, 1]\n", "x.yaml:3: targets: octaves: more than the first and the last"},
        {"targets: [[mixed3]]", "x.yaml:1: targets: a list in a list"},
        {"targets: [a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q]", "x.yaml:1: targets: more than 16 targets"},
    };
    REFUSE_ALL(refusals);
    struct config config, defaults;
    config_init(&config);
    config_init(&defaults);
    char text[1 << 12] = "targets: mixed3#0";
    for (int i = 1; i <= CONFIG_CHANNELS_MAX; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "+%d", i);
    UNIT_FAILS(config_load_text(&config, text), STATUS_USAGE, "channels: more than 64");
    CU_ASSERT_EQUAL(memcmp(&config, &defaults, sizeof config), 0); // a refused list changes nothing
}

static void test_not_yaml(void)
{
    static const struct refusal refusals[] = {
        {"steps: 3\n\tseed: 4\n", "x.yaml:2: not YAML: found a tab character"},
        {"seed: 3\n@a: 4\n", "x.yaml:2: not YAML: "},
        {"{steps: 3\n", "x.yaml:2: not YAML: "},
        {"steps: \"3\n", "x.yaml:2: not YAML: "},
        {"steps: 3\nmodel.path: caf\xe9\n", "x.yaml:2: not YAML: "},
        {"steps: 3\nmodel.path: a\x01z\n", "x.yaml:2: not YAML: "},
        {"seed: &a 3\nsteps: *a\n", "x.yaml:1: anchors (&), aliases (*) and tags (!) are not taken here"},
        {"steps: *a\n", "x.yaml:1: anchors (&), aliases (*) and tags (!) are not taken here"},
        {"steps: !!int 3\n", "x.yaml:1: anchors (&), aliases (*) and tags (!)"},
        {"a: &a [lol,lol]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\n", "x.yaml:1: unknown key a"},
        {"targets: &a\n  - &b {layer: mixed3}\n", "x.yaml:1: anchors"},
        {"octaves: &o {count: 3}\n", "x.yaml:1: anchors"},
        {"%YAML 2.0\n---\nsteps: 3\n", "x.yaml:1: not YAML: "},
    };
    REFUSE_ALL(refusals);
    struct config config;
    config_init(&config);
    static const char zero[] = "steps: 3\nseed: 4\0\n", utf16[] = "\xff\xfes\0t\0e\0p\0s\0:\0 \0003\0";
    CU_ASSERT_EQUAL(config_load_bytes(&config, zero, sizeof zero - 1), STATUS_USAGE);
    CU_ASSERT_EQUAL(config_load_bytes(&config, utf16, sizeof utf16 - 1), STATUS_USAGE);
    char binary[4096];
    for (size_t i = 0; i < sizeof binary; i++)
        binary[i] = (char)(i * 131 + (i >> 5));
    CU_ASSERT_EQUAL(config_load_bytes(&config, binary, sizeof binary), STATUS_USAGE);
}

// Files made to eat stack, memory or time. Each is refused within moments.
static void test_bombs(void)
{
    enum { SIZE = 1 << 20 };
    static const char *const units[] = {"[", "{", "- ", "{a: ", "? ", "[{", "!a ", "\"", "a: &a\n ", "#", "a", "- - \n", "octaves: {", "|"};
    char *text = malloc(SIZE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    clock_t start = clock();
    for (int key = 0; key < 2; key++) {
        for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
            size_t used = key ? (size_t)sprintf(text, "targets: ") : 0, unit = strlen(units[i]);
            for (; used + unit <= SIZE; used += unit)
                memcpy(text + used, units[i], unit);
            struct config config, defaults;
            config_init(&config);
            config_init(&defaults);
            enum status rc = config_load_bytes(&config, text, used);
            CU_ASSERT(rc == STATUS_USAGE || (units[i][0] == '#' && !key && rc == STATUS_OK));
            CU_ASSERT_EQUAL(memcmp(&config, &defaults, sizeof config), 0);
        }
    }
    free(text);
    CU_ASSERT((double)(clock() - start) / CLOCKS_PER_SEC < 20);
}

static void test_files(void)
{
    struct config config;
    config_init(&config);
    CU_ASSERT(config_load_file(&config, "no/such/file.yaml") != STATUS_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "no/such/file.yaml"));
    CU_ASSERT(config_load_file(&config, ".") != STATUS_OK);
    CU_ASSERT(config_load_file(&config, "/dev/zero") != STATUS_OK);
    char path[] = "test_big_XXXXXX";
    int file = mkstemp(path);
    CU_ASSERT_FATAL(file >= 0);
    CU_ASSERT_EQUAL(ftruncate(file, 100 << 20), 0);
    UNIT_FAILS(config_load_file(&config, path), STATUS_LIMIT, path);
    close(file);
    unlink(path);
}

static const struct unit_test tests[] = {
    {"nested, dotted, quoted, empty", test_forms},
    {"targets, long and short", test_targets},
    {"places of neurons, long and short", test_places},
    {"channels that are lowered, long and short", test_lowered},
    {"octaves of targets, long and short", test_octaves},
    {"channels that pictures choose", test_automatic},
    {"nothing", test_nothing},
    {"wrong values", test_wrong_values},
    {"wrong keys", test_wrong_keys},
    {"wrong targets", test_wrong_targets},
    {"not YAML, or too much YAML", test_not_yaml},
    {"bombs", test_bombs},
    {"no file, a folder, a device, a huge file", test_files},
};
UNIT_MAIN("config_yaml", tests)
