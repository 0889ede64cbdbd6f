#include "base/base.h"
#include "engine/notification.h"

const char *failure_text(enum failure f)
{
	static const char *const words[FAILURES] = {
		[FAILURE_OTHER] = "other",
		[FAILURE_CLIENT] = "clientError",
		[FAILURE_AUTH] = "authError",
		[FAILURE_RATE] = "rateLimited",
		[FAILURE_SERVER] = "serverError",
		[FAILURE_CANCELED] = "contextCanceled",
		[FAILURE_DEADLINE] = "contextDeadlineExceeded",
	};

	return words[f];
}

enum failure failure_of_status(int status)
{
	if (status == 401 || status == 403)
		return FAILURE_AUTH;
	if (status == 429)
		return FAILURE_RATE;
	if (status >= 400 && status < 500)
		return FAILURE_CLIENT;
	return status >= 500 && status < 600 ? FAILURE_SERVER : FAILURE_OTHER;
}
