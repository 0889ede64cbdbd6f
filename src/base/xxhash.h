/* xxhash.h - xxHash64: where rulers place a group within its interval (spec/rules.md 5.1).
 */
#pragma once
#include "base/str.h"

uint64_t xxhash64(struct str, uint64_t seed);
