#include <algorithm>
#include <atomic>
#include <charconv>
#include <mutex>
#include <set>
#include <utility>

#include <cpprest/astreambuf.h>
#include <cpprest/http_client.h>
#include <cpprest/producerconsumerstream.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pplx/threadpool.h>

#include "engine/base/log.h"
#include "operator/kube/body.h"
#include "operator/kube/tls.h"
#include "operator/kube/transport.h"

// The only file that knows cpprestsdk. Its traps, each met here:
//   - Its `timeout` is re-armed by every read and write, so it bounds silence and not the whole: the caller waits on
//     our own Exchange with a deadline and never inside a task (blocking the library's small pool could deadlock it).
//   - Its response buffer holds small pieces back: ChunkSink hands on each HTTP chunk as it comes, and holds the
//     library back when the reader is slow.
//   - send_request() is done at the headers, a broken body shows only in content_ready(): both are observed.
//   - A task's exception that nobody observes raises SIGTRAP: every chain ends in a continuation that swallows.
//   - Its pool has 40 threads unless it is sized before the first use.
//   - It trusts the system's roots and any TLS version: TlsMaterial replaces both. SNI is set to literal addresses,
//     which is wrong: it is off for them. A connection keeps its credentials, so with others the client is replaced.
//   - On a connection that the server closed while idle, it sends the request again, writes included: request bodies
//     cannot be rewound here, which makes it report the broken connection instead. Reads (no body) may be repeated.
//     It then keeps an unconnected connection in its pool: after any broken connection the whole client is replaced.
//   - It may connect for long, or stand still with the whole process, before it sends anything: a body is handed out
//     before the deadline or not at all, and without it the server executes nothing.
//   - A refused connection is reported as "host unreachable", a failed handshake by its text alone.
//   - A chunk or a header block is read whole before we see it: these are bounded by the idle timeout only.
namespace tributary::kube {
namespace {

namespace http = web::http;
using HttpClient = http::client::http_client;

constexpr std::size_t pool_threads = 4;
constexpr Seconds most_retry_after{300};

// One request under way, shared between the caller and the library's tasks; whoever is last frees it.
struct Exchange {
  explicit Exchange(std::size_t cap) : body(cap) {}

  Body body;
  std::mutex mutex;
  std::condition_variable_any changed;
  std::optional<Response> head;  // never the library's own response: it would own us through its stream
  std::string warning;
  std::optional<Error> error;  // there was no head
};

// Hands each piece of the body to the Exchange; write-only and not seekable. Everything about reading is unused.
class ChunkSink final : public concurrency::streams::details::streambuf_state_manager<std::uint8_t> {
 public:
  explicit ChunkSink(std::shared_ptr<Exchange> exchange)
      : streambuf_state_manager(std::ios_base::out), exchange_(std::move(exchange)) {}

  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  std::size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(std::size_t, std::ios_base::openmode) override {}
  std::size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return static_cast<pos_type>(traits::eof()); }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return static_cast<pos_type>(traits::eof()); }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override {
    return static_cast<pos_type>(traits::eof());
  }
  bool acquire(std::uint8_t*&, std::size_t&) override { return false; }
  void release(std::uint8_t*, std::size_t) override {}

 protected:
  pplx::task<std::size_t> _putn(const std::uint8_t* bytes, std::size_t count) override {
    const pplx::task_completion_event<std::size_t> resumed;
    const std::string_view text(reinterpret_cast<const char*>(bytes), count);
    if (exchange_->body.feed(text, [resumed, count] { resumed.set(count); })) return pplx::task_from_result(count);
    return pplx::create_task(resumed);
  }
  pplx::task<int_type> _putc(std::uint8_t byte) override {
    exchange_->body.feed({reinterpret_cast<const char*>(&byte), 1}, [] {});
    return pplx::task_from_result<int_type>(byte);
  }
  pplx::task<int_type> _bumpc() override { return pplx::task_from_result<int_type>(traits::eof()); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return pplx::task_from_result<int_type>(traits::eof()); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return pplx::task_from_result<int_type>(traits::eof()); }
  pplx::task<int_type> _ungetc() override { return pplx::task_from_result<int_type>(traits::eof()); }
  pplx::task<std::size_t> _getn(std::uint8_t*, std::size_t) override { return pplx::task_from_result<std::size_t>(0); }
  std::size_t _scopy(std::uint8_t*, std::size_t) override { return 0; }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  std::uint8_t* _alloc(std::size_t) override { return nullptr; }
  void _commit(std::size_t) override {}

