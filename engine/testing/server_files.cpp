#include "engine/testing/server_files.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

extern char** environ;

namespace tributary::testbed {
namespace {

namespace fs = std::filesystem;

struct User {
  uid_t uid;
  gid_t gid;
};

User server_user() {
  if (geteuid() != 0) return {geteuid(), getegid()};
  const passwd* nobody = getpwnam("nobody");
  if (nobody == nullptr) throw std::runtime_error("user nobody is missing, and PostgreSQL refuses to run as root");
  return {nobody->pw_uid, nobody->pw_gid};
}

fs::path root() {
  if (const char* set = std::getenv("TRIBUTARY_POSTGRES_ROOT")) return set;
  return "/var/cache/tributary/postgres";
}

fs::path make_folder(const fs::path& parent, const std::string& name) {
  std::string made = (parent / (name + ".XXXXXX")).string();
  if (mkdtemp(made.data()) == nullptr) throw std::runtime_error("no folder can be made in " + parent.string());
  return made;
}

// Holds a lock file as long as it lives; two test processes never make the same template at once.
class Lock {
 public:
  explicit Lock(const fs::path& file) : descriptor_(open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)) {
    if (descriptor_ < 0 || flock(descriptor_, LOCK_EX) != 0)
      throw std::runtime_error("file cannot be locked: " + file.string());
  }
  ~Lock() { close(descriptor_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  int descriptor_;
};

void make_cluster(int major, const fs::path& data, const fs::path& log) {
  run_program({installation(major) / "bin/initdb", "--no-sync", "--username=postgres", "--encoding=UTF8",
               "--locale=C.UTF-8", "--auth=trust", "--pgdata=" + data.string()},
              log);
}

// A few times what all servers of the suite hold at once.
constexpr std::uintmax_t enough_room = std::uintmax_t{6} << 30;

}  // namespace

fs::path servers_parent() {
  std::error_code unknown;
  if (std::getenv("TMPDIR") == nullptr) {
    const fs::space_info memory = fs::space("/dev/shm", unknown);
    if (!unknown && memory.available >= enough_room) return "/dev/shm";
  }
  return fs::temp_directory_path();
}

fs::path server_folder(const fs::path& parent, const std::string& name) {
  fs::path folder = make_folder(parent, name);
  const User user = server_user();
  if (chown(folder.c_str(), user.uid, user.gid) != 0) throw std::runtime_error("chown failed: " + folder.string());
  return folder;
}

fs::path installation(int major) {
  const fs::path link = root() / std::to_string(major);
  std::error_code missing;
  const fs::path found = fs::canonical(link, missing);
  if (missing) throw std::runtime_error("no PostgreSQL at " + link.string() + ": run ./dev postgres");
  return found;
}

void copy_cluster(int major, int ordinal, const fs::path& data) {
  const User user = server_user();
  const fs::path templates = root() / "template";
  const std::string version = installation(major).filename();
  const fs::path kept = templates / (version + "-" + std::to_string(user.uid) + "-" + std::to_string(ordinal));
  const fs::path log = data.parent_path() / "initdb.log";
  fs::create_directories(templates);
  {
    const Lock lock(kept.string() + ".lock");
    if (!fs::exists(kept)) {
      const fs::path stage = server_folder(templates, ".stage");
      make_cluster(major, stage / "data", log);
      fs::rename(stage / "data", kept);
      fs::remove_all(stage);
    }
  }
  run_program({"/bin/cp", "-a", "--reflink=auto", kept.string(), data.string()}, log);
}

int free_port() {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = bind(probe, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(probe);
  if (!bound) throw std::runtime_error("no free port on 127.0.0.1");
  return ntohs(address.sin_port);
}

pid_t launch(const std::vector<std::string>& command, const fs::path& log, int input) {
  std::vector<std::string> words;
  if (geteuid() == 0) {
    const User user = server_user();
    words = {"/usr/bin/setpriv", "--reuid=" + std::to_string(user.uid), "--regid=" + std::to_string(user.gid),
             "--clear-groups", "--"};
  }
  words.insert(words.end(), command.begin(), command.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  if (input < 0) {
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  } else {
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
  }
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  pid_t child = -1;
  const int failed = posix_spawn(&child, arguments[0], &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0) throw std::runtime_error("program cannot be started: " + words[0]);
  return child;
}

void run_program(const std::vector<std::string>& command, const fs::path& log) {
  const pid_t child = launch(command, log);
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0) throw std::runtime_error(command[0] + " failed: see " + log.string());
}

}  // namespace tributary::testbed
