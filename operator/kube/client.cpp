#include "operator/kube/client.h"

#include <algorithm>
#include <utility>

#include "engine/base/pause.h"
#include "engine/base/text.h"
#include "operator/kube/parse.h"

namespace tributary::kube {
namespace {

Fault fault_of(int status) {
  if (status == 401 || status == 403) return Fault::denied;
  if (status == 404) return Fault::missing;
  if (status == 409) return Fault::conflict;
  if (status == 408 || status == 429 || status >= 500) return Fault::transient;
  if (status == 410) return Fault::lost;
  return Fault::invalid;
}

std::string hint_of(int status) {
  if (status == 401) return "the API server does not accept the credentials; check the service account or kubeconfig";
  if (status == 403) return "check the roles bound to the operator's service account, quotas and admission policies";
  return "";
}

// What the server said, cut to a length that fits conditions and logs.
std::string message_of(const Response& response) {
  constexpr std::size_t most = 1024;
  const Parsed body = parse_json(response.body);
  std::string message = text_at(body.json, {"message"});
  if (message.empty()) message = "the API server answered status " + std::to_string(response.status);
  return first_bytes(message, most, "...");
}

// A server that asks to come back later has not executed the request, whatever it was.
bool turned_away(const Response& response) {
  return (response.status == 429 || response.status >= 500) && response.retry_after.has_value();
}

bool broken(const Error& error) {
  return error.fault == Fault::transient || error.fault == Fault::failed;
}

Error outcome_unknown(Error error) {
  return {Fault::transient, error.what + "; it is unknown whether the request was executed", error.hint};
}

Result<Object> object_in(const Response& response) {
  Parsed body = parse_json(response.body);
  if (!body.ok || !at(body.json, {"metadata"}).is_object())
    return Error{Fault::invalid, "the API server answered something that is no object"};
  return Object(std::move(body.json));
}

}  // namespace

Error error_of(const Response& response) {
  return {fault_of(response.status), message_of(response), hint_of(response.status)};
}

Client::Client(Transport& transport, ClientOptions options, std::stop_token stop)
    : transport_(&transport), options_(std::move(options)), stop_(std::move(stop)) {}

Result<Response> Client::perform(const Request& request) const {
  Milliseconds budget = options_.retry_wait;
  std::optional<Request> repeated;
  for (int tries = 0;; ++tries) {
    const Request& next = repeated ? *repeated : request;
    Result<Response> answer = transport_->send(next, Deadline::after(options_.timeout), stop_);
    Milliseconds wait{0};
    if (answer.ok()) {
      if (answer->ok()) return answer;
      if (!turned_away(*answer)) return error_of(*answer);
      wait = std::max<Milliseconds>(Milliseconds(1), *answer->retry_after);
    } else {
      if (answer.error().fault == Fault::failed && !is_read(request)) return outcome_unknown(answer.error());
      if (!broken(answer.error()) || !is_read(request)) return answer.error();
      wait = options_.broken_wait;
    }
    const bool give_up = tries >= options_.retries || wait > budget;
    if (give_up && answer.ok()) return error_of(*answer);
    if (give_up) return Error{Fault::transient, answer.error().what, answer.error().hint};
    budget -= wait;
    if (!pause_for(wait, stop_)) return Error{Fault::cancelled, "stopped while waiting to repeat a request"};
    if (!repeated) repeated = request;
    repeated->repeats = answer.ok() ? answer->status : 0;
  }
}

Result<Object> Client::object_of(const Request& request) const {
  return object_in(TRY(perform(request)));
}

Result<Object> Client::get(const Resource& resource, const Key& key) const {
  return object_of(kube::get(resource, key));
}

Result<ListResult> Client::list(const Resource& resource, const Selection& selection, const ListPage& page,
                                const TakeObject& take) const {
  return list_in(resource, selection.detail, TRY(perform(kube::list(resource, selection, page))), take);
}

Result<Object> Client::create(const Resource& resource, const Object& object) const {
  return object_of(kube::create(resource, object));
}

Result<Object> Client::apply(const Resource& resource, const Object& intent, Subresource subresource) const {
  return object_of(kube::apply(resource, intent, options_.field_manager, subresource));
}

Result<Object> Client::merge_patch(const Resource& resource, const Key& key, const Json& patch,
                                   Subresource subresource) const {
  return object_of(kube::merge_patch(resource, key, patch, options_.field_manager, subresource));
}

Result<Object> Client::json_patch(const Resource& resource, const Key& key, const Json& operations,
                                  Subresource subresource) const {
  return object_of(kube::json_patch(resource, key, operations, options_.field_manager, subresource));
}

Result<void> Client::remove(const Resource& resource, const Key& key, const Removal& removal) const {
  TRY(perform(kube::remove(resource, key, removal)));
  return {};
}

Result<ListResult> list_in(const Resource& resource, Detail detail, const Response& response, const TakeObject& take) {
  ListResult result;
  bool whole = true;
  const auto take_item = [&](Json item) {
    whole = whole && at(item, {"metadata"}).is_object();
    if (!whole) return;
    item["apiVersion"] = detail == Detail::full ? resource.api_version() : "meta.k8s.io/v1";
    item["kind"] = detail == Detail::full ? resource.kind : "PartialObjectMetadata";
    if (take) return take(Object(std::move(item)));
    result.items.emplace_back(std::move(item));
  };
  const Parsed list = parse_list(response.body, take_item);
  if (!list.ok || !at(list.json, {"metadata"}).is_object() || text_at(list.json, {"kind"}) == "Table")
    return Error{Fault::invalid, "the API server answered something that is no list of " + resource.plural};
  if (!whole) return Error{Fault::invalid, "a list of " + resource.plural + " holds something that is no object"};
  result.resource_version = text_at(list.json, {"metadata", "resourceVersion"});
  result.continue_token = text_at(list.json, {"metadata", "continue"});
  return result;
}

}  // namespace tributary::kube
