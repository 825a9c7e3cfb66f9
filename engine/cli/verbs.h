#pragma once

#include "engine/cli/options.h"

// One function and one file per verb. Each returns the process's exit code.
namespace tributary::cli {

int validate(const Options& options);
int init(const Options& options);
int sync(const Options& options);
int verify(const Options& options);
int recopy(const Options& options);
int release(const Options& options);
int status(const Options& options);

}  // namespace tributary::cli
