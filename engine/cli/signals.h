#pragma once

#include "engine/base/result.h"

namespace tributary::cli {

// Turns the first SIGINT or SIGTERM into a readable file descriptor; a second one ends the process at once with exit
// code 1. SIGPIPE is ignored, so that a closed pipe is an error of the write. Children inherit none of it but the
// ignored SIGPIPE. Call once, before the first thread; the descriptor stays open as long as the process.
Result<int> catch_interrupts();

// The work is over, and what is left to write may wait for a reader without end. From here on every SIGINT or SIGTERM
// ends the process at once with exit code 1, and one that came before leaves it ten seconds.
void end_on_interrupt();

// The signal that came ("SIGTERM"), or "" as long as none did.
const char* interrupt();

}  // namespace tributary::cli
