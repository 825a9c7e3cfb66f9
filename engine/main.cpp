#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "engine/api/outcome.h"
#include "engine/base/contain.h"
#include "engine/base/log.h"
#include "engine/cli/conceal.h"
#include "engine/cli/options.h"
#include "engine/cli/output.h"
#include "engine/cli/verbs.h"

// tributary: command line -> verb -> exit code.
namespace {

int run(const tributary::cli::Invocation& invocation) {
  using namespace tributary::cli;
  const Options& options = invocation.options;
  if (invocation.flaw) return publish(report_of(options, *invocation.flaw, "BadConfiguration"), options);
  switch (options.verb) {
    case Verb::validate:
      return validate(options);
    case Verb::init:
      return init(options);
    case Verb::sync:
      return sync(options);
    case Verb::verify:
      return verify(options);
    case Verb::recopy:
      return recopy(options);
    case Verb::release:
      return release(options);
    case Verb::status:
      return status(options);
    case Verb::none:
      break;
  }
  return print(invocation.text);
}

// A stream that was closed would become the next socket, and what is written for it would go there. Whoever closed
// standard output still learns that nothing was written: it may only be read.
void open_standard_streams() {
  int opened = 0;
  do {
    const bool output_closed = fcntl(STDIN_FILENO, F_GETFD) >= 0 && fcntl(STDOUT_FILENO, F_GETFD) < 0;
    opened = ::open("/dev/null", output_closed ? O_RDONLY : O_RDWR);
  } while (opened >= 0 && opened <= STDERR_FILENO);
  if (opened >= 0) ::close(opened);
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_streams();
  const tributary::Result<int> code = tributary::contain([&]() -> tributary::Result<int> {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    tributary::cli::conceal_connection_strings(argc, argv);
    const int ended = run(tributary::cli::read_command_line(arguments));
    tributary::log::flush();
    return ended;
  });
  if (code) return *code;
  std::fprintf(stderr, "tributary: %s\n", code.error().what.c_str());
  return static_cast<int>(tributary::api::ExitCode::failed);
}
