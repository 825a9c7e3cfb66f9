#pragma once

#include <cstddef>
#include <string>

#include "engine/base/clock.h"
#include "engine/serve/listener.h"
#include "engine/serve/response.h"

namespace tributary::serve {

// One connection from its request to the end of its answer. Never blocks: the server's loop calls advance() when
// poll() reports what events() asked for.
class Exchange {
 public:
  Exchange(Socket socket, Deadline deadline) : socket_(std::move(socket)), deadline_(deadline) {}

  int fd() const { return socket_.fd(); }
  short events() const;  // for poll()
  const Deadline& deadline() const { return deadline_; }
  bool over() const { return state_ == State::over; }

  void advance(const Routes& routes);

 private:
  // After the answer our side is shut and the peer's last bytes are read and dropped, because closing with bytes
  // unread would reset the connection and could take the answer with it.
  enum class State { reading, writing, lingering, over };

  void read(const Routes& routes);
  void write();
  void linger();

  Socket socket_;
  Deadline deadline_;
  State state_ = State::reading;
  std::string received_;
  std::string answer_;
  std::size_t sent_ = 0;
};

}  // namespace tributary::serve
