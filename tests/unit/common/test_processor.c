// SPDX-License-Identifier: MIT
#include "common/system/processor.h"

#include "files.h"
#include "unit.h"

static void check(const char *text, const char *name)
{
    char found[PROCESSOR_NAME_MAX];
    write_text("cpuinfo", text);
    processor_name("cpuinfo", found);
    CU_ASSERT_STRING_EQUAL(found, name);
}

static void test_x86(void)
{
    check("processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel\t\t: 17\nmodel name\t: AMD EPYC 9654 96-Core Processor\nstepping\t: 1\n\n"
          "processor\t: 1\nmodel name\t: another\n",
          "AMD EPYC 9654 96-Core Processor");
}

// As Linux has it on a Neoverse N1, with features that are longer than a line is read; then a Cortex-A53 and an A72 on one chip.
static void test_arm(void)
{
    char text[2048], features[700];
    memset(features, 'f', sizeof features);
    features[sizeof features - 1] = '\0';
    snprintf(text, sizeof text,
             "processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: %s\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x3\n"
             "CPU part\t: 0xd0c\nCPU revision\t: 1\n\n",
             features);
    check(text, "Arm 0x41 0xd0c");
    check("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd03\n\nprocessor\t: 1\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n",
          "Arm 0x41 0xd03");
}

static void test_unknown(void)
{
    char found[PROCESSOR_NAME_MAX];
    check("", "unknown");
    check("processor\t: 0\nhart\t: 2\nisa\t: rv64imafdc\n", "unknown");
    processor_name("no/such/file", found);
    CU_ASSERT_STRING_EQUAL(found, "unknown");
}

// A name is cut where there is no more room.
static void test_long(void)
{
    char text[512] = "model name\t: ", found[PROCESSOR_NAME_MAX];
    memset(text + strlen(text), 'x', 200);
    write_text("cpuinfo", text);
    processor_name("cpuinfo", found);
    CU_ASSERT_EQUAL(strlen(found), PROCESSOR_NAME_MAX - 1);
}

static const struct unit_test tests[] = {{"x86", test_x86}, {"arm", test_arm}, {"unknown", test_unknown}, {"long", test_long}};
UNIT_MAIN("processor", tests)