 private:
  const std::shared_ptr<Exchange> exchange_;
};

Error error_of(const http::http_exception& exception) {
  const std::string what = exception.what();
  const int code = exception.error_code().value();
  const auto starts = [&](std::string_view text) { return what.starts_with(text); };
  if (starts("Error in SSL handshake")) {
    const auto reason = ERR_GET_REASON(static_cast<unsigned long>(code));
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
      return {Fault::denied, "the API server's certificate is not valid for the cluster's CA and this host",
              "check certificate-authority and server"};
    return {Fault::transient, "the TLS handshake with the API server failed"};
  }
  if (starts("Failed to connect") || starts("Error resolving") || starts("Failed to resolve"))
    return {Fault::transient, "the API server cannot be reached: " + exception.error_code().message()};
  return {Fault::failed, "the connection to the API server broke: " + what};
}

// Thrown through the library, which then closes the connection.
struct TooLate {};

Error too_late() {
  return {Fault::transient, "there was no time left to send the request to the API server"};
}

// Later than that it is not sent.
Deadline begin_of(const Request& request, Deadline deadline) {
  return deadline.no_later_than(request.begin_by.value_or(deadline.at()));
}

Error current_error() {
  try {
    throw;
  } catch (const TooLate&) {
    return too_late();
  } catch (const http::http_exception& exception) {
    return error_of(exception);
  } catch (const std::exception& exception) {
    return {Fault::failed, std::string("the request to the API server failed: ") + exception.what()};
  } catch (...) {
    return {Fault::failed, "the request to the API server failed"};
  }
}

http::method method_of(Method method) {
  return name_of(method);
}

// Called before each piece of the body and once after the last.
http::progress_handler in_time(std::size_t size, Deadline deadline) {
  return [size, deadline](http::message_direction::direction direction, utility::size64_t done) {
    if (direction == http::message_direction::upload && done < size && deadline.passed()) throw TooLate();
  };
}

// A stream that cannot be rewound; see the traps.
concurrency::streams::istream once(const std::string& body) {
  concurrency::streams::producer_consumer_buffer<std::uint8_t> buffer;
  buffer.putn_nocopy(reinterpret_cast<const std::uint8_t*>(body.data()), body.size()).wait();  // done at once
  buffer.close(std::ios_base::out).wait();
  return buffer.create_istream();
}

std::string host_of(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  return url.substr(begin, url.find('/', begin) - begin);
}

bool is_address(const std::string& host) {
  return host.find(':') != std::string::npos || host.find_first_not_of("0123456789.") == std::string::npos;
}

std::string header_of(const http::http_response& response, const char* name) {
  const auto header = response.headers().find(name);
  return header == response.headers().end() ? std::string() : header->second;
}

