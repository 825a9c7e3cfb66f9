#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "operator/kube/config.h"
#include "operator/kube/testing/certificates.h"
#include "operator/kube/testing/wire.h"

namespace tributary::kube::testing {

// A server on loopback whose certificates may be replaced while it runs. It answers every request with an empty object
// and a watch with a stream that never ends, and remembers who asked.
class TlsServer {
 public:
  explicit TlsServer(Pair identity);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  ClusterConfig config() const;  // without any credential

  // From the next connection on: what it shows, and whose certificate a client has to show.
  void present(Pair identity);
  void require(Pair authority);

  // The client's certificate of each request, "" where it has none.
  std::vector<std::string> clients() const;
  std::size_t connections() const;

 private:
  void accept_all();
  void converse(Wire& wire);

  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  Pair identity_;
  Pair authority_;
  bool stopping_ = false;
  std::vector<std::string> clients_;
  std::list<std::shared_ptr<Wire>> wires_;
  std::list<std::thread> conversations_;
  std::thread acceptor_;
};

}  // namespace tributary::kube::testing
