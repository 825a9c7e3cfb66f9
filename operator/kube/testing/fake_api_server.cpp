#include "operator/kube/testing/fake_api_server.h"

#include <algorithm>
#include <utility>

#include "operator/kube/testing/serving.h"

namespace tributary::kube::testing {

FakeApiServer::FakeApiServer() : FakeApiServer(Options{}) {}
FakeApiServer::FakeApiServer(Options options) : self_(std::make_unique<Self>(std::move(options))) {}
FakeApiServer::~FakeApiServer() = default;

std::string FakeApiServer::url() const {
  return (self_->options.certificate_file.empty() ? "http://127.0.0.1:" : "https://127.0.0.1:") +
         std::to_string(self_->port);
}

ClusterConfig FakeApiServer::config() const {
  ClusterConfig config;
  config.server = url();
  config.space = "default";
  config.token.text = self_->options.token;
  return config;
}

void FakeApiServer::serve(const Resource& resource, bool status_subresource, Json schema) {
  const std::lock_guard lock(self_->mutex);
  self_->world.serve(resource, status_subresource, std::move(schema));
}

void FakeApiServer::withdraw(const Resource& resource) {
  const std::lock_guard lock(self_->mutex);
  self_->world.withdraw(resource);
  for (Self::StreamState& stream : self_->streams) stream.end = stream.end || stream.plural == resource.plural;
  self_->changed.notify_all();
}

Object FakeApiServer::put(const Resource& resource, Json object) {
  const std::lock_guard lock(self_->mutex);
  Object stored = self_->world.put(resource, std::move(object));
  self_->changed.notify_all();
  return stored;
}

bool FakeApiServer::put_if_unchanged(const Resource& resource, const Json& object) {
  const std::lock_guard lock(self_->mutex);
  const Object read(object);
  if (self_->world.find(resource, read.key()).resource_version() != read.resource_version()) return false;
  self_->world.put(resource, object);
  self_->changed.notify_all();
  return true;
}

void FakeApiServer::erase(const Resource& resource, const Key& key) {
  const std::lock_guard lock(self_->mutex);
  self_->world.erase(resource, key);
  self_->changed.notify_all();
}

Object FakeApiServer::find(const Resource& resource, const Key& key) const {
  const std::lock_guard lock(self_->mutex);
  return self_->world.find(resource, key);
}

std::vector<Object> FakeApiServer::all(const Resource& resource) const {
  const std::lock_guard lock(self_->mutex);
  return self_->world.all(resource);
}

void FakeApiServer::set_fate(Fate fate) {
  const std::lock_guard lock(self_->mutex);
  self_->fate = std::move(fate);
}

void FakeApiServer::fail_next(int count, Misfortune misfortune) {
  const std::lock_guard lock(self_->mutex);
  self_->failures_left = count;
  self_->failure = std::move(misfortune);
}

void FakeApiServer::set_token(std::string token) {
  const std::lock_guard lock(self_->mutex);
  self_->options.token = std::move(token);
}

void FakeApiServer::present(const std::string& certificate_file, const std::string& key_file) {
  const std::lock_guard lock(self_->mutex);
  self_->options.certificate_file = certificate_file;
  self_->options.key_file = key_file;
  self_->show_certificate();
}

std::vector<Logged> FakeApiServer::history(std::size_t from) const {
  const std::lock_guard lock(self_->mutex);
  const std::vector<Logged>& all = self_->world.history();
  return {all.begin() + static_cast<std::ptrdiff_t>(std::min(from, all.size())), all.end()};
}

std::uint64_t FakeApiServer::version() const {
  const std::lock_guard lock(self_->mutex);
  return self_->world.version();
}

void FakeApiServer::disturb_streams(const StreamFault& fault) {
  const std::lock_guard lock(self_->mutex);
  self_->stream_fault = fault;
  for (Self::StreamState& stream : self_->streams) stream.fault = self_->fault_of(stream.plural);
  self_->changed.notify_all();
}

void FakeApiServer::compact() {
  const std::lock_guard lock(self_->mutex);
  self_->world.compact();
}

void FakeApiServer::end_streams() {
  self_->order([](Self::StreamState& stream) { stream.end = true; });
}
void FakeApiServer::reset_streams() {
  self_->order([](Self::StreamState& stream) { stream.reset = true; });
}
void FakeApiServer::silence_streams() {
  self_->order([](Self::StreamState& stream) { stream.silent = true; });
}
void FakeApiServer::send_raw(const std::string& bytes) {
  self_->order([&](Self::StreamState& stream) { stream.raw += bytes; });
}
void FakeApiServer::bookmark() {
  self_->order([](Self::StreamState& stream) { ++stream.bookmarks; });
}

void FakeApiServer::split_chunks(std::size_t bytes) {
  const std::lock_guard lock(self_->mutex);
  self_->chunk_bytes = bytes;
}

std::size_t FakeApiServer::open_streams() const {
  const std::lock_guard lock(self_->mutex);
  return self_->streams.size();
}

bool FakeApiServer::wait_for_streams(std::size_t count, Milliseconds limit) const {
  std::unique_lock lock(self_->mutex);
  return self_->changed.wait_for(lock, limit, [&] { return self_->streams.size() == count; });
}

std::vector<Served> FakeApiServer::served() const {
  const std::lock_guard lock(self_->mutex);
  return self_->served;
}

void FakeApiServer::forget_served() {
  const std::lock_guard lock(self_->mutex);
  self_->served.clear();
}

}  // namespace tributary::kube::testing
