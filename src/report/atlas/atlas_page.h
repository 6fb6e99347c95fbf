// SPDX-License-Identifier: MIT
// atlas.html: every channel with what it wants, what it saw and how much it counts; stands alone but for the pictures beside it.
#pragma once

#include "report/atlas/atlas_file.h"

// Complete or absent.
enum status atlas_page_write(const struct atlas_facts *facts) MUST_CHECK;
