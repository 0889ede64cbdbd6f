#include "base/base.h"
#include "base/xxhash.h"

#include <string.h>

#define P1 UINT64_C(0x9E3779B185EBCA87)
#define P2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define P3 UINT64_C(0x165667B19E3779F9)
#define P4 UINT64_C(0x85EBCA77C2B2AE63)
#define P5 UINT64_C(0x27D4EB2F165667C5)

static uint64_t rotate(uint64_t v, int by)
{
	return v << by | v >> (64 - by);
}

static uint64_t word(const char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = n; i--;)
		v = v << 8 | (unsigned char)p[i];
	return v;
}

static uint64_t stir(uint64_t lane, uint64_t in)
{
	return rotate(lane + in * P2, 31) * P1;
}

uint64_t xxhash64(struct str s, uint64_t seed)
{
	uint64_t lanes[4] = {seed + P1 + P2, seed + P2, seed, seed - P1}, h = seed + P5;
	size_t whole = s.n;

	if (s.n >= 32) {
		for (; s.n >= 32; s = str_from(s, 32)) {
			for (size_t i = 0; i < 4; i++)
				lanes[i] = stir(lanes[i], word(s.p + 8 * i, 8));
		}
		h = rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) +
		    rotate(lanes[3], 18);
		for (size_t i = 0; i < 4; i++)
			h = (h ^ stir(0, lanes[i])) * P1 + P4;
	}
	h += whole;
	for (; s.n >= 8; s = str_from(s, 8))
		h = rotate(h ^ stir(0, word(s.p, 8)), 27) * P1 + P4;
	if (s.n >= 4) {
		h = rotate(h ^ word(s.p, 4) * P1, 23) * P2 + P3;
		s = str_from(s, 4);
	}
	for (; s.n; s = str_from(s, 1))
		h = rotate(h ^ word(s.p, 1) * P5, 11) * P1;
	h = (h ^ h >> 33) * P2;
	h = (h ^ h >> 29) * P3;
	return h ^ h >> 32;
}
