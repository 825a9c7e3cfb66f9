#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "operator/kube/config.h"
#include "operator/kube/request.h"

// HTTP to one API server, credentials included. Every status the server answers with is a Response; an Error means
// that there was no whole answer, and its fault says what that leaves unknown:
//   transient  the server was not reached (refused, no route, no such name, TLS handshake broken): it executed nothing
//   failed     the connection broke or fell silent, or the deadline passed, after sending: it may have executed it
//   denied     the server's certificate is not signed by the cluster's CA or names another host: nothing was sent
//   invalid    a credential file is unusable (nothing was sent), or the answer exceeds its size cap
//   cancelled  the caller asked to stop
namespace tributary::kube {

struct Response {
  int status = 0;
  std::string body;
  std::optional<Seconds> retry_after = {};

  bool ok() const { return status >= 200 && status < 300; }
};

// The lines of an answer as they come. One reader thread. Destroying it closes its connection.
class Stream {
 public:
  virtual ~Stream() = default;
  // The next line without its newline; nothing at a clean end. Blank lines are skipped. Faults as above; silence
  // for longer than the idle limit is `failed` and idle() is then true.
  virtual Result<std::optional<std::string>> next(std::stop_token stop) = 0;
  virtual bool idle() const = 0;
};

// An answered request for a stream: lines when the status is ok, else the whole body is in `head`.
struct Opened {
  Response head;
  std::unique_ptr<Stream> lines;
};

struct StreamLimits {
  Milliseconds open{30'000};   // until the status is here
  Milliseconds idle{150'000};  // between two pieces of the body; bookmarks come about every 60 s
  std::size_t line_bytes = std::size_t{8} << 20;
};

// Whether the request of this error may still be carried out: it is on its way, and nobody waits for its answer.
inline bool may_come(const Error& error) {
  return error.fault == Fault::failed || error.fault == Fault::cancelled;
}

class Transport {
 public:
  virtual ~Transport() = default;
  // Thread-safe, all of them. No body of a request begins its way after the deadline, even where the process stood
  // still in between: what is not sent by then is never executed. What changes something is not begun after it either,
  // but without a body it is not looked at again once it has a connection.
  virtual Result<Response> send(const Request& request, Deadline deadline, std::stop_token stop) = 0;
  virtual Result<Opened> open(const Request& request, const StreamLimits& limits, std::stop_token stop) = 0;
  // "10.96.0.1:443", for people.
  virtual std::string host() const = 0;
};

struct TransportOptions {
  Milliseconds idle{30'000};                       // between two steps of one request
  std::size_t body_bytes = std::size_t{64} << 20;  // cap of one whole answer
  Seconds check_credentials{300};                  // files of the CA and the client certificate are read again
  std::string user_agent = "tributary-operator/" TRIBUTARY_VERSION " (linux)";
};

// The one implementation, on cpprestsdk, which no other file knows. Holds its own copy of the configuration; logs each
// Warning header of the server once. Credentials are rotated under it: token files are read again as config.h says;
// files of the CA and the client certificate for every new connection, and while there is none from time to time.
// Another CA is trusted by new connections, and idle ones go; another client certificate ends all connections, streams
// as well. Threads: the library's process-wide pool; the first transport opened sets its size.
std::unique_ptr<Transport> open_rest_transport(ClusterConfig config, TransportOptions options = {});

}  // namespace tributary::kube
