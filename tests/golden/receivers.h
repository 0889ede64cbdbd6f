/* receivers.h - a recorded notification: configuration and alerts in, requests out.
 *
 * The case runs through the engine on a pretended clock, with a sink that answers as the
 * recorded one did. */
#pragma once
#include "golden/golden.h"

/* Whether the folder holds such a case. */
bool is_receiver_case(const char *folder);
void golden_receiver(struct tally *, const char *folder);
