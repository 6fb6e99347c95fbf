// SPDX-License-Identifier: MIT
// The kind of processor, by name: what is timed on one says nothing about another.
#pragma once

enum { PROCESSOR_NAME_MAX = 64 };

// From a text as /proc/cpuinfo is: its first "model name"; on 64-bit Arm, which gives numbers only, who made the first core and which one
// it is, "Arm 0x41 0xd0c" (fields of the register MIDR_EL1); else "unknown".
void processor_name(const char *cpuinfo, char name[PROCESSOR_NAME_MAX]);
