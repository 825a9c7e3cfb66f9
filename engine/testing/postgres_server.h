#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "engine/testing/session.h"

namespace tributary::testbed {

enum class Flavour {
  logical,  // wal_level = logical
  replica,  // wal_level = replica: a source that cannot be streamed from
};

class PostgresServer;

// A database that is dropped, connections and all, when its owner goes.
class Database {
 public:
  Database(PostgresServer& server, std::string name) : server_(&server), name_(std::move(name)) {}
  Database(Database&& other) noexcept : server_(std::exchange(other.server_, nullptr)), name_(std::move(other.name_)) {}
  Database& operator=(Database&& other) = delete;
  ~Database();

  const std::string& name() const { return name_; }
  std::string uri() const;
  void exec(const std::string& sql) const;
  Rows query(const std::string& sql) const;
  std::string scalar(const std::string& sql) const;

 private:
  PostgresServer* server_;
  std::string name_;
};

// A real PostgreSQL server of one major version, from the cache that `./dev postgres` fills: its own data folder in
// servers_parent(), a Unix socket there, a free port on 127.0.0.1. Both end with this object, and also when the test
// process is killed. On the socket the superuser `postgres` needs no password and every other role does, as everybody
// does on TCP; the superuser's is superuser_password. Not for use by two threads at once. Failures throw
// std::runtime_error.
class PostgresServer {
 public:
  static constexpr const char* superuser_password = "server's own: secret @1";

  // `ordinal` tells servers of one major in one process apart.
  PostgresServer(int major, Flavour flavour, int ordinal);
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  int major() const { return major_; }
  int port() const { return port_; }

  // As the superuser through the Unix socket.
  std::string uri(const std::string& database) const;
  // As any role through TCP; user, password and database are percent-encoded here. `port`: of whoever stands in front
  // of the server, 0 for its own.
  std::string tcp_uri(const std::string& database, const std::string& user, const std::string& password,
                      int port = 0) const;

  // A new database whose name begins with `name` and is unique on this server. `options` follow CREATE DATABASE name.
  Database create_database(const std::string& name, const std::string& options = "");
  // Exactly this name; the database need not exist yet. For what the code under test will create.
  Database adopt_database(const std::string& name) { return {*this, name}; }

  void exec(const std::string& database, const std::string& sql) { Session(uri(database)).exec(sql); }
  Rows query(const std::string& database, const std::string& sql) { return Session(uri(database)).query(sql); }
  std::string scalar(const std::string& database, const std::string& sql) { return Session(uri(database)).scalar(sql); }

  // Fast shutdown; sessions are ended. start() brings the same server back on the same port.
  void stop();
  void start();
  // kill -9 of the postmaster and all its processes: a crash.
  void kill();

  // Of a stopped server: keeps a copy of its files, and puts that back in their place, as somebody does who has nothing
  // but an older backup.
  void back_up();
  void set_back();

  std::filesystem::path log() const { return folder_ / "log"; }

 private:
  bool try_start();
  void configure(Flavour flavour);
  void guard();
  void wait_for_exit();

  int major_;
  int port_ = 0;
  int made_ = 0;       // databases so far
  int lifeline_ = -1;  // closed by our death, which the guard waits for
  pid_t postmaster_ = -1;
  std::filesystem::path folder_;
};

// The test process's server of this major and flavour, started at the first call and ended with the process.
PostgresServer& server(int major, Flavour flavour = Flavour::logical);

}  // namespace tributary::testbed
