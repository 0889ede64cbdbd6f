/* The words of a pattern are what the pattern accepts, as PCRE2 sees it. */
#include "base/base.h"
#include "base/utf8.h"
#include "model/regex.h"
#include "model/regex_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_found(struct arena *mem, const struct regex *re, struct str word)
{
	const struct regex_text text = regex_text_new(mem, word);
	struct regex_span span;
	size_t work = 1000000;
	enum regex_found found = regex_search(re, &text, 0, &span, 1, &work);

	return found == REGEX_TIRED || found == REGEX_FOUND;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str pattern = {(const char *)data, MIN(size, 200)}, *words;
	struct arena mem = {0};
	const struct regex *re;
	size_t n;

	if (utf8_valid(pattern) && regex_words_of(&mem, pattern, &words, &n)) {
		re = regex_new(&mem,
			       str_of(arena_printf(&mem, "^(?:%.*s)\\z", FMT(pattern))),
			       REGEX_ANYWHERE, NULL);
		if (!re)
			BUG("words of no expression: %.*s", FMT(pattern));
		for (size_t i = 0; i < n; i++) {
			if (!is_found(&mem, re, words[i]))
				BUG("%.*s does not accept %.*s", FMT(pattern),
				    FMT(words[i]));
		}
	}
	arena_free(&mem);
	return 0;
}