std::optional<Seconds> retry_after_of(const http::http_response& response) {
  const std::string text = header_of(response, "Retry-After");
  std::int64_t seconds = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (fault != std::errc() || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return std::min<Seconds>(Seconds(seconds), most_retry_after);
}

class RestStream final : public Stream {
 public:
  RestStream(std::shared_ptr<Exchange> exchange, pplx::cancellation_token_source cancel, Milliseconds idle)
      : exchange_(std::move(exchange)), cancel_(std::move(cancel)), idle_(idle) {}
  ~RestStream() override {
    exchange_->body.abandon();
    cancel_.cancel();
  }

  Result<std::optional<std::string>> next(std::stop_token stop) override {
    return exchange_->body.next_line(idle_, std::move(stop));
  }
  bool idle() const override { return exchange_->body.idle(); }

 private:
  const std::shared_ptr<Exchange> exchange_;
  pplx::cancellation_token_source cancel_;
  const Milliseconds idle_;
};

class RestTransport final : public Transport {
 public:
  RestTransport(ClusterConfig config, TransportOptions options)
      : config_(std::move(config)),
        options_(std::move(options)),
        token_(config_.token),
        tls_(std::make_shared<TlsSource>(config_, options_.check_credentials)) {}

  Result<Response> send(const Request& request, Deadline deadline, std::stop_token stop) override;
  Result<Opened> open(const Request& request, const StreamLimits& limits, std::stop_token stop) override;
  std::string host() const override { return host_of(config_.server); }

 private:
  struct Pending {
    std::shared_ptr<Exchange> exchange;
    pplx::cancellation_token_source cancel;
  };

  Result<std::shared_ptr<HttpClient>> shared_client();
  Result<std::shared_ptr<HttpClient>> new_client(Milliseconds idle) const;
  void forget_client();
  Result<void> follow_credentials();
  void end_streams();
  void remember(const std::shared_ptr<Exchange>& stream);
  Result<http::http_request> message_of(const Request& request, Deadline deadline);
  Pending start(HttpClient& client, http::http_request message, std::size_t cap);
  Result<Response> head_of(const Pending& pending, SteadyTime began, Deadline deadline, std::stop_token stop);
  Result<Response> whole_of(const Pending& pending, SteadyTime began, Deadline deadline, std::stop_token stop);
  void log_warning(const std::string& text);

  const ClusterConfig config_;
  const TransportOptions options_;
  TokenSource token_;
  std::mutex mutex_;
  const std::shared_ptr<TlsSource> tls_;
  std::shared_ptr<HttpClient> client_;
  std::shared_ptr<const TlsMaterial> material_;  // of connections
  std::vector<std::weak_ptr<Exchange>> streams_;
  std::set<std::string> warnings_;
};

Result<std::shared_ptr<HttpClient>> RestTransport::new_client(Milliseconds idle) const {
  try {
    http::client::http_client_config options;
    options.set_timeout(idle);
    const web::uri base(config_.server);
    if (base.scheme() == "https") {
      TRY(tls_->get(SteadyClock::now()));
      options.set_ssl_context_callback([tls = tls_](boost::asio::ssl::context& context) {
        const auto material = tls->refresh(SteadyClock::now());
        if (!material.ok() || !(*material)->install(context.native_handle())) ERR_clear_error();
      });
      options.set_tlsext_sni_enabled(
          !is_address(config_.tls_server_name.empty() ? base.host() : config_.tls_server_name));
    }
    return std::make_shared<HttpClient>(base, options);
  } catch (const std::exception&) {
    return Error{Fault::invalid, "the API server's address is no URL: " + config_.server};
  }
}

Result<std::shared_ptr<HttpClient>> RestTransport::shared_client() {
  const std::lock_guard lock(mutex_);
  TRY(follow_credentials());
  if (!client_) client_ = TRY(new_client(options_.idle));
  return client_;
}

void RestTransport::forget_client() {
  const std::lock_guard lock(mutex_);
  client_.reset();
}

// With the lock.
Result<void> RestTransport::follow_credentials() {
  if (!config_.server.starts_with("https:")) return {};
  std::shared_ptr<const TlsMaterial> now = TRY(tls_->get(SteadyClock::now()));
  if (material_ && now != material_) {
    client_.reset();
    if (!now->same_identity(*material_)) end_streams();
  }
  material_ = std::move(now);
  return {};
}

void RestTransport::remember(const std::shared_ptr<Exchange>& stream) {
  const std::lock_guard lock(mutex_);
  std::erase_if(streams_, [](const auto& other) { return other.expired(); });
  streams_.push_back(stream);
}

void RestTransport::end_streams() {
  for (const std::weak_ptr<Exchange>& stream : streams_)
    if (const auto exchange = stream.lock())
      exchange->body.end(Error{Fault::failed, "the client certificate was replaced, so the stream begins anew"});
  streams_.clear();
}

Result<http::http_request> RestTransport::message_of(const Request& request, Deadline deadline) {
  const std::string token = TRY(token_.get(SteadyClock::now()));
  http::http_request message(method_of(request.method));
  try {
    message.set_request_uri(web::uri(request.path));
    if (!request.body.empty()) {
      message.set_body(once(request.body), request.body.size(), request.content_type);
      message.set_progress_handler(in_time(request.body.size(), begin_of(request, deadline)));
    }
    http::http_headers& headers = message.headers();
    headers.add("Accept", request.accept);
    headers.add("User-Agent", options_.user_agent);
    if (!token.empty()) headers.add("Authorization", "Bearer " + token);
    // The library checks the certificate against the Host header where there is one.
    if (!config_.tls_server_name.empty()) headers.add("Host", config_.tls_server_name);
  } catch (const std::exception&) {
    return Error{Fault::invalid, "the request's path is no URI: " + request.path};
  }
  return message;
}

RestTransport::Pending RestTransport::start(HttpClient& client, http::http_request message, std::size_t cap) {
  Pending pending{std::make_shared<Exchange>(cap), {}};
  const std::shared_ptr<Exchange> exchange = pending.exchange;
  const auto fail = [exchange](Error error) {
    exchange->body.end(error);
    const std::lock_guard lock(exchange->mutex);
    if (!exchange->head && !exchange->error) exchange->error = std::move(error);
    exchange->changed.notify_all();
  };
  try {
    using Buffer = concurrency::streams::streambuf<std::uint8_t>;
    const std::shared_ptr<concurrency::streams::details::basic_streambuf<std::uint8_t>> sink =
        std::make_shared<ChunkSink>(exchange);
    message.set_response_stream(Buffer(sink).create_ostream());
    client.request(message, pending.cancel.get_token())
        .then([exchange](const http::http_response& response) {
          {
            const std::lock_guard lock(exchange->mutex);
            exchange->head = Response{response.status_code(), {}, retry_after_of(response)};
            exchange->warning = header_of(response, "Warning");
            exchange->changed.notify_all();
          }
          return response.content_ready();
        })
        .then([exchange, fail](const pplx::task<http::http_response>& whole) {
          try {
            whole.get();
            exchange->body.end(std::nullopt);
          } catch (...) {
            fail(current_error());
          }
        });
  } catch (...) {
    fail(current_error());
  }
  return pending;
}

// The head alone; the caller ends the request when there is none.
Result<Response> RestTransport::head_of(const Pending& pending, SteadyTime began, Deadline deadline,
                                        std::stop_token stop) {
  Exchange& exchange = *pending.exchange;
  std::unique_lock lock(exchange.mutex);
  const bool answered =
      exchange.changed.wait_for(lock, stop, deadline.left(), [&] { return exchange.head || exchange.error; });
  if (!answered && stop.stop_requested()) return Error{Fault::cancelled, "stopped while waiting for the API server"};
  if (!answered) return Error{Fault::failed, "the API server did not answer in time"};
  if (exchange.error) return *exchange.error;
  if (exchange.head->status == 401) token_.reject(began);
  log_warning(exchange.warning);
  return *exchange.head;
}

Result<Response> RestTransport::whole_of(const Pending& pending, SteadyTime began, Deadline deadline,
                                         std::stop_token stop) {
  Response response = TRY(head_of(pending, began, deadline, stop));
  response.body = TRY(pending.exchange->body.wait_whole(deadline, stop));
  return response;
}

Result<Response> RestTransport::send(const Request& request, Deadline deadline, std::stop_token stop) {
  const SteadyTime began = SteadyClock::now();
  const std::shared_ptr<HttpClient> client = TRY(shared_client());
  http::http_request message = TRY(message_of(request, deadline));
  if (!is_read(request) && begin_of(request, deadline).passed()) return too_late();
  Pending pending = start(*client, std::move(message), options_.body_bytes);
  Result<Response> response = whole_of(pending, began, deadline, stop);
  if (!response.ok()) {
    pending.exchange->body.abandon();
    pending.cancel.cancel();
    forget_client();
  }
  return response;
}

Result<Opened> RestTransport::open(const Request& request, const StreamLimits& limits, std::stop_token stop) {
  const SteadyTime began = SteadyClock::now();
  const Deadline deadline = Deadline::after(limits.open);
  {
    const std::lock_guard lock(mutex_);
    TRY(follow_credentials());
  }
  // A client of its own, and so a connection of its own. Its own idle timer is only the last resort, behind ours.
  const std::shared_ptr<HttpClient> client = TRY(new_client(2 * std::max(limits.idle, limits.open)));
  Pending pending = start(*client, TRY(message_of(request, deadline)), limits.line_bytes);
  remember(pending.exchange);
  auto stream = std::make_unique<RestStream>(pending.exchange, pending.cancel, limits.idle);
  Response head = TRY(head_of(pending, began, deadline, stop));
  if (head.ok()) return Opened{std::move(head), std::move(stream)};
  head.body = TRY(pending.exchange->body.wait_whole(deadline, stop));
  return Opened{std::move(head), nullptr};
}

// As the server sent it: 299 - "text", several separated by commas. Each is told once.
void RestTransport::log_warning(const std::string& text) {
  constexpr std::size_t most = 100;
  const std::lock_guard lock(mutex_);
  if (text.empty() || warnings_.size() >= most || !warnings_.insert(text).second) return;
  log::warn("the API server warns", {{"text", text}});
}

}  // namespace

std::unique_ptr<Transport> open_rest_transport(ClusterConfig config, TransportOptions options) {
  static std::once_flag sized;
  std::call_once(sized, [] {
    try {
      crossplat::threadpool::initialize_with_threads(pool_threads);
    } catch (const std::exception& e) {
      log::warn("the HTTP library's threads were started before", {{"error", e.what()}});
    }
  });
  return std::make_unique<RestTransport>(std::move(config), std::move(options));
}

}  // namespace tributary::kube
