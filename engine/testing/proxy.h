#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tributary::testbed {

// The network in front of a server: passes on what comes to a port of its own on 127.0.0.1, on a thread of its own.
// While a way is cut nothing moves on it and nobody is told, as when a cable is pulled: what is sent waits in the
// sockets. The calls may come from any thread, and what they say holds when they return. Failures to begin throw.
class Proxy {
 public:
  enum class Way { both, to_server, to_client };

  explicit Proxy(int server_port);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  int port() const { return port_; }

  // Nobody new is let in either, until it is mended.
  void cut(Way way = Way::both);
  void mend();
  // Resets all connections that there are.
  void drop();

 private:
  // One way of a connection.
  struct Flow {
    int from = -1;
    int to = -1;
    std::string waiting = {};  // to be sent
    bool has_ended = false;    // nothing more comes from there
  };
  struct Link {
    Flow to_server;
    Flow to_client;
    bool is_over = false;
  };

  void run(const std::stop_token& stop);
  void wake();
  void let_in();
  bool moves(const Flow& flow, const Link& link) const;
  void close_all(bool reset);

  const int server_port_;
  int port_ = 0;
  int listener_ = -1;
  int wake_ = -1;
  std::mutex mutex_;  // guards what follows; the sockets of links_ are closed by the thread alone
  std::condition_variable dropped_;
  bool to_server_cut_ = false;
  bool to_client_cut_ = false;
  bool drops_ = false;
  std::vector<Link> links_;
  std::jthread thread_;
};

}  // namespace tributary::testbed
