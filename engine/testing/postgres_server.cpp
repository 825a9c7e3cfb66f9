#include "engine/testing/postgres_server.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "engine/testing/server_files.h"

namespace tributary::testbed {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr auto start_limit = std::chrono::seconds(60);

constexpr const char* settings = R"(
unix_socket_permissions = 0777
password_encryption = 'scram-sha-256'
max_connections = 100
max_wal_senders = 20
max_replication_slots = 20
max_prepared_transactions = 10
shared_buffers = '64MB'
dynamic_shared_memory_type = 'mmap'   # nothing outside the data folder survives kill -9
fsync = off
full_page_writes = off
timezone = 'UTC'
lc_messages = 'C'
log_line_prefix = '%m [%p] %q%u@%d '
)";

constexpr const char* access = R"(
local all,replication postgres trust
local all,replication all scram-sha-256
host all,replication all 127.0.0.1/32 scram-sha-256
)";

// Waits on standard input, whose other end only the test process holds. When that has died the server is ended (if the
// process of that id still lives in our data folder) with its shared memory, and the folder goes.
constexpr const char* guard_script = R"sh(
read -r _
cd "$1" || exit 0
pid=$(sed -n 1p data/postmaster.pid 2>/dev/null)
shm=$(sed -n 7p data/postmaster.pid 2>/dev/null)
alive() { [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$1/data" ]; }
alive "$1" && kill -QUIT "$pid"
while alive "$1"; do sleep 0.1; done
[ -n "$shm" ] && ipcrm -m "${shm##* }" 2>/dev/null
until rm -rf "$1"; do sleep 0.1; done
)sh";

std::string percent_encoded(const std::string& text) {
  constexpr const char* digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 128 && std::isalnum(byte) != 0) || c == '_' || c == '-' || c == '.') {
      encoded += c;
    } else {
      encoded += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return encoded;
}

// An identifier in double quotes or a string in single ones.
std::string in_quotes(const std::string& text, char quote) {
  std::string between(1, quote);
  for (const char c : text) between.append(c == quote ? 2 : 1, c);
  return between + quote;
}

std::vector<pid_t> children_of(pid_t parent) {
  const std::string id = std::to_string(parent);
  std::ifstream list("/proc/" + id + "/task/" + id + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; list >> child;) children.push_back(child);
  return children;
}

// A process that has ended but that nobody has waited for has no command line any more.
bool is_running(pid_t process) {
  std::ifstream words("/proc/" + std::to_string(process) + "/cmdline");
  return words.peek() != std::ifstream::traits_type::eof();
}

void replace_by_copy(const fs::path& what, const fs::path& original, const fs::path& log) {
  run_program({"/bin/rm", "-rf", what.string()}, log);
  run_program({"/bin/cp", "-a", "--reflink=auto", original.string(), what.string()}, log);
}

}  // namespace

Database::~Database() {
  if (server_ == nullptr) return;
  try {
    Session session(server_->uri("postgres"));
    const std::string name = in_quotes(name_, '"');
    if (server_->major() >= 13) {
      session.exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
    } else {
      session.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = " + in_quotes(name_, '\''));
      session.exec("DROP DATABASE IF EXISTS " + name);
    }
  } catch (const std::exception&) {  // The server is stopped, or a slot holds the database: it goes with the server.
  }
}

std::string Database::uri() const {
  return server_->uri(name_);
}
void Database::exec(const std::string& sql) const {
  server_->exec(name_, sql);
}
Rows Database::query(const std::string& sql) const {
  return server_->query(name_, sql);
}
std::string Database::scalar(const std::string& sql) const {
  return server_->scalar(name_, sql);
}

PostgresServer::PostgresServer(int major, Flavour flavour, int ordinal)
    : major_(major), folder_(server_folder(servers_parent(), "tributary-postgres")) {
  guard();
  copy_cluster(major, ordinal, folder_ / "data");
  configure(flavour);
  start();
  exec("postgres", "ALTER ROLE postgres PASSWORD " + in_quotes(superuser_password, '\''));
}

