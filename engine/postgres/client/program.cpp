#include "engine/postgres/client/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

extern char** environ;

namespace tributary::postgres {
namespace {

constexpr Milliseconds stop_slice{100};
constexpr Milliseconds end_slice{10};             // between two looks whether a program ended that writes no more
constexpr std::size_t errors_limit = 256 * 1024;  // pg_dump repeats a statement of 100 KB that failed

Error system_error(const std::string& what) {
  return {Fault::failed, what + ": " + std::strerror(errno)};
}

class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Descriptor() { reset(); }
  int get() const { return value_; }
  void reset() {
    if (value_ >= 0) close(value_);
    value_ = -1;
  }

 private:
  int value_;
};

struct Pipe {
  Descriptor read;
  Descriptor write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("no pipe can be made");
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> merged_environment(const std::vector<std::string>& added) {
  std::vector<std::string> result = added;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string ours = *variable;
    const std::string name = ours.substr(0, ours.find('=') + 1);
    if (std::none_of(added.begin(), added.end(), [&](const std::string& other) { return other.starts_with(name); })) {
      result.push_back(ours);
    }
  }
  return result;
}

// All that the child needs, made before fork(): in a process with threads only async-signal-safe calls may follow it.
struct Child {
  std::vector<char*> arguments;
  std::vector<char*> environment;
  int input;
  int output;
  int errors;
  std::vector<int> kept;
  pid_t parent;
};

[[noreturn]] void become(const Child& child) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != child.parent) _exit(127);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (const int number : {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaction(number, &standard, nullptr);
  dup2(child.input, STDIN_FILENO);
  dup2(child.output, STDOUT_FILENO);
  dup2(child.errors, STDERR_FILENO);
  for (const int descriptor : child.kept) fcntl(descriptor, F_SETFD, 0);
  execve(child.arguments[0], child.arguments.data(), child.environment.data());
  const char message[] = "it cannot be executed\n";
  if (write(STDERR_FILENO, message, sizeof message - 1) < 0) _exit(126);
  _exit(127);
}

// A started program; destroying it before it ended kills its group and reaps it.
class Running {
 public:
  explicit Running(pid_t pid) : pid_(pid) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    if (pid_ < 0) return;
    kill(-pid_, SIGKILL);
    kill(pid_, SIGKILL);  // its group may not exist yet
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  // Nothing while it runs. Not to be asked again once it has ended.
  std::optional<int> status() {
    int status = 0;
    const pid_t ended = waitpid(pid_, &status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) return std::nullopt;
    pid_ = -1;
    if (ended < 0) return 255;  // somebody else reaped it: an end that nobody knows is no success
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_;
};

// Appends what is there to read; closes the descriptor at its end.
Result<void> drain(Descriptor& from, std::string& to) {
  std::array<char, 65536> buffer;
  const ssize_t count = read(from.get(), buffer.data(), buffer.size());
  if (count > 0) {
    to.append(buffer.data(), static_cast<std::size_t>(count));
  } else if (count == 0) {
    from.reset();
  } else if (errno != EINTR && errno != EAGAIN) {
    return system_error("output cannot be read");
  }
  return {};
}

// Both streams to their ends, then the program to its own: it may close them and live on.
Result<Output> collect(Running& running, Descriptor& output, Descriptor& errors, const Program& program,
                       const Until& until) {
  Output result;
  while (true) {
    const bool silent = output.get() < 0 && errors.get() < 0;
    if (const std::optional<int> status = silent ? running.status() : std::nullopt) {
      result.status = *status;
      return result;
    }
    if (until.stop.stop_requested()) return Error{Fault::cancelled, "stopped while it ran"};
    const Milliseconds left = until.deadline.left();
    if (left.count() == 0) return Error{Fault::transient, "it did not end in time"};
    std::array<pollfd, 2> watched{{{output.get(), POLLIN, 0}, {errors.get(), POLLIN, 0}}};
    const Milliseconds slice = std::min(left, silent ? end_slice : stop_slice);
    const int ready = poll(watched.data(), watched.size(), static_cast<int>(slice.count()));
    if (ready < 0 && errno != EINTR) return system_error("poll failed");
    if (ready <= 0) continue;
    if (watched[0].revents != 0) TRY(drain(output, result.output));
    if (watched[1].revents != 0) TRY(drain(errors, result.errors));
    if (result.output.size() > program.output_limit) return Error{Fault::failed, "it wrote more than is believable"};
    if (result.errors.size() > errors_limit) result.errors.erase(0, result.errors.size() - errors_limit);
  }
}

}  // namespace

Result<MemoryFile> MemoryFile::create(const std::string& contents) {
  MemoryFile file(memfd_create("tributary", MFD_CLOEXEC));
  if (file.descriptor_ < 0) return system_error("no file in memory can be made");
  if (fchmod(file.descriptor_, 0600) != 0) return system_error("a file in memory cannot be made private");
  std::size_t written = 0;
  while (written < contents.size()) {
    const ssize_t count = ::write(file.descriptor_, contents.data() + written, contents.size() - written);
    if (count < 0 && errno != EINTR) return system_error("a file in memory cannot be written");
    if (count > 0) written += static_cast<std::size_t>(count);
  }
  return file;
}

MemoryFile::MemoryFile(MemoryFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

MemoryFile::~MemoryFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::string MemoryFile::path() const {
  return "/proc/self/fd/" + std::to_string(descriptor_);
}

Result<Output> run(const Program& program, const Until& until) {
  const std::string& name = program.command.front();
  Descriptor nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (nothing.get() < 0) return system_error("/dev/null cannot be opened");
  Pipe output = TRY(make_pipe());
  Pipe errors = TRY(make_pipe());
  const std::vector<std::string> environment = merged_environment(program.environment);
  Child child{pointers(program.command),
              pointers(environment),
              nothing.get(),
              output.write.get(),
              errors.write.get(),
              {},
              getpid()};
  for (const MemoryFile* file : program.files) child.kept.push_back(file->descriptor());

  const pid_t pid = fork();
  if (pid < 0) return system_error(name + " cannot be started");
  if (pid == 0) become(child);
  Running running(pid);
  output.write.reset();
  errors.write.reset();
  Result<Output> collected = collect(running, output.read, errors.read, program, until);
  if (!collected) return within(name, collected.error());
  return collected;
}

}  // namespace tributary::postgres