PostgresServer::~PostgresServer() {
  if (postmaster_ > 0) {
    ::kill(postmaster_, SIGQUIT);
    wait_for_exit();
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
  close(lifeline_);
}

std::string PostgresServer::uri(const std::string& database) const {
  return "postgresql:///" + percent_encoded(database) + "?user=postgres&port=" + std::to_string(port_) +
         "&host=" + percent_encoded(folder_.string());
}

std::string PostgresServer::tcp_uri(const std::string& database, const std::string& user, const std::string& password,
                                    int port) const {
  return "postgresql://" + percent_encoded(user) + ":" + percent_encoded(password) +
         "@127.0.0.1:" + std::to_string(port == 0 ? port_ : port) + "/" + percent_encoded(database);
}

Database PostgresServer::create_database(const std::string& name, const std::string& options) {
  Database database(*this, name + "_" + std::to_string(++made_));
  exec("postgres", "CREATE DATABASE " + in_quotes(database.name(), '"') + " " + options);
  return database;
}

void PostgresServer::configure(Flavour flavour) {
  std::ofstream file(folder_ / "data/postgresql.conf", std::ios::app);
  file << settings << "unix_socket_directories = '" << folder_.string() << "'\n"
       << "wal_level = " << (flavour == Flavour::logical ? "logical" : "replica") << '\n';
  std::ofstream(folder_ / "data/pg_hba.conf") << access;
}

// The guard has no parent of ours, so that it outlives whoever ends this process and its children.
void PostgresServer::guard() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe for the server's guard");
  const pid_t launched = launch({"/usr/bin/setsid", "--fork", "/bin/sh", "-c", guard_script, "guard", folder_.string()},
                                "/dev/null", ends[0]);
  close(ends[0]);
  lifeline_ = ends[1];
  waitpid(launched, nullptr, 0);
}

void PostgresServer::start() {
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (port_ == 0) port_ = free_port();
    if (try_start()) return;
    if (made_ == 0) port_ = 0;  // Somebody took the port; once databases exist, tests know it and it stays.
  }
  throw std::runtime_error("PostgreSQL " + std::to_string(major_) + " does not start: see " + log().string());
}

bool PostgresServer::try_start() {
  const std::string program = installation(major_) / "bin/postgres";
  postmaster_ =
      launch({program, "-D", (folder_ / "data").string(), "-p", std::to_string(port_), "-h", "127.0.0.1"}, log());
  const auto deadline = steady_clock::now() + start_limit;
  while (steady_clock::now() < deadline) {
    if (waitpid(postmaster_, nullptr, WNOHANG) == postmaster_) break;
    if (PQping(uri("postgres").c_str()) == PQPING_OK) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  postmaster_ = -1;
  return false;
}

void PostgresServer::stop() {
  ::kill(postmaster_, SIGINT);
  wait_for_exit();
}

void PostgresServer::kill() {
  ::kill(postmaster_, SIGSTOP);  // No new children from here on.
  const std::vector<pid_t> children = children_of(postmaster_);
  ::kill(postmaster_, SIGKILL);
  for (const pid_t child : children) ::kill(child, SIGKILL);
  wait_for_exit();
  for (const pid_t child : children) {
    while (is_running(child)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void PostgresServer::back_up() {
  replace_by_copy(folder_ / "backup", folder_ / "data", log());
}

void PostgresServer::set_back() {
  replace_by_copy(folder_ / "data", folder_ / "backup", log());
}

void PostgresServer::wait_for_exit() {
  waitpid(postmaster_, nullptr, 0);
  postmaster_ = -1;
}

PostgresServer& server(int major, Flavour flavour) {
  static std::mutex mutex;
  static std::map<std::pair<int, Flavour>, std::unique_ptr<PostgresServer>> servers;
  const std::lock_guard lock(mutex);
  auto& found = servers[{major, flavour}];
  if (!found) found = std::make_unique<PostgresServer>(major, flavour, static_cast<int>(flavour));
  return *found;
}

}  // namespace tributary::testbed
